import { ftruncateSync } from 'node:fs';
import { type DiskCalls, isNoRoom } from './disk-calls.js';
import { Encoder, finishFirstFrame, measure, type WholeBatch } from './encoder.js';
import { DiskFullError, StoreClosedError, StoreFailedError } from './errors.js';
import { SEGMENT_HEADER_BYTES } from './format.js';
import { Group, type Pending, refuse } from './group.js';
import type { Reserve } from './reserve.js';
import type { Segment } from './segment.js';
import { closeSegment, createSegment, plannedSegment } from './segment-file.js';
import type { CommitResult, Receipt, SyncPolicy } from './store.js';
import type { StoreState } from './store-state.js';
import { SyncClock } from './sync-clock.js';

export interface GroupWriterOptions {
  readonly sync: SyncPolicy;
  readonly segmentBytes: number;
  readonly maxInFlightBytes: number;
  readonly nowMs: () => number;
  readonly calls: DiskCalls;
  readonly reserve: Reserve;
  /** A segment was sealed; the state is exactly that of its end. The next one is not sealed before this is done. */
  readonly onSealed: (segment: Segment) => Promise<void>;
}

/** Room that is written ahead with zeros, so that small syncs need not change the file's size; large ones gain nothing. */
const AHEAD = Buffer.alloc(1024 * 1024);
const SMALL_GROUP_BYTES = 64 * 1024;
/** From here on a group is one of many clients: what comes a moment later saves them a sync, a tenth of the work. */
const MANY_COMMITS = 24;

/**
 * Takes commits in the order of the calls and writes them in groups: what came while one group was written and synced is
 * the next. A group starts at the end of a turn of the event loop, so that callers that were just answered are in it, and
 * a turn later behind a larger one: smaller groups that overlap were measured to be slower.
 */
export class GroupWriter {
  readonly #state: StoreState;
  readonly #options: GroupWriterOptions;
  readonly #encoder: Encoder;
  /** Open for writing, of the state's active segment. */
  #fd: number;
  /** Where the zeros written ahead end in the active segment. */
  #allocated: number;
  #filling: Group | undefined;
  #writing: Promise<void> | undefined;
  #turn: NodeJS.Immediate | undefined;
  /** Of the newest group that was begun. */
  #lastCommits = 0;
  #waiting: Pending[] = [];
  #inFlightBytes = 0;
  /** Commits that were taken on, and those of them that were answered. */
  #taken = 0;
  #answered = 0;
  readonly #clock: SyncClock;
  #flushing: { readonly upTo: number; readonly resolve: () => void }[] = [];
  #sealing: Promise<void> | undefined;
  #failure: Error | undefined;
  commits = 0;

