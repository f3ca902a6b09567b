import { hostname } from 'node:os';
import { errorNameOf, messageOf } from '../errors.js';
import {
  type Client,
  type Delivery,
  deadLetterQueue,
  HEADER,
  NotConnectedError,
  type Settlement,
} from '../transport/index.js';
import type { AttemptLedger, Note } from './attempt-ledger.js';
import { Collector } from './collector.js';
import type { Component, Surroundings } from './component.js';
import { deathOf, type Failure, failureOf, type Place, ProcessDied, wordsOf } from './death.js';
import type { Inport } from './inport.js';
import type { Outlet } from './outlet.js';
import { type Outport, StoppedError } from './outport.js';
import { EqualPermits, type Permits } from './permits.js';
import { PriorityIntake } from './priority-intake.js';
import { Burial, Result } from './result.js';
import { Pauses } from './retry.js';
import type { Telemetry } from './telemetry.js';

const NO_HEADERS = Object.freeze({});
const NO_FAILURES: readonly Failure[] = Object.freeze([]);

/** Initial data: it goes through no broker, so nobody else confirms what is made of it. */
class Initial implements Delivery {
  readonly data: unknown;
  readonly headers = NO_HEADERS;
  readonly redelivered = false;

  constructor(data: unknown) {
    this.data = data;
  }
}

export interface InvokerOptions {
  /** Id of the participant. */
  readonly id: string;
  readonly component: Component;
  readonly client: Client;
  readonly inports: ReadonlyMap<string, Inport>;
  readonly outports: ReadonlyMap<string, Outport>;
  readonly outlet: Outlet;
  readonly ledger: AttemptLedger;
  /** Of the process, where others share it. */
  readonly processPermits: Permits | undefined;
  readonly surroundings: Surroundings;
  /** Called when more or fewer messages are in hand. */
  readonly onChange: () => void;
}

/**
 * Calls process() for deliveries and IIPs, at most `concurrency` at a time, and says what becomes of each: it is done, it
 * is tried again after a pause, it is a dead letter. Deliveries wait until `begin()`, so that the IIPs which came before it
 * are taken first.
 */
export class Invoker {
  /** What `setup` returned. */
  state: unknown;
  /** There when spans are to be made. */
  telemetry: Telemetry | undefined;
  readonly #options: InvokerOptions;
  readonly #permits: Permits;
  readonly #pauses = new Pauses();
  readonly #place: Place;
  readonly #onChange: () => void;
  readonly #isConnected = (port: string): boolean => this.#options.outports.get(port)?.isConnected ?? false;
  readonly #iips = new Set<Promise<void>>();
  #begun = false;
  #stopped = false;
  #held: (() => void)[] = [];

