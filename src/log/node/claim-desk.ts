import { randomBytes } from 'node:crypto';
import { asError } from '../../errors.js';
import {
  type CommitResult,
  type LogStore,
  type NewRecord,
  type Receipt,
  recordId,
  type StoredRecord,
} from '../store/store.js';
import { Acking, type AckingParts } from './acking.js';
import { ClaimJournal, Deadlines, deadlineOf } from './claim-timers.js';
import type { NodeClock } from './clock.js';
import type { Commits } from './commits.js';
import type { Fanout } from './fanout.js';
import type { Piece } from './free-records.js';
import type { Claim } from './log-claims.js';
import { LogError } from './log-error.js';
import type { DeadLetterFacts } from './node-options.js';
import type { OpenClaim, Proc } from './proc.js';
import { Facts } from './proc-facts.js';
import type { ProcTable } from './proc-table.js';
import { RecordWindow } from './record-window.js';
import type { TopicEntry } from './topic-entry.js';

export interface ClaimDeskOptions {
  readonly store: LogStore;
  readonly table: ProcTable;
  readonly clock: NodeClock;
  readonly fanout: Fanout;
  readonly commits: Commits;
  /** Told after every ack. */
  readonly onAcked?: (topic: TopicEntry) => void;
  readonly deadLetter: (record: StoredRecord, facts: DeadLetterFacts) => Pick<NewRecord, 'body' | 'headers'>;
  readonly onError: (error: unknown, during: string) => void;
}

const NO_RECORDS: readonly NewRecord[] = [];

/** Gives out the records of procs as claims, ends claims, and writes what must outlive the process. */
export class ClaimDesk {
  readonly #options: ClaimDeskOptions;
  readonly #store: LogStore;
  readonly #table: ProcTable;
  readonly #clock: NodeClock;
  readonly #windows = new WeakMap<Proc, RecordWindow>();
  readonly #deadlines: Deadlines;
  readonly #journal: ClaimJournal;
  readonly #acking: AckingParts;
  /** Tokens of one run of a node have nothing in common with those of another. */
  readonly #run = randomBytes(6).toString('hex');
  #claims = 0;

