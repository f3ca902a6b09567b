import type { QueueName } from '../names.js';
import { EarliestTimer } from './earliest-timer.js';
import type {
  Engine,
  EngineBinding,
  EngineClient,
  EngineCounters,
  EngineDepth,
  EngineHeaders,
  EngineMessage,
  EngineNotice,
  EngineOutput,
  EngineSession,
  Outcome,
  Stop,
} from './engine.js';
import { EngineRefusedError } from './errors.js';
import type { Inqueue } from './inqueue.js';
import { MemorySession } from './memory-session.js';
import type { Entry, QueueLimit } from './message-list.js';
import { NoticeBoard } from './notice-board.js';
import { type Batch, Pending } from './pending.js';
import { deadName, Topology } from './topology.js';

const MIB = 1024 * 1024;

export interface MemoryEngineOptions {
  /** Ready messages per inqueue beyond which senders wait. @default 100_000 */
  readonly maxMessages?: number;
  /** Ready bytes per inqueue beyond which senders wait. @default 256 MiB */
  readonly maxBytes?: number;
  /** Dead letters kept per inqueue; beyond, or beyond 64 MiB, the oldest go. @default 10_000 */
  readonly maxDeadLetters?: number;
  /** The headers of the dead letter that is made of what waited too long. @default those of the message */
  readonly expired?: (inqueue: QueueName, headers: EngineHeaders) => EngineHeaders;
  /** A clock that never goes back, in ms. @default performance.now */
  readonly nowMs?: () => number;
}

/** Why a submission cannot be carried out just now: its end, or the line it has to wait in. */
type Obstacle = Outcome | { readonly line: Set<Pending>; readonly waitsFor: 'room' | 'route' };
type Tap = (message: EngineMessage) => void;

/** The engine in memory: nothing outlives the process. O(1) per message and target. */
export class MemoryEngine implements Engine {
  readonly topology: Topology;
  readonly notices = new NoticeBoard();
  readonly #taps = new Map<QueueName, Set<Tap>>();
  /** Submissions that wait for somebody to be bound, by outqueue. */
  readonly #unrouted = new Map<QueueName, Set<Pending>>();
  readonly #dirty = new Set<Inqueue>();
  readonly #expired: Required<MemoryEngineOptions>['expired'];
  readonly #nowMs: () => number;
  #working = false;
  #unroutedCount = 0;
  #deadDropped = 0;

  constructor(options: MemoryEngineOptions = {}) {
    const { maxMessages = 100_000, maxBytes = 256 * MIB, maxDeadLetters = 10_000 } = options;
    this.#expired = options.expired ?? ((_inqueue, headers) => headers);
    this.#nowMs = options.nowMs ?? (() => performance.now());
    const inqueue: QueueLimit = { maxMessages, maxBytes, beyond: 'wait' };
    this.topology = new Topology({
      inqueue,
      dead: { maxMessages: maxDeadLetters, maxBytes: 64 * MIB, beyond: 'drop-oldest' },
    });
  }

