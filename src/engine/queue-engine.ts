import {
  type Claim,
  DiskFullError,
  LogError,
  type LogNode,
  type NewRecord,
  readHeaders,
  writeHeaders,
} from '../log/index.js';
import type { QueueName } from '../names.js';
import { type Logger, silentLogger } from '../support/index.js';
import { browse } from './browse.js';
import { depthOf } from './depth.js';
import type {
  Engine,
  EngineBinding,
  EngineBindingKind,
  EngineClient,
  EngineCounters,
  EngineDepth,
  EngineHeaders,
  EngineNotice,
  EngineOutput,
  EngineRange,
  EngineRecord,
  EngineSession,
  Outcome,
} from './engine.js';
import { FullDisk } from './full-disk.js';
import type { Inqueue, QueueLimit } from './inqueue.js';
import { NoticeBoard } from './notice-board.js';
import { type Batch, Pending } from './pending.js';
import { QueueSession } from './queue-session.js';
import { Taps } from './taps.js';
import { deadName, Topology } from './topology.js';

const MIB = 1024 * 1024;
const DONE: Outcome = { state: 'done' };
const GONE: Outcome = { state: 'gone' };

export interface QueueEngineOptions {
  /** Ready messages per inqueue beyond which senders wait. @default 100_000 */
  readonly maxMessages?: number;
  /** Ready bytes per inqueue beyond which senders wait; Infinity: not counted. @default 256 MiB */
  readonly maxBytes?: number;
  /** Dead letters kept per inqueue; beyond, or beyond 64 MiB, the oldest go. @default 10_000 */
  readonly maxDeadLetters?: number;
  /** The headers of the dead letter that is made of what waited too long. @default those of the message */
  readonly expired?: (inqueue: QueueName, headers: EngineHeaders) => EngineHeaders;
  /** Notices that are records of topics of the same names as well. @default none */
  readonly noticeTopics?: readonly string[];
  /** The clock of the node's records, in ms since 1970. @default Date.now */
  readonly nowMs?: () => number;
  /** @default silent */
  readonly logger?: Logger;
  /** The log can write no more, whatever is done: what was submitted is not answered. @default ignored */
  readonly onFailure?: (error: unknown) => void;
}

/** Why a submission cannot be carried out just now: its end, or the line it has to wait in. */
type Obstacle = Outcome | { readonly line: Set<Pending>; readonly waitsFor: 'room' | 'route' };

/** The engine on a log: an inqueue is a topic with a proc `in:<name>`, a delivery a claim, a settlement one commit. */
export class QueueEngine implements Engine {
  readonly node: LogNode;
  readonly topology: Topology;
  readonly notices: NoticeBoard;
  readonly taps: Taps;
  /** Submissions that wait for somebody to be bound, by outqueue. */
  readonly #unrouted = new Map<QueueName, Set<Pending>>();
  readonly #fullDisk = new FullDisk((first) => this.submit(first, { isRetry: true }));
  readonly #expired: Required<QueueEngineOptions>['expired'];
  readonly #logger: Logger;
  readonly #onFailure: (error: unknown) => void;
  readonly #stopProcessors: () => void;
  #unroutedCount = 0;
  #deadDropped = 0;
  #isClosed = false;

  private constructor(node: LogNode, options: QueueEngineOptions) {
    const { maxMessages = 100_000, maxBytes = 256 * MIB, maxDeadLetters = 10_000 } = options;
    this.node = node;
    this.#expired = options.expired ?? ((_inqueue, headers) => headers);
    this.#logger = options.logger ?? silentLogger;
    this.#onFailure = options.onFailure ?? (() => undefined);
    this.notices = new NoticeBoard(node, options.noticeTopics ?? []);
    this.taps = new Taps(node);
    const inqueue: QueueLimit = { maxMessages, maxBytes, beyond: 'wait' };
    const dead: QueueLimit = { maxMessages: maxDeadLetters, maxBytes: 64 * MIB, beyond: 'drop-oldest' };
    this.topology = new Topology(
      { inqueue, dead },
      {
        node,
        nowMs: options.nowMs ?? Date.now,
        onRoom: (queue) => this.#letIn(queue),
        onExpired: (queue, claim) => this.#bury(queue, claim),
        onError: (error, during) => this.#logger.warnOnce(during, `${during}: ${String(error)}`),
      },
    );
    this.#stopProcessors = node.onProcessor(() => this.retryUnrouted());
  }