  constructor(options: InvokerOptions) {
    const { id, component, inports, surroundings, onChange } = options;
    this.#options = options;
    this.#place = { role: surroundings.role, component: component.component, participant: id, host: hostname() };
    const ports = [...inports.values()];
    if (ports.some(({ order }) => order !== Number.POSITIVE_INFINITY)) {
      const intake = new PriorityIntake(ports, { limit: component.concurrency });
      this.#permits = intake;
      this.#onChange = () => {
        intake.changed();
        onChange();
      };
    } else {
      this.#permits = new EqualPermits(component.concurrency);
      this.#onChange = onChange;
    }
  }

  begin(): void {
    this.#begun = true;
    for (const release of this.#held.splice(0)) release();
  }

  /** What has not begun is given back, and so is what waits for its next attempt. */
  stop(): void {
    this.#stopped = true;
    this.#pauses.stop();
    this.#permits.stop();
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

  handle(inport: Inport, delivery: Delivery): Promise<Settlement> {
    const takenMs = Date.now();
    inport.took(delivery.headers, takenMs);
    this.telemetry?.taken(inport, delivery, takenMs);
    this.#onChange();
    return this.#begun || this.#stopped ? this.#attempt(inport, delivery) : this.#attemptLater(inport, delivery);
  }

  /** Hands over initial data. It goes through no broker; what fails is published as a dead letter of the inqueue. */
  iip(inport: Inport, data: unknown): void {
    const done = this.#iip(inport, data).finally(() => {
      this.#iips.delete(done);
      this.#onChange();
    });
    this.#iips.add(done);
    this.#onChange();
  }

  async #iip(inport: Inport, data: unknown): Promise<void> {
    const { verdict } = await this.#attempt(inport, new Initial(data));
    if (typeof verdict !== 'object') return;
    const { client, surroundings } = this.#options;
    const queue = deadLetterQueue(inport.queue);
    const headers = {
      ...verdict.headers,
      [HEADER.deadReason]: verdict.deadLetter,
      [HEADER.deadQueue]: inport.queue,
      [HEADER.deadAt]: String(Date.now()),
    };
    try {
      await client.declare('outqueue', queue);
      await client.send('outqueue', queue, { data, headers });
    } catch (lost) {
      surroundings.log.warn(`the dead letter of an IIP could not be sent: ${messageOf(lost)}`);
    }
  }

  async #attemptLater(inport: Inport, delivery: Delivery): Promise<Result> {
    await new Promise<void>((resolve) => this.#held.push(resolve));
    return this.#attempt(inport, delivery);
  }

  /** @param failures of the attempts before */
  async #attempt(inport: Inport, delivery: Delivery, failures = NO_FAILURES): Promise<Result> {
    const { component, ledger, processPermits } = this.#options;
    const note = delivery.redelivered ? ledger.look(inport.queue, delivery) : undefined;
    const alone = note?.isSuspect ?? false;
    const isFree = !alone && this.#permits.tryAcquire(inport);
    if (!isFree && !(await this.#permits.acquire(inport, { alone, keep: delivery instanceof Initial })))
      return this.#givenBack(inport);
    if (processPermits && (alone || !processPermits.tryAcquire(inport)))
      await processPermits.acquire(inport, { alone });
    if (this.#stopped) {
      this.#release(inport, alone);
      return this.#givenBack(inport);
    }
    // Alone as well: what begins beside it may be the next that kills the process, before the broker has the dead letter.
    if (note?.isPoison(inport.crashes)) return this.#bury(inport, note);
    note?.begin(alone || (component.concurrency === 1 && !processPermits));
    const collector = this.#collector(delivery);
    const startMs = performance.now();
    try {
      try {
        await this.#process(inport, delivery, collector);
      } finally {
        note?.end();
        this.#release(inport, alone);
        inport.working.observe(performance.now() - startMs);
      }
      const outputs = delivery instanceof Initial ? collector.endNow() : collector.end();
      return new Result(inport, this.#onChange, 'ack', outputs instanceof Promise ? await outputs : outputs);
    } catch (error) {
      return this.#interrupted(error) ? this.#givenBack(inport) : this.#failed(inport, delivery, error, failures);
    }
  }

  #release(inport: Inport, alone: boolean): void {
    this.#options.processPermits?.release(inport, alone);
    this.#permits.release(inport, alone);
  }

  #givenBack(inport: Inport): Result {
    return new Result(inport, this.#onChange, 'requeue');
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

  /** What process() returns. Its permit is free as soon as it has ended: settling what it came to does not hold up the next. */
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
    if (this.#options.surroundings.signal.aborted || isOf(StoppedError, error)) return true;
    return this.#stopped && (isOf(NotConnectedError, error) || errorNameOf(error) === 'AbortError');
  }

  #failed(inport: Inport, delivery: Delivery, error: unknown, before: readonly Failure[]): Result | Promise<Result> {
    const { log } = this.#options.surroundings;
    const failures = [...before, failureOf(error)];
    const pauseMs = inport.retry?.pauseMs(failures.length, error);
    const reason = wordsOf(error);
    if (pauseMs !== undefined) {
      const text = `${whatOf(inport, delivery)} failed and is tried again, up to ${inport.retry?.attempts} times in all: ${reason}`;
      log.warnOnce(`retry ${inport.name} ${reason}`, text);
      return this.#again(inport, delivery, failures, pauseMs);
    }
    if (delivery instanceof Initial) log.warn(`${whatOf(inport, delivery)} failed: ${reason}`);
    else log.warnOnce(`${inport.name} ${reason}`, `${whatOf(inport, delivery)} became a dead letter: ${reason}`);
    const death = deathOf(inport.name, error, failures, this.#place);
    const headers = { ...death.headers, ...this.telemetry?.traceOf(delivery) };
    return new Result(inport, this.#onChange, { ...death, headers });
  }

  /** It stays in hand while it waits, but what it took to work on it is free for others. */
  async #again(inport: Inport, delivery: Delivery, failures: readonly Failure[], pauseMs: number): Promise<Result> {
    const counted = delivery instanceof Initial ? 0 : 1;
    inport.retried += 1;
    inport.pausing += counted;
    this.#onChange();
    const goesOn = await this.#pauses.wait(pauseMs);
    inport.pausing -= counted;
    this.#onChange();
    return goesOn ? this.#attempt(inport, delivery, failures) : this.#givenBack(inport);
  }

  #bury(inport: Inport, note: Note): Result {
    const error = new ProcessDied(note.crashes.length);
    this.#options.surroundings.log.warn(`a message on inport '${inport.name}' became a dead letter: ${error.message}`);
    const failures = note.crashes.map(({ atMs, participant, alone }) => {
      return { atMs, error: `the process of ${participant} died${alone ? ' with nothing else in hand' : ''}` };
    });
    const death = deathOf(inport.name, error, failures, this.#place);
    return new Burial(inport, this.#onChange, death, (isCarriedOut) => {
      if (isCarriedOut) note.bury();
      this.#release(inport, true);
    });
  }
}

function whatOf({ name }: Inport, delivery: Delivery): string {
  return delivery instanceof Initial ? `the IIP of inport '${name}'` : `a message on inport '${name}'`;
}

/** Whatever it is: a proxy may throw when it is asked what it is. */
function isOf(kind: abstract new (...args: never[]) => unknown, error: unknown): boolean {
  try {
    return error instanceof kind;
  } catch {
    return false;
  }
}
