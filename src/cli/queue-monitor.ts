import { MsgfloError, messageOf } from '../errors.js';
import type { QueueName } from '../names.js';
import { Backoff, type Logger } from '../support/index.js';
import type { Broker, Subscription } from '../transport/index.js';
import { Pulse, type PulseEvent, type PulseOptions } from './pulse.js';

/** What a timer of Node can wait for. */
const MAX_TIMER_MS = 2 ** 31 - 1;

export type QueueEvent = PulseEvent | { readonly event: 'tapped' };

export interface QueueMonitorOptions extends Omit<PulseOptions, 'startMs'> {
  readonly broker: Broker;
  readonly queues: readonly QueueName[];
  readonly log: Logger;
  /** Must not throw. */
  readonly onEvent: (queue: QueueName, event: QueueEvent) => void;
  /** A queue cannot be tapped, whatever one waits for. */
  readonly onError: (error: unknown) => void;
}

/**
 * Looks on at outqueues and tells when messages come, fail to come, and come again. Consumes nothing. A queue that is not
 * there yet is asked for again and again, and what it lacks meanwhile is missed.
 */
export class QueueMonitor {
  readonly #options: QueueMonitorOptions;
  readonly #pulses: ReadonlyMap<QueueName, Pulse>;
  readonly #taps: Subscription[] = [];
  readonly #stopping = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  /** What `#timer` waits for. */
  #checkMs = Infinity;

  constructor(options: QueueMonitorOptions) {
    this.#options = options;
    const pulse = { ...options, startMs: performance.now() };
    this.#pulses = new Map(options.queues.map((queue) => [queue, new Pulse(pulse)]));
  }

  /** No queue has missed a period. */
  get isInTime(): boolean {
    return [...this.#pulses.values()].every((pulse) => pulse.isInTime);
  }

  start(): void {
    for (const queue of this.#pulses.keys()) {
      this.#tap(queue).catch((error: unknown) => {
        if (!this.#stopping.signal.aborted) this.#options.onError(error);
      });
    }
    this.#schedule();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    clearTimeout(this.#timer);
    await Promise.all(this.#taps.map((tap) => tap.cancel()));
  }

  async #tap(queue: QueueName): Promise<void> {
    const { broker, log, onEvent } = this.#options;
    const { signal } = this.#stopping;
    const backoff = new Backoff(100, 2000);
    while (!signal.aborted) {
      try {
        const tap = await broker.tap(queue, () => this.#beat(queue));
        if (signal.aborted) return await tap.cancel();
        this.#taps.push(tap);
        return onEvent(queue, { event: 'tapped' });
      } catch (error) {
        if (!(error instanceof MsgfloError && error.retryable)) throw error;
        log.warnOnce(queue, `${messageOf(error)}; waiting for it`);
        await backoff.wait(signal).catch(() => undefined);
      }
    }
  }

  #beat(queue: QueueName): void {
    if (this.#stopping.signal.aborted) return;
    const event = this.#pulses.get(queue)?.beat(performance.now());
    if (!event) return;
    this.#tell(queue, event);
    this.#schedule();
  }

  /** Looks again when the first is due. An ordinary beat moves that to later only, so that nothing need be done for it. */
  #schedule(): void {
    const dueMs = Math.min(...[...this.#pulses.values()].map((pulse) => pulse.dueMs ?? Infinity));
    if (dueMs >= this.#checkMs || this.#stopping.signal.aborted) return;
    clearTimeout(this.#timer);
    this.#checkMs = dueMs;
    const inMs = Math.max(0, dueMs - performance.now());
    // What has come while this process was held up is read before it is missed.
    this.#timer = setTimeout(() => setImmediate(() => this.#check()), Math.min(inMs, MAX_TIMER_MS));
  }

  #check(): void {
    this.#checkMs = Infinity;
    const nowMs = performance.now();
    for (const [queue, pulse] of this.#pulses) {
      if (!this.#stopping.signal.aborted) this.#tell(queue, pulse.check(nowMs));
    }
    this.#schedule();
  }

  #tell(queue: QueueName, event: PulseEvent | undefined): void {
    if (event) this.#options.onEvent(queue, event);
  }
}