  get counters(): EngineCounters {
    return { unrouted: this.#unroutedCount, deadDropped: this.#deadDropped };
  }

  open(client: EngineClient): EngineSession {
    return new MemorySession(this, client);
  }

  async bind(binding: EngineBinding): Promise<void> {
    this.topology.bind(binding);
    this.retryUnrouted();
  }

  async unbind(binding: EngineBinding): Promise<void> {
    this.topology.unbind(binding);
    // What waited for room in a queue that is no target any more need not.
    const target = this.topology.inqueue(binding.target);
    if (target && target.waiting.size > 0) this.release(target);
  }

  bindings(): readonly EngineBinding[] {
    return this.topology.bindings();
  }

  async subscribe(inqueue: QueueName): Promise<void> {
    throw new EngineRefusedError('not-found', inqueue, 'subscriptions need a durable engine');
  }

  depths(queues: readonly QueueName[]): readonly EngineDepth[] {
    const nowMs = this.#nowMs();
    return queues.flatMap((name) => {
      const queue = this.topology.inqueue(name);
      return queue ? { ...queue.depth(), ...queue.throughput.rates(nowMs) } : [];
    });
  }

  async notify(notice: EngineNotice): Promise<void> {
    this.notices.post(notice);
  }

  tap(outqueue: QueueName, handler: Tap): Stop {
    const tap: Tap = (message) => handler(message);
    const taps = this.#taps.get(outqueue) ?? new Set();
    this.#taps.set(outqueue, taps.add(tap));
    return () => {
      taps.delete(tap);
      if (taps.size === 0 && this.#taps.get(outqueue) === taps) this.#taps.delete(outqueue);
    };
  }

  /** Carries it out now, or puts it in line. `jumpsLine`: the queue in whose line it was first. */
  submit(pending: Pending, jumpsLine?: Inqueue): void {
    pending.leaveLine();
    const obstacle = this.#obstacle(pending.batch, jumpsLine);
    if (!obstacle) this.#carryOut(pending);
    else if ('state' in obstacle) {
      // Who looks on sees also what nobody takes: senders may well drop it then.
      if (obstacle.state === 'unrouted') for (const output of pending.batch.outputs) this.#show(output);
      pending.finish(obstacle);
    } else pending.waitIn(obstacle.line, obstacle.waitsFor);
  }

  /** To be called when a queue may hand out more, or has room again. */
  touch(queue: Inqueue): void {
    this.#dirty.add(queue);
    this.#work();
  }

  /** To be called when there are new ways for a message to go. */
  retryUnrouted(): void {
    for (const line of [...this.#unrouted.values()]) for (const pending of [...line]) this.submit(pending);
  }

  /** To be called for an inqueue that is gone. */
  release(queue: Inqueue): void {
    for (const pending of [...queue.waiting]) this.submit(pending);
  }

  #obstacle(batch: Batch, jumpsLine: Inqueue | undefined): Obstacle | undefined {
    if (!batch.isAlive()) return { state: 'gone' };
    for (const { kind, name, mandatory } of batch.outputs) {
      const targets = this.topology.routes(kind, name);
      if (targets.length === 0 && mandatory) {
        return batch.hold ? { line: this.#unroutedLine(name), waitsFor: 'route' } : { state: 'unrouted', queue: name };
      }
      for (const target of targets) {
        const mustWait = !target.hasRoomFor(batch) || (target.waiting.size > 0 && target !== jumpsLine);
        if (mustWait) return { line: target.waiting, waitsFor: 'room' };
      }
    }
    return undefined;
  }

  #carryOut(pending: Pending): void {
    const { batch } = pending;
    for (const output of batch.outputs) this.#put(output, this.topology.routes(output.kind, output.name));
    batch.commit();
    pending.finish({ state: 'done' });
    this.#work();
  }

  #put(output: EngineOutput, targets: readonly Inqueue[]): void {
    const { body, headers } = output;
    const message: EngineMessage = { body, headers };
    if (targets.length === 0) this.#unroutedCount += 1;
    for (const target of targets) {
      this.#deadDropped += target.push(message, this.#nowMs);
      this.#dirty.add(target);
    }
    this.#show(output);
  }

  #show({ kind, name, body, headers }: EngineOutput): void {
    if (kind !== 'outqueue' || this.#taps.size === 0) return;
    for (const tap of this.#taps.get(name) ?? []) tap({ body, headers });
  }

  /** Hands out what is ready and lets in who waits for room; never entered twice, so that callbacks may call in. */
  #work(): void {
    if (this.#working) return;
    this.#working = true;
    try {
      for (const queue of this.#dirty) {
        this.#dirty.delete(queue);
        if (queue.ttlMs !== undefined) this.#buryExpired(queue);
        queue.dispatch();
        const [first] = queue.waiting;
        if (!first || !queue.hasRoomFor(first.batch)) continue;
        this.#dirty.add(queue);
        this.submit(first, queue);
      }
    } finally {
      this.#working = false;
    }
  }

  /** What waited too long is not handed out any more; a dead letter for which there is no room just now waits. */
  #buryExpired(queue: Inqueue): void {
    const nowMs = this.#nowMs();
    for (;;) {
      const entry = queue.list.setAsideExpired(nowMs);
      if (!entry) break;
      this.#bury(queue, entry);
    }
    const { first } = queue.list;
    if (!first) return;
    queue.expiry ??= new EarliestTimer(() => this.touch(queue));
    queue.expiry.set(first.expiresMs, nowMs);
  }

  #bury(queue: Inqueue, entry: Entry): void {
    const { body, headers } = entry.message;
    this.topology.keepDeadLetters(queue.name);
    const letter: EngineOutput = {
      kind: 'outqueue',
      name: deadName(queue.name),
      body,
      headers: this.#expired(queue.name, headers),
    };
    const batch = {
      outputs: [letter],
      bytes: body.length,
      hold: false,
      isAlive: () => true,
      commit: () => {
        queue.drop(entry);
        this.touch(queue);
      },
    };
    this.submit(new Pending(batch, () => undefined));
  }

  #unroutedLine(name: QueueName): Set<Pending> {
    for (const [other, line] of this.#unrouted) if (line.size === 0) this.#unrouted.delete(other);
    const line = this.#unrouted.get(name) ?? new Set();
    this.#unrouted.set(name, line);
    return line;
  }
}
