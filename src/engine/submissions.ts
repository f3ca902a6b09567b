import { DiskFullError, LogError, type NewRecord } from '../log/index.js';
import type { QueueName } from '../names.js';
import type { Logger } from '../support/index.js';
import type { EngineOutput, Outcome } from './engine.js';
import { FullDisk } from './full-disk.js';
import type { Inqueue } from './inqueue.js';
import { Line } from './line.js';
import type { Carrier, Pending, Reserved } from './pending.js';
import type { Taps } from './taps.js';
import type { Topology } from './topology.js';

const DONE: Outcome = { state: 'done' };
const GONE: Outcome = { state: 'gone' };
const UNFIT: readonly string[] = ['commit_too_large', 'invalid_topic_format', 'invalid_log_format'];
const NO_ROOM: readonly Reserved[] = [];

export interface SubmissionsParts {
  readonly topology: Topology;
  readonly taps: Taps;
  readonly logger: Logger;
  readonly onFailure: (error: unknown) => void;
  /** Dead letters have come to a queue that keeps the newest. */
  readonly onLetters: (queue: Inqueue) => void;
}

/** Why a submission cannot be carried out just now: its end, or the line it has to wait in. */
type Obstacle = Outcome | { readonly line: Line; readonly waitsFor: 'room' | 'route' };

/** Carries out what sessions hand in, each in one step, now or when it is its turn. */
export class Submissions implements Carrier {
  readonly #parts: SubmissionsParts;
  /** Those that wait for somebody to be bound, by outqueue. */
  readonly #unrouted = new Map<QueueName, Line>();
  readonly #fullDisk = new FullDisk((first) => this.submit(first));
  /** What is only acknowledged gives room back: it does not stand behind those who want some. */
  readonly #fullForAcks = new FullDisk((first) => this.submit(first));
  #tickets = 0;
  #unroutedCount = 0;
  #isClosed = false;

  constructor(parts: SubmissionsParts) {
    this.#parts = parts;
  }

  /** Messages that went nowhere. */
  get unroutedCount(): number {
    return this.#unroutedCount;
  }

  /** What is not carried out yet never will be. */
  stop(): void {
    this.#isClosed = true;
    this.#fullDisk.stop();
    this.#fullForAcks.stop();
  }

  /** Carries it out now, or puts it in line. */
  submit(pending: Pending): void {
    if (pending.isWriting || pending.isWithdrawn) return;
    if (pending.ticket === 0) pending.ticket = ++this.#tickets;
    const { batch } = pending;
    const fullDisk = this.#fullDiskFor(pending);
    const isRetry = fullDisk.isTrying(pending);
    if (fullDisk.isFull && !isRetry && batch.isAlive()) {
      fullDisk.add(pending);
      return;
    }
    pending.leaveLine();
    const obstacle = this.#obstacle(pending);
    if (!obstacle) {
      this.#carryOut(pending);
      return;
    }
    if ('state' in obstacle) {
      if (obstacle.state === 'unrouted') this.#parts.taps.showUntaken(batch.outputs);
      pending.finish(obstacle);
    } else pending.waitIn(obstacle.line, obstacle.waitsFor);
    if (isRetry) this.#leave(fullDisk);
  }