  constructor(options: ClaimDeskOptions) {
    const { store, table, clock } = options;
    this.#options = options;
    this.#store = store;
    this.#table = table;
    this.#clock = clock;
    this.#deadlines = new Deadlines(clock, (nowMs) => this.#expire(nowMs));
    this.#acking = {
      ...options,
      reopened: ({ deadlineMs }) => this.#deadlines.add(deadlineMs),
      restate: (proc) => this.#restate(proc),
    };
    this.#journal = new ClaimJournal(clock, (claims) => {
      const facts = new Facts();
      for (const claim of claims) claim.proc.store(claim, facts);
      this.#writeBehind(facts, 'writing which claims are out');
    });
    for (const { claims } of table.procs) for (const { deadlineMs } of claims.values()) this.#deadlines.add(deadlineMs);
  }

  /** Up to `max` claims. @throws {LogError} proc_is_disabled */
  async claim(proc: Proc, max: number, count = proc.definition.count): Promise<readonly Claim[]> {
    if (!proc.isActive) throw new LogError('proc_is_disabled', `'${proc.name}' is disabled`);
    return await this.#claim(proc, proc.take(max, count));
  }

  /** The first record that nobody holds of those from one sequence to another. */
  async claimWithin(proc: Proc, from: number, to: number): Promise<Claim | undefined> {
    const piece = proc.takeWithin(from, to);
    return piece && (await this.#claim(proc, [piece]))[0];
  }

  async #claim(proc: Proc, pieces: readonly Piece[]): Promise<readonly Claim[]> {
    const claims: Claim[] = [];
    for (let at = 0; at < pieces.length; ) {
      let end = at + 1;
      while (end < pieces.length && pieces[end]?.first === (pieces[end - 1]?.last ?? 0) + 1) end++;
      const run = pieces.slice(at, end);
      try {
        claims.push(...(await this.#read(proc, run)));
      } catch (error) {
        proc.putBack(pieces.slice(at));
        if (claims.length > 0) break; // the error comes back with the next claim
        throw error;
      }
      at = end;
    }
    return claims;
  }

  /** Claims pieces that lie behind one another, as far as one read goes. What it throws leaves all of them taken. */
  async #read(proc: Proc, run: readonly Piece[]): Promise<readonly Claim[]> {
    const { topic } = proc;
    const from = run[0]?.first ?? 0;
    const last = run.at(-1)?.last ?? from;
    const records = await this.#window(proc).read(from, last - from + 1);
    if (records.length === 0) topic.first = this.#store.topic(topic.name)?.firstSequence ?? 0;
    if (records.length === 0 && topic.first <= from) throw new Error(`'${topic.name}' lacks its record :${from}`);
    if (!proc.isActive || proc.isDestroyed) {
      proc.putBack(run);
      return [];
    }
    const claims: Claim[] = [];
    const unread: Piece[] = [];
    let at = 0;
    for (const piece of run) {
      const begin = at;
      while ((records[at]?.sequence ?? Number.POSITIVE_INFINITY) <= piece.last) at++;
      if (at > begin) claims.push(this.#open(proc, piece, records.slice(begin, at)));
      else if (at < records.length || piece.last < topic.first) proc.vanished(piece);
      else unread.push(piece);
    }
    if (unread.length > 0) proc.putBack(unread);
    // Who got fewer than there are, or none because they were dropped, hears that there is more.
    if (claims.length < run.length) this.#table.wakeups.proc(proc);
    return claims;
  }

  #window(proc: Proc): RecordWindow {
    const known = this.#windows.get(proc);
    if (known) return known;
    const window = new RecordWindow(this.#store, proc.topic);
    this.#windows.set(proc, window);
    return window;
  }

  #open(proc: Proc, piece: Piece, records: readonly StoredRecord[]): Claim {
    const [first, last] = [records[0], records.at(-1)];
    if (!first || !last) throw new RangeError('a claim has one record at least');
    const hasTrail = proc.definition.trail !== false;
    const range = hasTrail ? rangeOf(first, last) : '';
    const token = `${this.#run}-${(++this.#claims).toString(36)}`;
    const open: OpenClaim = {
      proc,
      isOut: true,
      first: piece.first,
      last: last.sequence,
      reclaims: piece.reclaims,
      isStored: piece.isStored,
      token,
      range,
      claimedAtMs: hasTrail || proc.definition.reclaimTimeout >= 0 ? this.#clock.wallMs() : 0,
      deadlineMs: deadlineOf(this.#clock, proc.definition),
    };
    proc.claimed(piece, open);
    proc.servedAt = this.#claims;
    this.#deadlines.add(open.deadlineMs);
    this.#journal.add(open);
    const { reclaims } = piece;
    return {
      proc: proc.name,
      topic: proc.topic.name,
      token,
      records,
      range,
      reclaims,
      isRepeated: proc.isRepeated(piece),
    };
  }

  /** The claim with this token, or the newest. @throws {LogError} */
  out(proc: Proc, token: string | undefined, none: 'invalid_ack' | 'nothing_to_reclaim'): OpenClaim {
    if (token !== undefined) {
      const claim = proc.claims.get(token);
      if (!claim) throw new LogError('stale_claim', `claim ${token} of '${proc.name}' is not out any more`);
      return claim;
    }
    let newest: OpenClaim | undefined;
    for (const claim of proc.claims.values()) newest = claim;
    if (!newest) throw new LogError(none, `'${proc.name}' has no claim out`);
    return newest;
  }

  /** Acknowledges and commits in one batch. The next claim can be made at once: its ack cannot overtake this one. */
  settle(proc: Proc, claim: OpenClaim, made: readonly NewRecord[] = NO_RECORDS): Promise<CommitResult> {
    return new Promise((stored, refused) => this.submit(proc, claim, made, { stored, refused }));
  }

  /** As `settle`. */
  submit(proc: Proc, claim: OpenClaim, made: readonly NewRecord[], receipt: Receipt): void {
    const { fanout } = this.#options;
    const all = fanout.spread(made);
    const stored = fanout.stored(all);
    const batches = all === made ? undefined : fanout.batches(stored);
    if (batches) this.#inBatches(proc, claim, batches, all, receipt);
    else this.#ack(proc, claim, stored, all, receipt);
  }

  #ack(proc: Proc, claim: OpenClaim, records: readonly NewRecord[], all: readonly NewRecord[], receipt: Receipt): void {
    const facts = new Facts();
    proc.ack(claim, this.#clock, facts);
    const acking = new Acking(this.#acking, [proc, claim], records, all, receipt);
    this.#table.wakeups.proc(proc);
    this.#store.submit({ records, puts: facts.puts, deletes: facts.deletes }, acking);
  }

  /** Copies for which there is no room in the batch of the ack, which comes last. */
  #inBatches(
    proc: Proc,
    claim: OpenClaim,
    [last = NO_RECORDS, ...before]: readonly (readonly NewRecord[])[],
    all: readonly NewRecord[],
    receipt: Receipt,
  ): void {
    this.#storeBefore(proc, claim, before).then(
      () => this.#ack(proc, claim, last, all, receipt),
      (error: unknown) => receipt.refused(asError(error)),
    );
  }

  async #storeBefore(proc: Proc, { token }: OpenClaim, batches: readonly (readonly NewRecord[])[]): Promise<void> {
    await this.#options.commits.storeBefore(batches);
    if (!proc.claims.has(token))
      throw new LogError('stale_claim', `claim ${token} of '${proc.name}' is not out any more`);
  }

  #restate(proc: Proc): void {
    const facts = new Facts();
    proc.restate(facts);
    if (!proc.isDestroyed) this.#writeBehind(facts, `correcting the position of '${proc.name}'`);
  }

  /** Gives a claim back, counted. @returns the range that counts as claimed now */
  async reclaim(proc: Proc, claim: OpenClaim, reason: string): Promise<string> {
    if (proc.onLastReclaim(claim) === 'deadletter') {
      await this.#bury(proc, claim, reason);
      return proc.lastClaimedRange;
    }
    const facts = new Facts();
    proc.reclaim(claim, facts);
    const range = proc.lastClaimedRange;
    this.#table.wakeups.proc(proc);
    await this.#store.commit(facts);
    return range;
  }

  async #bury(proc: Proc, claim: OpenClaim, reason: string): Promise<void> {
    const { deadLetter } = this.#options;
    const { first, last, token } = claim;
    try {
      const records: StoredRecord[] = [];
      for await (const page of this.#store.pages(proc.topic.name, { from: first, limit: last - first + 1 }))
        records.push(...page);
      if (proc.claims.get(token) !== claim) return; // it was acknowledged in the meantime
      const letters = records.map((record) => {
        const id = recordId(record.timestampMs, record.sequence);
        const made = deadLetter(record, { reason, proc: proc.name, attempts: claim.reclaims + 1, id });
        return { topic: proc.definition.deadletter, ...made };
      });
      await this.settle(proc, claim, letters);
    } catch (error) {
      // Given out once more instead; the next time it comes back is the next attempt to bury it.
      if (proc.claims.get(token) === claim) this.release(proc, claim);
      throw error;
    }
  }

  release(proc: Proc, claim: OpenClaim): void {
    const facts = new Facts();
    proc.release(claim, facts);
    this.#table.wakeups.proc(proc);
    this.#writeBehind(facts, `giving back a claim of '${proc.name}'`);
  }

  #expire(nowMs: number): number {
    let next = Number.POSITIVE_INFINITY;
    for (const proc of this.#table.procs)
      for (const claim of [...proc.claims.values()]) {
        if (claim.deadlineMs > nowMs) next = Math.min(next, claim.deadlineMs);
        else
          this.reclaim(proc, claim, 'timeout').catch((error: unknown) => {
            this.#options.onError(error, `taking back a claim of '${proc.name}'`);
          });
      }
    return next;
  }

  /** No timer runs on; what is claimed is written. */
  stop(): void {
    this.#deadlines.stop();
    this.#journal.stop();
  }

  #writeBehind(facts: Facts, what: string): void {
    if (facts.isEmpty) return;
    this.#store.commit(facts).catch((error: unknown) => this.#options.onError(error, what));
  }
}

function rangeOf(first: StoredRecord, last: StoredRecord): string {
  return `${recordId(first.timestampMs, first.sequence)}..${recordId(last.timestampMs, last.sequence)}`;
}