  /** On a node that is its owner's to close, after this. Queues, bindings and kept notices are as they were left. */
  static async open(node: LogNode, options: QueueEngineOptions = {}): Promise<QueueEngine> {
    const engine = new QueueEngine(node, options);
    await engine.topology.restore();
    return engine;
  }

  get counters(): EngineCounters {
    return { unrouted: this.#unroutedCount, deadDropped: this.#deadDropped };
  }

  get congestion(): Promise<void> | undefined {
    return this.node.congested ? this.node.drained() : undefined;
  }

  open(client: EngineClient): EngineSession {
    return new QueueSession(this, client);
  }

  async bind({ kind, source, target }: EngineBinding): Promise<void> {
    this.topology.checkBinding(source, target);
    await this.node.bind({ kind, source, target });
    this.routesChanged();
  }

  async unbind({ kind, source, target }: EngineBinding): Promise<void> {
    await this.node.unbind({ kind, source, target });
    this.topology.routesChanged();
    // What waited for room in a queue that is no target any more need not.
    const queue = this.topology.inqueue(target);
    if (queue && queue.waiting.size > 0) this.release(queue);
  }

  bindings(): readonly EngineBinding[] {
    return this.node.bindings().map(({ kind, source, target }) => ({
      kind: kind as EngineBindingKind,
      source: source as QueueName,
      target: target as QueueName,
    }));
  }

  async subscribe(inqueue: QueueName, filters: readonly string[]): Promise<void> {
    this.topology.need(inqueue);
    await this.node.subscribe(inqueue, filters);
    this.routesChanged();
  }

  depths(queues: readonly QueueName[]): readonly EngineDepth[] {
    return queues.flatMap((name) => depthOf(name, this.node, this.topology) ?? []);
  }

  browse(queue: QueueName, range?: EngineRange): AsyncGenerator<readonly EngineRecord[], void, undefined> {
    return browse(this.node, queue, range);
  }

  async notify(notice: EngineNotice): Promise<void> {
    await this.notices.post(notice);
  }

  /** For who does not wait for it. */
  notifyLater(notice: EngineNotice): void {
    this.notices.post(notice).catch((error: unknown) => this.#lost(error, `telling '${notice.name}'`));
  }

  /** A delivery that nobody will settle goes back to where it stood. */
  giveBack(queue: Inqueue, token: string, bytes: number): void {
    if (queue.isGone) return;
    queue
      .giveBack(token, bytes)
      .catch((error: unknown) => this.#lost(error, `giving back what '${queue.name}' had given`));
  }

  #lost(error: unknown, during: string): void {
    if (!this.#isClosed) this.#logger.warnOnce(during, `${during}: ${String(error)}`);
  }

  /** Resolves when nothing is under way any more. Sessions have to be ended before. Idempotent. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#stopProcessors();
    this.#fullDisk.stop();
    this.notices.stop();
    await this.topology.settled();
    for (const queue of this.topology.inqueues) queue.stop();
  }

  /** Carries it out now, or puts it in line. `jumpsLine`: the queue in whose line it was first. */
  submit(
    pending: Pending,
    { jumpsLine, isRetry = false }: { readonly jumpsLine?: Inqueue; readonly isRetry?: boolean } = {},
  ): void {
    if (pending.isWriting) return;
    if (this.#fullDisk.isFull && !isRetry && pending.batch.isAlive()) {
      this.#fullDisk.add(pending, false);
      return;
    }
    pending.leaveLine();
    const obstacle = this.#obstacle(pending.batch, jumpsLine);
    if (!obstacle) {
      this.#carryOut(pending, isRetry);
      return;
    }
    if ('state' in obstacle) {
      if (obstacle.state === 'unrouted') this.taps.showUntaken(pending.batch.outputs);
      pending.finish(obstacle);
    } else pending.waitIn(obstacle.line, obstacle.waitsFor);
    if (isRetry) this.#leaveFullDisk();
  }

  /** To be called when there are new ways for a message to go. */
  routesChanged(): void {
    this.topology.routesChanged();
    this.retryUnrouted();
  }

  retryUnrouted(): void {
    for (const line of [...this.#unrouted.values()]) for (const pending of [...line]) this.submit(pending);
  }

  /** To be called for an inqueue that is gone. */
  release(queue: Inqueue): void {
    for (const pending of [...queue.waiting]) this.submit(pending);
  }

  #obstacle(batch: Batch, jumpsLine: Inqueue | undefined): Obstacle | undefined {
    if (!batch.isAlive()) return GONE;
    for (const { name, mandatory } of batch.outputs) {
      if (mandatory && !this.topology.isTaken(name))
        return batch.hold ? { line: this.#unroutedLine(name), waitsFor: 'route' } : { state: 'unrouted', queue: name };
      for (const target of this.topology.routes(name)) {
        const mustWait =
          !target.hasRoomFor(batch.outputs.length, batch.bytes) || (target.waiting.size > 0 && target !== jumpsLine);
        if (mustWait) return { line: target.waiting, waitsFor: 'room' };
      }
    }
    return undefined;
  }

  #carryOut(pending: Pending, isRetry: boolean): void {
    const { outputs } = pending.batch;
    const records: NewRecord[] = [];
    const reserved: Reserved[] = [];
    for (const { name, body, headers } of outputs) {
      records.push({ topic: name, body, headers: writeHeaders(headers) });
      for (const queue of this.topology.routes(name)) {
        queue.reserve(body.length);
        reserved.push({ queue, bytes: body.length });
      }
    }
    pending.write(records).then(
      () => this.#written(pending, reserved, isRetry),
      (error: unknown) => this.#notWritten(pending, reserved, error, isRetry),
    );
  }

  #written(pending: Pending, reserved: readonly Reserved[], isRetry: boolean): void {
    for (const { queue, bytes } of reserved) {
      queue.arrived(bytes, true);
      if (queue.limit.beyond === 'drop-oldest') void this.#dropSurplus(queue);
    }
    for (const { name } of pending.batch.outputs) if (!this.topology.isTaken(name)) this.#unroutedCount += 1;
    pending.finish(DONE);
    if (isRetry) this.#leaveFullDisk();
  }

  #notWritten(pending: Pending, reserved: readonly Reserved[], error: unknown, isRetry: boolean): void {
    for (const { queue, bytes } of reserved) queue.arrived(bytes, false);
    if (error instanceof LogError) {
      pending.finish(GONE); // somebody else took the claim away
      if (isRetry) this.#leaveFullDisk();
    } else if (!(error instanceof DiskFullError)) {
      if (!this.#isClosed) this.#onFailure(error);
    } else if (!this.#isClosed) {
      if (!this.#fullDisk.isFull && !isRetry) this.#logger.warn(`${error.message}; senders wait until there is room`);
      this.#fullDisk.add(pending, isRetry);
    }
  }

  /** One of them went through: the others may try, in their order. */
  #leaveFullDisk(): void {
    const waiting = [...this.#fullDisk.line];
    for (const pending of waiting) pending.leaveLine();
    for (const pending of waiting) this.submit(pending);
  }

  /** There may be room: who waits for it goes on, in order. */
  #letIn(queue: Inqueue): void {
    for (let [first] = queue.waiting; first; [first] = queue.waiting) {
      if (!queue.hasRoomFor(first.batch.outputs.length, first.batch.bytes)) return;
      this.submit(first, { jumpsLine: queue });
      if (queue.waiting.has(first)) return;
    }
  }

  /** What waited too long; a dead letter for which there is no room just now waits. */
  #bury(queue: Inqueue, { token, records: [record] }: Claim): void {
    if (!record) return;
    const letter: EngineOutput = {
      kind: 'outqueue',
      name: deadName(queue.name),
      body: record.body,
      headers: this.#expired(queue.name, readHeaders(record.headers).headers),
    };
    const batch: Batch = {
      outputs: [letter],
      bytes: record.body.length,
      hold: false,
      isAlive: () => !queue.isGone,
      write: (records) => this.node.ackCommit(queue.proc, records, token),
    };
    this.submit(new Pending(batch, () => undefined));
  }

  async #dropSurplus(queue: Inqueue): Promise<void> {
    try {
      this.#deadDropped += await queue.dropSurplus();
    } catch (error) {
      if (!queue.isGone) this.#logger.warnOnce(queue.name, `dropping the oldest of '${queue.name}': ${String(error)}`);
    }
  }

  #unroutedLine(name: QueueName): Set<Pending> {
    for (const [other, line] of this.#unrouted) if (line.size === 0) this.#unrouted.delete(other);
    const line = this.#unrouted.get(name) ?? new Set();
    this.#unrouted.set(name, line);
    return line;
  }
}

interface Reserved {
  readonly queue: Inqueue;
  readonly bytes: number;
}
