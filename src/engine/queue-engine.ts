import { dirname, isAbsolute } from 'node:path';
import { type Claim, CorruptionError, type LogNode, splitSource } from '../log/index.js';
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
} from './engine.js';
import type { Inqueue } from './inqueue.js';
import { NoticeBoard } from './notice-board.js';
import { type Batch, Pending } from './pending.js';
import { QueueSession } from './queue-session.js';
import type { QueueLimit } from './room.js';
import { Submissions } from './submissions.js';
import { Taps } from './taps.js';
import { deadName, Topology } from './topology.js';
import type { Held } from './window.js';

const MIB = 1024 * 1024;

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

/** The engine on a log: an inqueue is a topic with a proc `in:<name>`, a delivery a claim, a settlement one commit. */
export class QueueEngine implements Engine {
  readonly node: LogNode;
  readonly topology: Topology;
  readonly notices: NoticeBoard;
  readonly taps: Taps;
  readonly #submissions: Submissions;
  readonly #expired: Required<QueueEngineOptions>['expired'];
  readonly #logger: Logger;
  readonly #stopProcessors: () => void;
  #deadDropped = 0;
  #isClosed = false;

  private constructor(node: LogNode, options: QueueEngineOptions) {
    const { maxMessages = 100_000, maxBytes = 256 * MIB, maxDeadLetters = 10_000 } = options;
    this.node = node;
    this.#expired = options.expired ?? ((_inqueue, headers) => headers);
    this.#logger = options.logger ?? silentLogger;
    this.notices = new NoticeBoard(node, options.noticeTopics ?? []);
    this.taps = new Taps(node);
    const inqueue: QueueLimit = { maxMessages, maxBytes, beyond: 'wait' };
    const dead: QueueLimit = { maxMessages: maxDeadLetters, maxBytes: 64 * MIB, beyond: 'drop-oldest' };
    this.topology = new Topology(
      { inqueue, dead },
      {
        node,
        nowMs: options.nowMs ?? Date.now,
        onRoom: (queue) => this.#submissions.letIn(queue),
        onExpired: (queue, claim, done) => this.#bury(queue, claim, done),
        onGone: (queue) => this.#submissions.release(queue),
        onError: (error, during) => this.#lost(error, during),
      },
    );
    this.#submissions = new Submissions({
      topology: this.topology,
      taps: this.taps,
      logger: this.#logger,
      onFailure: options.onFailure ?? (() => undefined),
      onLetters: (queue) => void this.#dropSurplus(queue),
    });
    this.#stopProcessors = node.onProcessor(() => this.#submissions.retryUnrouted());
  }

  /** On a node that is its owner's to close, after this. Queues, bindings and kept notices are as they were left. */
  static async open(node: LogNode, options: QueueEngineOptions = {}): Promise<QueueEngine> {
    const engine = new QueueEngine(node, options);
    await engine.topology.restore();
    return engine;
  }

  get counters(): EngineCounters {
    return { unrouted: this.#submissions.unroutedCount, deadDropped: this.#deadDropped };
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
    if (queue && queue.waiting.size > 0) this.#submissions.release(queue);
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

  deadLetterInqueues(): readonly QueueName[] {
    const { topology, node } = this;
    const keepsAny = (name: QueueName): boolean => {
      const { ready = 0, unacked = 0 } = node.backlog(topology.inqueue(deadName(name))?.proc ?? '') ?? {};
      return ready + unacked > 0;
    };
    return [...topology.inqueues].map(({ name }) => name).filter(keepsAny);
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
  giveBack(queue: Inqueue, held: Held): void {
    if (queue.isGone) return;
    queue.giveBack(held).catch((error: unknown) => this.#lost(error, `giving back what '${queue.name}' had given`));
  }

  #lost(error: unknown, during: string): void {
    if (this.#isClosed) return;
    const why = error instanceof CorruptionError ? standsStill(error) : String(error);
    this.#logger.warnOnce(during, `${during}: ${why}`);
  }

  /** Resolves when nothing is under way any more. Sessions have to be ended before. Idempotent. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#stopProcessors();
    this.#submissions.stop();
    this.notices.stop();
    await this.topology.settled();
    for (const queue of this.topology.inqueues) queue.stop();
  }

  submit(pending: Pending): void {
    this.#submissions.submit(pending);
  }

  /** To be called when there are new ways for a message to go. */
  routesChanged(): void {
    this.topology.routesChanged();
    this.#submissions.retryUnrouted();
  }

  /** What waited too long; a dead letter for which there is no room just now waits. */
  #bury(queue: Inqueue, { token, records: [record] }: Claim, done: () => void): void {
    if (!record) return;
    const letter: EngineOutput = {
      kind: 'outqueue',
      name: deadName(queue.name),
      body: Buffer.from(record.body),
      headers: this.#expired(queue.name, splitSource(record.headers).headers),
    };
    const batch: Batch = {
      outputs: [letter],
      bytes: record.body.length,
      hold: false,
      isAlive: () => !queue.isGone,
      own: () => undefined,
      write: (records, written) => this.node.settle(queue.proc, token, records, written),
      ended: done,
    };
    this.submit(new Pending(batch));
  }

  async #dropSurplus(queue: Inqueue): Promise<void> {
    try {
      this.#deadDropped += await queue.dropSurplus();
    } catch (error) {
      if (!queue.isGone) this.#logger.warnOnce(queue.name, `dropping the oldest of '${queue.name}': ${String(error)}`);
    }
  }
}

/** With what to do about it. */
function standsStill({ message, file }: CorruptionError): string {
  const folder = isAbsolute(file) ? ` --dir ${dirname(file)}` : '';
  const mend = `msgflo-log compact --salvage${folder}`;
  return `${message}; nobody is given what comes from there on. To mend it, end the node, copy the folder, run: ${mend}`;
}
