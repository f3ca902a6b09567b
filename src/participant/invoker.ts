import { messageOf } from '../errors.js';
import { Semaphore } from '../support/index.js';
import {
  type Client,
  type Delivery,
  deadLetterQueue,
  HEADER,
  MAX_REASON_CHARS,
  NotConnectedError,
  type Settlement,
  type Verdict,
} from '../transport/index.js';
import { Collector } from './collector.js';
import type { Component, Surroundings } from './component.js';
import type { Inport } from './inport.js';
import { type Outgoing, type Outlet, settled } from './outlet.js';
import { type Outport, StoppedError } from './outport.js';
import type { Telemetry } from './telemetry.js';

const NONE: readonly Outgoing[] = Object.freeze([]);

/** What becomes of a message of an inport. One object each: it is made for every message. */
class Result implements Settlement {
  readonly verdict: Verdict;
  readonly outputs: readonly Outgoing[];
  readonly #inport: Inport;
  readonly #onChange: () => void;

  constructor(inport: Inport, onChange: () => void, verdict: Verdict, outputs = NONE) {
    this.verdict = verdict;
    this.outputs = outputs;
    this.#inport = inport;
    this.#onChange = onChange;
  }

  settled(isCarriedOut: boolean): void {
    settled(this.outputs, isCarriedOut);
    this.#inport.settled += 1;
    this.#onChange();
  }
}

export interface InvokerOptions {
  readonly component: Component;
  readonly client: Client;
  readonly outports: ReadonlyMap<string, Outport>;
  readonly outlet: Outlet;
  readonly surroundings: Surroundings;
  /** Called when more or fewer messages are in hand. */
  readonly onChange: () => void;
}

/**
 * Calls process() for deliveries and IIPs, at most `concurrency` at a time, and says what becomes of each. Deliveries
 * wait until `begin()`, so that the IIPs which came before it are taken first.
 */
export class Invoker {
  /** What `setup` returned. */
  state: unknown;
  /** There when spans are to be made. */
  telemetry: Telemetry | undefined;
  readonly #options: InvokerOptions;
  readonly #slots: Semaphore;
  readonly #isConnected = (port: string): boolean => this.#options.outports.get(port)?.isConnected ?? false;
  readonly #iips = new Set<Promise<void>>();
  #begun = false;
  #stopped = false;
  #held: (() => void)[] = [];

  constructor(options: InvokerOptions) {
    this.#options = options;
    this.#slots = new Semaphore(options.component.concurrency);
  }