  /** @param fd the active segment, open for writing and synced */
  constructor(state: StoreState, fd: number, options: GroupWriterOptions) {
    this.#state = state;
    this.#fd = fd;
    this.#options = options;
    this.#encoder = new Encoder(state.topics, state.active);
    this.#allocated = state.active.end;
    this.#clock = new SyncClock(state.end, {
      policy: options.sync,
      datasync: () => options.calls.datasync(this.#fd),
      end: () => state.end,
    });
  }

  get congested(): boolean {
    return this.#waiting.length > 0;
  }

  get inFlight(): number {
    return this.#taken - this.#answered;
  }

  commit(batch: WholeBatch): Promise<CommitResult> {
    return new Promise((resolve, reject) => this.submit(batch, { stored: resolve, refused: reject }));
  }

  submit(batch: WholeBatch, receipt: Receipt): void {
    try {
      const bytes = measure(batch);
      if (bytes > 0) this.#take({ batch, bytes, receipt, result: undefined });
      else queueMicrotask(() => receipt.stored({ timestampMs: this.#state.lastTimestampMs, sequences: [] }));
    } catch (error) {
      queueMicrotask(() => receipt.refused(error instanceof Error ? error : new Error(String(error))));
    }
  }

  #take(pending: Pending): void {
    if (this.#failure) throw this.#failure;
    const { reserve } = this.#options;
    const { records } = pending.batch;
    if (!reserve.isHeld && records && records.length > 0 && !reserve.take())
      throw new DiskFullError(this.#state.folder);
    if (this.#waiting.length > 0 || this.#isFull(pending.bytes)) this.#waiting.push(pending);
    else this.#encode(pending);
    this.#taken++;
  }

  get syncs(): number {
    return this.#clock.syncs;
  }

  get hasFailed(): boolean {
    return this.#failure instanceof StoreFailedError;
  }

  /** Resolves when all commits taken on until now are answered, and synced. */
  async flush(): Promise<void> {
    const upTo = this.#taken;
    if (this.#answered < upTo) await new Promise<void>((resolve) => this.#flushing.push({ upTo, resolve }));
    await this.sync();
  }

  /** Resolves when no commit waits for its turn. */
  async drained(): Promise<void> {
    while (this.#waiting.length > 0) await (this.#writing ?? new Promise((resolve) => setImmediate(resolve)));
  }

  /** Seals the active segment, however full it is; an empty one stays. @throws what the disk refuses */
  async seal(): Promise<void> {
    while (this.#writing || this.#filling) await this.flush();
    const { active } = this.#state;
    if (active.end <= SEGMENT_HEADER_BYTES || this.#failure) return;
    const next = plannedSegment(active, active.end);
    this.#encoder.place(next);
    const rolling = this.#roll(next);
    this.#writing = rolling
      .catch(() => this.#encoder.place(this.#filling ? next : active))
      .then(() => {
        this.#writing = undefined;
        this.#goOn();
      });
    await rolling;
    await this.#sealing;
  }

  /** Finishes what is in hand; the segment keeps no zeros. */
  async close(): Promise<void> {
    await this.flush();
    this.#failure ??= new StoreClosedError(this.#state.folder);
    this.#clock.stop();
    closeSegment(this.#fd, this.#allocated > this.#state.active.end ? this.#state.active.end : undefined);
  }

  #isFull(bytes: number): boolean {
    return this.#inFlightBytes > 0 && this.#inFlightBytes + bytes > this.#options.maxInFlightBytes;
  }

  #encode(pending: Pending): void {
    const group = this.#group();
    const timestampMs = Math.max(Math.floor(this.#options.nowMs()), this.#state.lastTimestampMs);
    const before = group.bytes;
    const sequences = this.#encoder.encode(group, pending.batch, pending.bytes, timestampMs);
    this.#state.lastTimestampMs = timestampMs;
    this.#inFlightBytes += group.bytes - before;
    pending.result = { timestampMs, sequences };
    group.add(pending);
    if (!this.#writing) this.#beginSoon();
  }

  #group(): Group {
    if (this.#filling) return this.#filling;
    if (this.#encoder.end >= this.#options.segmentBytes)
      this.#encoder.place(plannedSegment(this.#encoder.segment, this.#encoder.end));
    this.#filling = new Group(this.#encoder.segment, this.#encoder.end);
    return this.#filling;
  }

  #beginSoon(): void {
    this.#turn ??= setImmediate(() => {
      const isAsMany = (this.#filling?.commits ?? 0) >= this.#lastCommits;
      if (isAsMany || this.#lastCommits < MANY_COMMITS) this.#begin();
      else this.#turn = setImmediate(() => this.#begin());
    });
  }

  #begin(): void {
    this.#turn = undefined;
    const group = this.#filling;
    if (!group || group.commits === 0) return;
    this.#filling = undefined;
    this.#lastCommits = group.commits;
    group.seal();
    this.#writing = this.#write(group).then(
      () => this.#done(group),
      (error: unknown) => this.#failed(group, error),
    );
  }

  async #write(group: Group): Promise<void> {
    const { calls } = this.#options;
    if (group.segment !== this.#state.active) await this.#roll(group.segment);
    finishFirstFrame(group, this.#clock.syncedEnd === group.segment.base + group.start);
    const buffers = group.pieces.map(({ chunk, from, to }) => chunk.bytes.subarray(from, to));
    await calls.write(this.#fd, buffers, group.start);
    if (!this.#clock.isAlways) return;
    if (group.end > this.#allocated && group.bytes < SMALL_GROUP_BYTES) await this.#allocate(group.end);
    await this.#clock.syncGroup(group.segment.base + group.end);
  }

  /** Zeros behind what was written. Without room for them it goes on without. */
  async #allocate(end: number): Promise<void> {
    const room = Math.max(0, this.#options.segmentBytes - end);
    const zeros = room < AHEAD.length ? AHEAD.subarray(0, room) : AHEAD;
    this.#allocated = end + zeros.length;
    if (zeros.length > 0)
      await this.#options.calls.write(this.#fd, [zeros], end).catch(() => ftruncateSync(this.#fd, end));
  }

  /** Seals the active segment and makes the planned one active. */
  async #roll(next: Segment): Promise<void> {
    await this.#sealing;
    const sealed = this.#state.active;
    if (this.#allocated > sealed.end) ftruncateSync(this.#fd, sealed.end);
    await this.#options.calls.datasync(this.#fd);
    this.#clock.syncedEnd = this.#state.end;
    this.#allocated = sealed.end;
    const fd = await createSegment(next, this.#options);
    await this.#clock.idle(); // of the file that is closed here
    closeSegment(this.#fd);
    this.#fd = fd;
    this.#allocated = next.end;
    this.#clock.syncedEnd = next.base + next.end;
    this.#state.segments.push(next);
    for (const index of sealed.indexes.values()) index.trim();
    sealed.chunks = [];
    this.#sealing = this.#options.onSealed(sealed);
  }

  #done(group: Group): void {
    this.#writing = undefined;
    group.apply(this.#state.facts);
    this.#encoder.trim(group.segment);
    this.#settled(group);
    this.commits += group.commits;
    group.resolveAll();
    this.#clock.schedule();
    this.#goOn();
  }

  /**
   * None of the group, nor what was called for behind it, is stored: the file is cut back to what is done. Also what only
   * waited is refused, although it might succeed, so that what is stored stays the beginning of what was asked for.
   */
  #failed(group: Group, cause: unknown): void {
    this.#writing = undefined;
    const { folder, active } = this.#state;
    const groups = this.#filling ? [group, this.#filling] : [group];
    this.#filling = undefined;
    let error: Error = new DiskFullError(folder, { cause });
    try {
      ftruncateSync(this.#fd, active.end);
      this.#allocated = active.end;
      if (!isNoRoom(cause)) throw cause;
      this.#options.reserve.release();
    } catch (worse) {
      error = this.#failure = new StoreFailedError(folder, { cause: worse });
    }
    active.chunks = active.chunks.filter(({ start }) => start < active.end);
    const last = active.chunks.at(-1);
    if (last) last.used = Math.min(last.used, active.end - last.start);
    this.#encoder.place(active);
    for (const topic of this.#state.topics.values()) topic.rollBack();
    for (const one of groups) this.#settled(one);
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#answered += waiting.length;
    for (const one of groups) one.rejectAll(error);
    for (const { receipt } of waiting) refuse(receipt, error);
    this.#goOn();
  }

  #settled(group: Group): void {
    this.#inFlightBytes -= group.bytes;
    this.#answered += group.commits;
  }

  /** Encodes what waited and has room now, and begins the next group if there is one. */
  #goOn(): void {
    let taken = 0;
    for (const waiting of this.#waiting) {
      if (this.#isFull(waiting.bytes)) break;
      taken++;
      try {
        this.#encode(waiting);
      } catch (error) {
        this.#answered++;
        refuse(waiting.receipt, error instanceof Error ? error : new Error(String(error)));
      }
    }
    if (taken > 0) this.#waiting = this.#waiting.slice(taken);
    if (this.#filling) this.#beginSoon();
    for (const { resolve } of this.#flushing.filter(({ upTo }) => upTo <= this.#answered)) resolve();
    this.#flushing = this.#flushing.filter(({ upTo }) => upTo > this.#answered);
  }

  /** Makes safe what is visible now. @throws {StoreFailedError} then every later commit does as well */
  async sync(): Promise<void> {
    if (this.#failure) return;
    try {
      await this.#clock.sync();
    } catch (cause) {
      this.#failure ??= new StoreFailedError(this.#state.folder, { cause });
    }
    if (this.#failure) throw this.#failure;
  }
}
