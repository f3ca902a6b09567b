import { ClaimTrail } from './claim-trail.js';
import type { NodeClock } from './clock.js';
import { FreeRecords, type Piece } from './free-records.js';
import type { ProcState } from './log-procs.js';
import {
  claimKey,
  claimValue,
  Facts,
  type ProcDefinition,
  positionKey,
  positionValue,
  procKey,
  type StoredClaim,
  type StoredPosition,
} from './proc-facts.js';
import { Progress } from './progress.js';
import type { Span } from './span-set.js';
import type { TopicEntry } from './topic-entry.js';

/** Claims are written down some milliseconds after they were given out; there are hardly more in that time. */
const MOST_UNWRITTEN = 1000;

/** A claim that is out, or was. */
export interface OpenClaim extends Piece {
  readonly proc: Proc;
  isOut: boolean;
  isStored: boolean;
  readonly token: string;
  readonly range: string;
  readonly claimedAtMs: number;
  /** By the steady clock. */
  readonly deadlineMs: number;
}

/** What a restart finds. */
export interface StoredProc {
  readonly position: StoredPosition | undefined;
  readonly ahead: readonly Span[];
  /** With their deadlines; those without a token came back. */
  readonly claims: readonly { readonly claim: StoredClaim; readonly deadlineMs: number }[];
}

/**
 * Where a consumer of one topic stands. Knows no disk: each change says which facts have to be written with it, and is in
 * force at once. Of writes that are on their way the disk loses the last ones or none; what it lost is taken back by
 * `unack`, in the order of the calls.
 */
export class Proc {
  readonly name: string;
  readonly #positionKey: string;
  readonly topic: TopicEntry;
  definition: ProcDefinition;
  /** The position without acks that the disk may lose yet. */
  safePosition: number;
  readonly #free: FreeRecords;
  readonly #progress: Progress;
  readonly #trail = new ClaimTrail();
  /** By token, oldest first. */
  readonly claims = new Map<string, OpenClaim>();
  /** Pieces that are being read. */
  #taken = 0;
  #claimedRecords = 0;
  /** Writes on their way that acknowledge, and how many were lost. */
  acksInFlight = 0;
  lostAcks = 0;
  acked = 0;
  isDestroyed = false;
  #suspectBefore = 0;
  /** Of the node's count of claims, when it was given the last one. */
  servedAt = 0;

  constructor(name: string, topic: TopicEntry, definition: ProcDefinition) {
    this.name = name;
    this.#positionKey = positionKey(name);
    this.topic = topic;
    this.definition = definition;
    this.#progress = new Progress(name, definition.start);
    this.safePosition = definition.start;
    this.#free = new FreeRecords(topic, definition.start);
  }

  /** Takes over what was stored, once, before anything else. */
  restore({ position, ahead, claims }: StoredProc): void {
    if (position) {
      this.safePosition = position.position;
      this.#trail.restore(position);
    }
    this.#progress.restore(position?.position ?? this.position, ahead);
    const out = claims
      .filter(({ claim }) => claim.first >= this.position)
      .sort((a, b) => a.claim.claimedAtMs - b.claim.claimedAtMs || a.claim.first - b.claim.first);
    for (const { claim, deadlineMs } of out)
      if (claim.token !== '') this.#noteClaimed({ ...claim, proc: this, isOut: true, deadlineMs, isStored: true });
    const pieces = out.map(({ claim: { first, last, token, reclaims } }) =>
      token === '' ? { first, last, back: { first, last, reclaims, isStored: true } } : { first, last },
    );
    const taken = [...this.#progress.ahead, ...pieces].sort((a, b) => a.first - b.first);
    this.#free.restore(this.position, taken);
  }

  /** The newest claims before a crash were not written down: what is given out first may have been in a hand before. */
  suspectClaims(): void {
    this.#suspectBefore = Math.min(this.#free.nextFresh + MOST_UNWRITTEN, this.topic.last + 1);
  }

  /** Whether records may have been given out before. */
  isRepeated({ first, reclaims }: Piece): boolean {
    return reclaims > 0 || first < this.#suspectBefore;
  }

  /** First sequence that is not acknowledged. */
  get position(): number {
    return this.#progress.position;
  }

  get #hasTrail(): boolean {
    return this.definition.trail !== false;
  }