  begin(): void {
    this.#begun = true;
    for (const release of this.#held.splice(0)) release();
  }

  /** What has not begun is given back. */
  stop(): void {
    this.#stopped = true;
    for (const release of this.#held.splice(0)) release();
  }

  /** How many IIPs are in hand. */
  get iips(): number {
    return this.#iips.size;
  }

  /** Resolves when no IIP is in hand. */
  async idle(): Promise<void> {
    await Promise.all(this.#iips);
  }

  async handle(inport: Inport, delivery: Delivery): Promise<Settlement> {
    const { onChange } = this.#options;
    this.#taken(inport, delivery);
    if (!this.#begun && !this.#stopped) await new Promise<void>((resolve) => this.#held.push(resolve));
    if (!this.#slots.tryAcquire()) await this.#slots.acquire();
    if (this.#stopped) {
      this.#slots.release();
      return new Result(inport, onChange, 'requeue');
    }
    const collector = this.#collector(delivery);
    const startMs = performance.now();
    try {
      try {
        await this.#process(inport, delivery, collector);
      } finally {
        this.#slots.release();
        inport.working.observe(performance.now() - startMs);
      }
      const outputs = collector.end();
      return new Result(inport, onChange, 'ack', outputs instanceof Promise ? await outputs : outputs);
    } catch (error) {
      return new Result(inport, onChange, this.#interrupted(error) ? 'requeue' : this.#deadLetter(inport, error));
    }
  }

  /** Hands over initial data. It goes through no broker; what fails is published as a dead letter of the inqueue. */
  iip(inport: Inport, data: unknown): void {
    const done = this.#iip(inport, data).finally(() => {
      this.#iips.delete(done);
      this.#options.onChange();
    });
    this.#iips.add(done);
    this.#options.onChange();
  }

  async #iip(inport: Inport, data: unknown): Promise<void> {
    if (!this.#slots.tryAcquire()) await this.#slots.acquire();
    if (this.#stopped) return this.#slots.release();
    const delivery = { data, headers: {}, redelivered: false };
    const collector = this.#collector(delivery);
    try {
      try {
        await this.#process(inport, delivery, collector);
      } finally {
        this.#slots.release();
      }
      await collector.endNow();
    } catch (error) {
      if (!this.#interrupted(error)) await this.#buryIip(inport, data, error);
    }
  }

  #taken(inport: Inport, delivery: Delivery): void {
    const takenMs = Date.now();
    const createdMs = Number(delivery.headers[HEADER.createdAt]);
    inport.taken += 1;
    if (createdMs > 0) inport.waiting.observe(takenMs - createdMs);
    this.telemetry?.taken(inport, delivery, takenMs);
    this.#options.onChange();
  }

  #collector({ headers }: Delivery): Collector {
    const { outports, outlet } = this.#options;
    return new Collector(outports, outlet, headers);
  }

  /** Within a span of its own, which goes on in the outputs, where spans are made. */
  #process(inport: Inport, delivery: Delivery, collector: Collector): unknown {
    if (!this.telemetry) return this.#call(inport, delivery, collector);
    return this.telemetry.process(inport, delivery, (carried) => {
      collector.carry(carried);
      return this.#call(inport, delivery, collector);
    });
  }

  /** What process() returns. Its slot is free as soon as it has ended: settling what it came to does not hold up the next. */
  #call(inport: Inport, { data, headers, redelivered }: Delivery, collector: Collector): unknown {
    const { component, surroundings } = this.#options;
    const { role, log, signal } = surroundings;
    return component.process?.(inport.inputs(data), {
      role,
      log,
      signal,
      headers,
      redelivered,
      state: this.state,
      send: (port, output, outputHeaders) => collector.send(port, output, outputHeaders),
      isConnected: this.#isConnected,
    });
  }

  /** Whether it failed because the participant stops, rather than because of the message. */
  #interrupted(error: unknown): boolean {
    if (this.#options.surroundings.signal.aborted || error instanceof StoppedError) return true;
    if (!this.#stopped) return false;
    if (error instanceof NotConnectedError) return true;
    return error instanceof Error && error.name === 'AbortError';
  }

  #deadLetter(inport: Inport, error: unknown): Verdict {
    const reason = messageOf(error);
    const { log } = this.#options.surroundings;
    log.warnOnce(`${inport.name} ${reason}`, `a message on inport '${inport.name}' became a dead letter: ${reason}`);
    return { deadLetter: reason, headers: this.#facts(inport, error) };
  }

  #facts(inport: Inport, error: unknown): Record<string, string> {
    return {
      [HEADER.deadError]: error instanceof Error ? error.name : typeof error,
      [HEADER.deadRole]: this.#options.surroundings.role,
      [HEADER.deadPort]: inport.name,
    };
  }

  async #buryIip(inport: Inport, data: unknown, error: unknown): Promise<void> {
    const { client, surroundings } = this.#options;
    const reason = messageOf(error).slice(0, MAX_REASON_CHARS);
    surroundings.log.warn(`the IIP of inport '${inport.name}' failed: ${reason}`);
    const headers = {
      ...this.#facts(inport, error),
      [HEADER.deadReason]: reason,
      [HEADER.deadQueue]: inport.queue,
    };
    const queue = deadLetterQueue(inport.queue);
    try {
      await client.declare('outqueue', queue);
      await client.send('outqueue', queue, { data, headers });
    } catch (lost) {
      surroundings.log.warn(`its dead letter could not be sent: ${messageOf(lost)}`);
    }
  }
}