  /** There are new ways for a message to go. */
  retryUnrouted(): void {
    for (const line of [...this.#unrouted.values()]) for (const pending of line.all) this.submit(pending);
  }

  /** Who waits for room in a queue need not any more. */
  release(queue: Inqueue): void {
    for (const pending of queue.waiting.all) this.submit(pending);
  }

  /** There may be room: who waits for it goes on, in order. */
  letIn(queue: Inqueue): void {
    for (let { first } = queue.waiting; first; { first } = queue.waiting) {
      if (!queue.hasRoomFor(first.batch.outputs.length, first.batch.bytes)) return;
      this.submit(first);
      if (queue.waiting.has(first)) return;
    }
  }

  #obstacle({ batch, ticket }: Pending): Obstacle | undefined {
    if (!batch.isAlive()) return GONE;
    const { topology } = this.#parts;
    for (const { name, mandatory } of batch.outputs) {
      if (mandatory && !topology.isTaken(name))
        return batch.hold ? { line: this.#unroutedLine(name), waitsFor: 'route' } : { state: 'unrouted', queue: name };
      for (const target of topology.routes(name)) {
        const isBehind = (target.waiting.first?.ticket ?? ticket) < ticket;
        if (isBehind || !target.hasRoomFor(batch.outputs.length, batch.bytes))
          return { line: target.waiting, waitsFor: 'room' };
      }
    }
    return undefined;
  }

  #carryOut(pending: Pending): void {
    const { outputs } = pending.batch;
    const [first] = outputs;
    // Mostly it is one message to one queue, or none: no room is made for more.
    const records = outputs.length === 1 && first ? [recordOf(first)] : outputs.map(recordOf);
    let reserved: Reserved[] | undefined;
    for (const { name, body } of outputs)
      for (const queue of this.#parts.topology.routes(name)) {
        const room = { queue, bytes: body.length };
        queue.reserve(room.bytes);
        if (reserved) reserved.push(room);
        else reserved = [room];
      }
    pending.write(records, reserved ?? NO_ROOM, this);
  }

  written(pending: Pending): void {
    const { topology, onLetters } = this.#parts;
    for (const { queue, bytes } of pending.reserved) {
      queue.arrived(bytes, true);
      if (queue.limit.beyond === 'drop-oldest') onLetters(queue);
    }
    for (const { name } of pending.batch.outputs) if (!topology.isTaken(name)) this.#unroutedCount += 1;
    const fullDisk = this.#fullDiskFor(pending);
    const isRetry = fullDisk.isTrying(pending);
    this.#end(pending, DONE);
    if (isRetry && fullDisk === this.#fullDisk) this.#parts.logger.info('there is room again; senders go on');
    if (isRetry) this.#leave(fullDisk);
  }

  /** Nobody waits here who could be told what a listener throws. */
  #end(pending: Pending, outcome: Outcome): void {
    try {
      pending.finish(outcome);
    } catch (error) {
      this.#parts.logger.warnOnce('answering', `answering a client: ${String(error)}`);
    }
  }

  notWritten(pending: Pending, error: Error): void {
    const { reserved } = pending;
    this.#afterRefusal(pending, error);
    // Last, so that nobody takes the room of who waits for the disk only.
    for (const { queue, bytes } of reserved) queue.arrived(bytes, false);
  }

  #afterRefusal(pending: Pending, error: Error): void {
    const fullDisk = this.#fullDiskFor(pending);
    const isRetry = fullDisk.isTrying(pending);
    if (error instanceof DiskFullError && pending.batch.isAlive()) this.#waitForDisk(pending, fullDisk, error);
    else if (error instanceof DiskFullError || error instanceof LogError || error instanceof RangeError) {
      const why = refusalText(error);
      if (why !== undefined) this.#parts.logger.warnOnce('refusing', `a message is not taken: ${why}`);
      this.#end(pending, why === undefined ? GONE : { state: 'refused', text: why });
      if (isRetry) this.#leave(fullDisk);
    } else if (!this.#isClosed) this.#parts.onFailure(error);
  }

  #waitForDisk(pending: Pending, fullDisk: FullDisk, error: DiskFullError): void {
    if (this.#isClosed) return;
    if (!this.#fullDisk.isFull && fullDisk === this.#fullDisk)
      this.#parts.logger.warn(`${error.message}; senders wait until there is room`);
    fullDisk.add(pending);
  }

  #fullDiskFor({ batch: { outputs } }: Pending): FullDisk {
    return outputs.length > 0 ? this.#fullDisk : this.#fullForAcks;
  }

  /** One of them went through: the others may try, in their order. */
  #leave(fullDisk: FullDisk): void {
    for (const pending of fullDisk.leave()) this.submit(pending);
  }

  #unroutedLine(name: QueueName): Line {
    for (const [other, line] of this.#unrouted) if (line.size === 0) this.#unrouted.delete(other);
    const line = this.#unrouted.get(name) ?? new Line();
    this.#unrouted.set(name, line);
    return line;
  }
}

/** For what no log can take; undefined where somebody else took the claim away, or the client is gone. */
function refusalText(error: DiskFullError | LogError | RangeError): string | undefined {
  if (error instanceof RangeError) return error.message;
  const isRefused = error instanceof LogError && UNFIT.includes(error.code);
  return isRefused ? error.detail || error.message : undefined;
}

function recordOf({ name, body, headers }: EngineOutput): NewRecord {
  return { topic: name, body, headers };
}