  get isActive(): boolean {
    return this.definition.status === 'active';
  }

  get hasWork(): boolean {
    return (
      this.isActive &&
      !this.isDestroyed &&
      this.claims.size + this.#taken < this.definition.maxClaims &&
      !this.#free.isEmpty
    );
  }

  /** Nothing is left to be acknowledged, for sure. */
  get isDone(): boolean {
    const isIdle = this.claims.size + this.#taken + this.#free.returned.length + this.acksInFlight === 0;
    return isIdle && Math.max(this.position, this.topic.first) > this.topic.last;
  }

  /** Takes up to `max` pieces of up to `count` records; what came back goes first, as it was. */
  take(max: number, count: number): readonly Piece[] {
    const pieces: Piece[] = [];
    const room = Math.min(max, this.definition.maxClaims - this.claims.size - this.#taken);
    while (pieces.length < room) {
      const piece = this.#free.take(count);
      if (!piece) break;
      pieces.push(piece);
    }
    this.#taken += pieces.length;
    return pieces;
  }

  /** Takes the first record that is free of those from one sequence to another, however many claims are out. */
  takeWithin(from: number, to: number): Piece | undefined {
    const piece = this.#free.takeWithin(from, to);
    if (piece) this.#taken++;
    return piece;
  }

  /** Records that nobody holds, and those that are claimed. */
  get backlog(): { readonly ready: number; readonly unacked: number } {
    return { ready: this.#free.size, unacked: this.#claimedRecords };
  }

  get ready(): number {
    return this.#free.size;
  }

  /** Sequence of the first record that nobody holds. */
  get nextFree(): number | undefined {
    return this.#free.first;
  }

  /** Pieces that were not claimed after all. */
  putBack(pieces: readonly Piece[]): void {
    this.#taken -= pieces.length;
    this.#free.putBack(pieces);
  }

  /** A piece was read and becomes a claim; what was not read of it goes back. */
  claimed(piece: Piece, claim: OpenClaim): void {
    this.#taken--;
    this.#noteClaimed(claim);
    if (claim.last < piece.last)
      this.#free.putBack([{ first: claim.last + 1, last: piece.last, reclaims: 0, isStored: false }]);
  }

  /** All of a piece was dropped by the log. */
  vanished(piece: Piece): void {
    this.#taken--;
    this.#progress.advance(piece, new Facts());
  }

  #noteClaimed(claim: OpenClaim): void {
    this.claims.set(claim.token, claim);
    this.#claimedRecords += claim.last - claim.first + 1;
    if (this.#hasTrail) this.#trail.claimed(claim.range, claim.claimedAtMs);
  }

  /** Ends a claim; its records are acknowledged when the facts are stored. */
  ack(claim: OpenClaim, clock: Pick<NodeClock, 'wallMs'>, facts: Facts): void {
    this.#close(claim);
    if (this.#hasTrail) this.#trail.acked(claim.range, clock.wallMs());
    if (claim.isStored) facts.delete(claimKey(this.name, claim.first));
    if (this.#progress.advance(claim, facts)) this.#statePosition(facts);
  }

  /** The facts of an `ack` were not stored: the claim is out as before. */
  unack(claim: OpenClaim): void {
    this.lostAcks++;
    claim.isOut = true;
    this.claims.set(claim.token, claim);
    this.#claimedRecords += claim.last - claim.first + 1;
    this.#progress.retreat(claim);
  }

  /** All of where it stands, for when an ack was stored although one before it was not. */
  restate(facts: Facts): void {
    this.#statePosition(facts);
    this.#progress.restate(facts);
  }

  #statePosition(facts: Facts): void {
    const { position } = this;
    if (!this.#hasTrail) {
      facts.put(this.#positionKey, String(position));
      return;
    }
    const { lastClaimedAt, lastAckedAt, lastAckedRange, previousClaimedRange, lastClaimedRange } = this.#trail;
    const ranges = { lastAckedRange, previousClaimedRange, lastClaimedRange };
    facts.put(this.#positionKey, positionValue({ position, lastClaimedAt, lastAckedAt, ...ranges }));
  }

  /** Ends a claim; its records can be claimed again. */
  reclaim(claim: OpenClaim, facts: Facts): void {
    const { first, last } = claim;
    const reclaims = claim.reclaims + 1;
    this.#close(claim);
    this.#trail.cameBack();
    this.#free.putBack([{ first, last, reclaims, isStored: true }]);
    const stored = { ...claim, reclaims, token: '', range: '' };
    facts.put(claimKey(this.name, first), claimValue(stored));
    if (this.onLastReclaim(claim) === 'disable') this.change({ status: 'disabled' }, facts);
  }

  /** What happens when this claim comes back now, if it does so once too often. */
  onLastReclaim({ reclaims }: Piece): 'disable' | 'deadletter' | undefined {
    const { maxReclaims, onMaxReclaimsReached } = this.definition;
    if (maxReclaims < 0 || reclaims + 1 < maxReclaims || onMaxReclaimsReached === 'continue') return undefined;
    return onMaxReclaimsReached;
  }

  /** Ends a claim without counting it. */
  release(claim: OpenClaim, facts: Facts): void {
    this.#close(claim);
    this.#trail.cameBack();
    const { first, last, reclaims, isStored } = claim;
    this.#free.putBack([{ first, last, reclaims, isStored: isStored && reclaims > 0 }]);
    if (!isStored) return;
    if (reclaims === 0) facts.delete(claimKey(this.name, first));
    else {
      const stored = { ...claim, token: '', range: '' };
      facts.put(claimKey(this.name, first), claimValue(stored));
    }
  }

  #close(claim: OpenClaim): void {
    claim.isOut = false;
    this.claims.delete(claim.token);
    this.#claimedRecords -= claim.last - claim.first + 1;
  }

  /** The node keeps a claim that is out a little longer over a restart. */
  store(claim: OpenClaim, facts: Facts): void {
    claim.isStored = true;
    facts.put(claimKey(this.name, claim.first), claimValue(claim));
  }

  change(change: Partial<ProcDefinition>, facts: Facts): void {
    this.definition = { ...this.definition, ...change };
    facts.put(procKey(this.name), JSON.stringify(this.definition));
  }

  /** Records that came back count as new. */
  forgetReclaims(facts: Facts): void {
    for (const { first, isStored } of this.#free.returned) if (isStored) facts.delete(claimKey(this.name, first));
    this.#free.forgetReclaims();
  }

  /** Records from here on may not be collected. */
  get keepFrom(): number {
    return Math.min(this.safePosition, this.#trail.oldest ?? this.safePosition);
  }

  /** Keys of everything that may be stored of it. */
  get keys(): readonly string[] {
    return [
      procKey(this.name),
      positionKey(this.name),
      ...this.#progress.keys,
      ...[...this.#free.returned, ...this.claims.values()].map(({ first }) => claimKey(this.name, first)),
    ];
  }

  get lastClaimedRange(): string {
    return this.#trail.lastClaimedRange;
  }

  get state(): ProcState {
    const { name, topic, definition } = this;
    const { lastClaimedAt, lastAckedAt, lastClaimedRange, previousClaimedRange, lastAckedRange } = this.#trail;
    const { offset, status, createdAt, maxReclaims, reclaimTimeout, onMaxReclaimsReached, count, maxClaims } =
      definition;
    return {
      name,
      topic: topic.name,
      offset,
      status,
      createdAt,
      lastClaimedAt,
      lastAckedAt,
      lastClaimedRange,
      previousClaimedRange,
      lastAckedRange,
      reclaims: [...this.#free.returned, ...this.claims.values()].reduce(
        (most, one) => Math.max(most, one.reclaims),
        0,
      ),
      maxReclaims,
      reclaimTimeout,
      onMaxReclaimsReached,
      count,
      maxClaims,
      deadletter: definition.deadletter,
      ready: this.#free.size,
      unacked: this.#claimedRecords,
      position: this.position,
      acked: this.acked,
    };
  }
}
