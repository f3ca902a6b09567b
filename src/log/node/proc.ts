import { FreeRecords, type Piece } from './free-records.js';
import type { ProcState } from './log-procs.js';
import {
  aheadKey,
  claimKey,
  claimValue,
  type Facts,
  firstOf,
  type ProcDefinition,
  positionKey,
  positionValue,
  procKey,
  type StoredClaim,
  type StoredPosition,
} from './proc-facts.js';
import { SpanSet } from './span-set.js';
import type { TopicEntry } from './topic-entry.js';

/** Claims are written down some milliseconds after they were given out; there are hardly more in that time. */
const MOST_UNWRITTEN = 1000;

/** A claim that is out. */
export interface OpenClaim extends Piece {
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
  readonly ahead: readonly { readonly first: number; readonly last: number }[];
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
  readonly topic: TopicEntry;
  definition: ProcDefinition;
  /** First sequence that is not acknowledged. */
  position: number;
  /** The position without acks that the disk may lose yet. */
  safePosition: number;
  readonly #free: FreeRecords;
  /** Acknowledged beyond the position. */
  readonly #ahead = new SpanSet();
  /** By token, oldest first. */
  readonly claims = new Map<string, OpenClaim>();
  /** Pieces that are being read. */
  #taken = 0;
  #claimedRecords = 0;
  #lastClaimedAt = 0;
  #lastAckedAt = 0;
  #lastClaimedRange = '';
  #previousClaimedRange = '';
  #lastAckedRange = '';
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
    this.topic = topic;
    this.definition = definition;
    this.position = definition.start;
    this.safePosition = definition.start;
    this.#free = new FreeRecords(topic, definition.start);
  }

  /** Takes over what was stored, once, before anything else. */
  restore({ position, ahead, claims }: StoredProc): void {
    if (position) {
      this.position = position.position;
      this.safePosition = position.position;
      this.#lastClaimedAt = position.lastClaimedAt;
      this.#lastAckedAt = position.lastAckedAt;
      this.#lastAckedRange = position.lastAckedRange;
      this.#previousClaimedRange = position.previousClaimedRange;
      this.#lastClaimedRange = position.lastClaimedRange;
    }
    for (const { first, last } of ahead) if (first > this.position) this.#ahead.add(first, last);
    const out = claims
      .filter(({ claim }) => claim.first >= this.position)
      .sort((a, b) => a.claim.claimedAtMs - b.claim.claimedAtMs || a.claim.first - b.claim.first);
    for (const { claim, deadlineMs } of out)
      if (claim.token !== '') this.#noteClaimed({ ...claim, deadlineMs, isStored: true });
    const pieces = out.map(({ claim: { first, last, token, reclaims } }) =>
      token === '' ? { first, last, back: { first, last, reclaims, isStored: true } } : { first, last },
    );
    const taken = [...this.#ahead.spans, ...pieces].sort((a, b) => a.first - b.first);
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
    this.#advance(piece, { puts: [], deletes: [] });
  }

  #noteClaimed(claim: OpenClaim): void {
    this.claims.set(claim.token, claim);
    this.#claimedRecords += claim.last - claim.first + 1;
    this.#previousClaimedRange = this.#lastClaimedRange;
    this.#lastClaimedRange = claim.range;
    this.#lastClaimedAt = claim.claimedAtMs;
  }

  /** Ends a claim; its records are acknowledged when the facts are stored. */
  ack(claim: OpenClaim, nowMs: number, facts: Facts): void {
    this.#close(claim);
    this.#lastAckedAt = nowMs;
    this.#lastAckedRange = claim.range;
    if (claim.isStored) facts.deletes.push(claimKey(this.name, claim.first));
    this.#advance(claim, facts);
  }

  #advance({ first, last }: Piece, facts: Facts): void {
    if (first > this.position) {
      const { span, gone } = this.#ahead.add(first, last);
      facts.puts.push({ key: aheadKey(this.name, span.first), value: String(span.last) });
      for (const one of gone) facts.deletes.push(aheadKey(this.name, one));
      return;
    }
    this.position = last + 1;
    const next = this.#ahead.takeLowest(this.position);
    if (next) {
      this.position = next.last + 1;
      facts.deletes.push(aheadKey(this.name, next.first));
    }
    facts.puts.push({ key: positionKey(this.name), value: this.#positionValue() });
  }

  /** The facts of an `ack` were not stored: the claim is out as before. */
  unack(claim: OpenClaim): void {
    this.lostAcks++;
    this.claims.set(claim.token, claim);
    this.#claimedRecords += claim.last - claim.first + 1;
    if (claim.last >= this.position) this.#ahead.remove(claim.first, claim.last);
    else {
      if (claim.last + 1 < this.position) this.#ahead.add(claim.last + 1, this.position - 1);
      this.position = claim.first;
    }
  }

  /** All of where it stands, for when an ack was stored although one before it was not. */
  restate(facts: Facts): void {
    facts.puts.push({ key: positionKey(this.name), value: this.#positionValue() });
    for (const { first, last } of this.#ahead.spans)
      facts.puts.push({ key: aheadKey(this.name, first), value: String(last) });
  }

  /** Ends a claim; its records can be claimed again. */
  reclaim(claim: OpenClaim, facts: Facts): void {
    const { first, last } = claim;
    const reclaims = claim.reclaims + 1;
    this.#close(claim);
    this.#lastClaimedRange = this.#lastAckedRange;
    this.#free.putBack([{ first, last, reclaims, isStored: true }]);
    const stored = { ...claim, reclaims, token: '', range: '' };
    facts.puts.push({ key: claimKey(this.name, first), value: claimValue(stored) });
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
    this.#lastClaimedRange = this.#lastAckedRange;
    const { first, last, reclaims, isStored } = claim;
    this.#free.putBack([{ first, last, reclaims, isStored: isStored && reclaims > 0 }]);
    if (!isStored) return;
    if (reclaims === 0) facts.deletes.push(claimKey(this.name, first));
    else {
      const stored = { ...claim, token: '', range: '' };
      facts.puts.push({ key: claimKey(this.name, first), value: claimValue(stored) });
    }
  }

  #close(claim: OpenClaim): void {
    this.claims.delete(claim.token);
    this.#claimedRecords -= claim.last - claim.first + 1;
  }

  /** The node keeps a claim that is out a little longer over a restart. */
  store(claim: OpenClaim, facts: Facts): void {
    claim.isStored = true;
    facts.puts.push({ key: claimKey(this.name, claim.first), value: claimValue(claim) });
  }

  change(change: Partial<ProcDefinition>, facts: Facts): void {
    this.definition = { ...this.definition, ...change };
    facts.puts.push({ key: procKey(this.name), value: JSON.stringify(this.definition) });
  }

  /** Records that came back count as new. */
  forgetReclaims(facts: Facts): void {
    for (const { first, isStored } of this.#free.returned) if (isStored) facts.deletes.push(claimKey(this.name, first));
    this.#free.forgetReclaims();
  }

  /** Records from here on may not be collected. */
  get keepFrom(): number {
    const claimed = firstOf(this.#previousClaimedRange) ?? firstOf(this.#lastClaimedRange) ?? this.safePosition;
    return Math.min(this.safePosition, claimed);
  }

  /** Keys of everything that may be stored of it. */
  get keys(): readonly string[] {
    return [
      procKey(this.name),
      positionKey(this.name),
      ...this.#ahead.spans.map(({ first }) => aheadKey(this.name, first)),
      ...[...this.#free.returned, ...this.claims.values()].map(({ first }) => claimKey(this.name, first)),
    ];
  }

  #positionValue(): string {
    return positionValue({
      position: this.position,
      lastClaimedAt: this.#lastClaimedAt,
      lastAckedAt: this.#lastAckedAt,
      lastAckedRange: this.#lastAckedRange,
      previousClaimedRange: this.#previousClaimedRange,
      lastClaimedRange: this.#lastClaimedRange,
    });
  }

  get lastClaimedRange(): string {
    return this.#lastClaimedRange;
  }

  get state(): ProcState {
    const { name, topic, definition } = this;
    const { offset, status, createdAt, maxReclaims, reclaimTimeout, onMaxReclaimsReached, count, maxClaims } =
      definition;
    return {
      name,
      topic: topic.name,
      offset,
      status,
      createdAt,
      lastClaimedAt: this.#lastClaimedAt,
      lastAckedAt: this.#lastAckedAt,
      lastClaimedRange: this.#lastClaimedRange,
      previousClaimedRange: this.#previousClaimedRange,
      lastAckedRange: this.#lastAckedRange,
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
