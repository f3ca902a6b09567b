import { setTimeout as delay } from 'node:timers/promises';
import {
  type Counters,
  type Definition,
  DISCOVERY_NOTICE,
  DISCOVERY_PERIOD_MS,
  goneMessageOf,
  keyIips,
  type Wiring,
  wiringNotice,
} from '../discovery/index.js';
import { messageOf } from '../errors.js';
import { asParticipantId, asPortName, asRole, type ParticipantId, type PortName, type Role } from '../names.js';
import { createLogger, type Logger, within } from '../support/index.js';
import type { Client, Delivery, Subscription } from '../transport/index.js';
import { Announcer } from './announcer.js';
import { AttemptLedger } from './attempt-ledger.js';
import type { Component, Surroundings } from './component.js';
import { CountersTeller } from './counters-teller.js';
import { declarePorts } from './declare-ports.js';
import { createDefinition, createInports, createOutports } from './define-ports.js';
import { IipIntake } from './iip-intake.js';
import type { Inport } from './inport.js';
import { inOrder } from './inport-order.js';
import { Invoker } from './invoker.js';
import { Outlet } from './outlet.js';
import { type Outport, StoppedError } from './outport.js';
import { newParticipantId, type ParticipantOptions } from './participant-options.js';
import { PortWirer } from './port-wirer.js';
import { Producer } from './producer.js';
import { findTelemetry } from './telemetry.js';
import { WiringFollower } from './wiring-follower.js';

/** How many announcements fit in one discovery period: the second is the spare for a lost one. */
const PER_PERIOD = 2.2;
const DEFAULT_GRACE_MS = 5000;
const LEAVE_MS = 1000;
/** So many at least an earlier port is sent: those that wait here show that there are more while the next are on their way. */
const AHEAD = 10;
/** In the working directory, which all participants of a project on one machine share. */
const ATTEMPTS_IN = '.msgflo/attempts';

/** A running instance of a component: announced, wired by the coordinator, taking messages until it is stopped. */
export class Participant {
  readonly id: ParticipantId;
  readonly role: Role;
  readonly #component: Component;
  readonly #options: ParticipantOptions;
  readonly #client: Client;
  readonly #log: Logger;
  readonly #inports: ReadonlyMap<string, Inport>;
  readonly #outports: ReadonlyMap<string, Outport>;
  readonly #ledger: AttemptLedger;
  readonly #invoker: Invoker;
  readonly #intake: IipIntake;
  readonly #producer: Producer;
  readonly #announcer: Announcer;
  readonly #teller: CountersTeller;
  readonly #wirer: PortWirer;
  readonly #follower: WiringFollower;
  /** Told to end. */
  readonly #stopping = new AbortController();
  /** Out of time. */
  readonly #abandoned = new AbortController();
  #wired: string | undefined;
  #wiringWatch: Subscription | undefined;
  #begun = false;
  #setUp = false;
  #producing: Promise<unknown> = Promise.resolve();
  #stopped: Promise<void> | undefined;
  #fail: (error: unknown) => void = () => undefined;
  /** Rejects when produce() throws, with what it threw; resolves when the participant was stopped. */
  readonly finished: Promise<void>;
  #finish: () => void = () => undefined;

  constructor(component: Component, options: ParticipantOptions) {
    const log = options.log ?? createLogger(options.role);
    this.role = asRole(options.role);
    this.id = options.id === undefined ? newParticipantId(options.role) : asParticipantId(options.id);
    this.#component = component;
    this.#options = options;
    this.#client = options.broker;
    this.#log = log;
    this.#inports = createInports(component, this.role, log);
    this.#outports = createOutports(component, this.role, log);
    this.#teller = new CountersTeller({ client: this.#client, counters: () => this.counters, log });
    const onChange = (): void => this.#teller.touch();
    const outlet = new Outlet(this.#client, this.#stopping.signal, onChange);
    const shared = { component, outports: this.#outports, outlet };
    this.#ledger = new AttemptLedger({ folder: options.attemptsIn ?? ATTEMPTS_IN, participant: this.id, log });
    this.#invoker = new Invoker({
      ...shared,
      id: this.id,
      inports: this.#inports,
      ledger: this.#ledger,
      processPermits: options.processPermits,
      onChange,
      client: this.#client,
      surroundings: this.#surroundings(this.#abandoned.signal),
    });
    this.#producer = new Producer({ ...shared, surroundings: this.#surroundings(this.#stopping.signal) });
    this.#intake = new IipIntake(this.#inports, this.#invoker, log);
    this.#announcer = new Announcer({
      client: this.#client,
      definitions: () => [this.definition],
      intervalMs: (options.periodMs ?? DISCOVERY_PERIOD_MS) / PER_PERIOD,
      onRollCall: () => this.#teller.tellSoon(),
      log,
    });
    const { broker: client, run } = options;
    const ports = { inports: this.#inports, outports: this.#outports };
    this.#wirer = new PortWirer({ component, client, ...ports, isKept: run !== undefined, log });
    this.#follower = new WiringFollower({
      run,
      log,
      signal: this.#stopping.signal,
      carryOut: (wiring) => this.#carryOut(wiring),
    });
    this.finished = new Promise<void>((resolve, reject) => {
      this.#finish = resolve;
      this.#fail = reject;
    });
    this.finished.catch(() => undefined);
  }

  /** As it is announced just now. */
  get definition(): Definition {
    const { id, role } = this;
    const sources = this.#client.status !== 'idle' && !this.#client.capabilities.binds;
    return createDefinition(this.#component, {
      id,
      role,
      inports: this.#inports,
      outports: this.#outports,
      sources,
      wired: this.#wired,
    });
  }

  /** What it has done so far. */
  get counters(): Counters {
    const inports = [...this.#inports].map(([name, inport]) => [name, inport.counters] as const);
    const outports = [...this.#outports].map(([name, outport]) => [name, outport.counters] as const);
    return {
      id: this.id,
      role: this.role,
      inports: Object.fromEntries(inports),
      outports: Object.fromEntries(outports),
      ...(this.#client.reconnects !== undefined && { reconnects: this.#client.reconnects }),
      inHand: inports.reduce((sum, [, { taken, settled }]) => sum + taken - settled, this.#invoker.iips),
    };
  }

  /** Messages dropped so far because nobody was there to take them, by outport. */
  get dropped(): Readonly<Record<string, number>> {
    return Object.fromEntries([...this.#outports].map(([name, outport]) => [name, outport.dropped]));
  }

  /**
   * Connects, declares the ports' queues, and takes messages. Resolves when the participant has been announced.
   * @throws {BrokerUnreachableError} when `signal` aborts before there is a connection
   */
  async start(options: { readonly signal?: AbortSignal } = {}): Promise<void> {
    try {
      await this.#trace();
      await this.#client.connect(options);
      await declarePorts(this.#client, {
        component: this.#component,
        inports: this.#inports,
        outports: this.#outports,
      });
      this.#invoker.state = await this.#component.setup?.(this.#surroundings(this.#stopping.signal));
      this.#setUp = true;
      void this.#ledger.sweep();
      this.#intake.take(keyIips(commandLineIips(this.#options.iips)));
      await this.#consume();
      this.#wiringWatch = await this.#client.watch(wiringNotice(this.role), (body) => this.#follower.receive(body));
      await this.#announcer.start();
    } catch (error) {
      await this.stop({ graceMs: 0 });
      throw error;
    }
    if (this.#options.run === undefined) void this.#goOnUnwired();
  }

  /**
   * Takes no more messages, finishes those in hand for up to `graceMs`, says 'gone' and closes the client. What has not
   * begun, or waits for an outport, is given back. Idempotent. @default graceMs 5000
   */
  stop(options: { readonly graceMs?: number } = {}): Promise<void> {
    this.#stopped ??= this.#stop(options.graceMs ?? DEFAULT_GRACE_MS).then(this.#finish);
    return this.#stopped;
  }

  async #trace(): Promise<void> {
    const { role } = this;
    const { component } = this.#component;
    const telemetry = await findTelemetry({ role, component, scheme: this.#options.scheme, log: this.#log });
    this.#invoker.telemetry = telemetry;
    this.#producer.telemetry = telemetry;
  }

  /** Earlier ports first. */
  async #consume(): Promise<void> {
    const ranks = inOrder(this.#inports.values());
    for (const [at, rank] of ranks.entries()) {
      const least = at < ranks.length - 1 ? AHEAD : 1;
      const consuming = rank.map(async (inport) => {
        const handler = (delivery: Delivery) => this.#invoker.handle(inport, delivery);
        const prefetch = Math.max(least, inport.prefetch);
        inport.consumer = await this.#client.consume(inport.queue, handler, { prefetch });
      });
      await Promise.all(consuming);
    }
  }

  async #carryOut(wiring: Wiring): Promise<void> {
    await this.#wirer.prepare(wiring);
    const changed = this.#wirer.become(wiring);
    this.#intake.take(wiring.iips);
    this.#begin();
    await changed;
    this.#wired = wiring.hash;
    this.#announcer.announceSoon();
  }

  /** Where no coordinator runs: bindings may be there all the same, so what is sent is tried. */
  async #goOnUnwired(): Promise<void> {
    const { signal } = this.#stopping;
    await delay(this.#options.wiringWaitMs ?? 1000, undefined, { signal }).catch(() => undefined);
    if (this.#begun || signal.aborted) return;
    await Promise.all([...this.#outports.values()].map((outport) => outport.become('unwired', 0)));
    this.#begin();
  }

  #begin(): void {
    if (this.#begun) return;
    this.#begun = true;
    this.#invoker.begin();
    this.#producing = this.#producer.run(this.#invoker.state).catch(this.#fail);
  }

  #surroundings(signal: AbortSignal): Surroundings {
    return { role: this.role, log: this.#log, signal };
  }

  async #stop(graceMs: number): Promise<void> {
    this.#announcer.stop();
    this.#teller.stop();
    this.#stopping.abort(new StoppedError());
    this.#invoker.stop();
    for (const outport of this.#outports.values()) outport.stop();
    const consumers = [...this.#inports.values()].map((inport) => inport.consumer?.cancel());
    const work = Promise.allSettled([...consumers, this.#invoker.idle(), this.#producing]);
    await within(work, graceMs);
    this.#abandoned.abort(new StoppedError());
    this.#ledger.close();
    if (this.#setUp) await this.#tearDown();
    if (this.#client.status === 'open') await within(this.#sayGone(), LEAVE_MS);
    await this.#client.close({ graceMs: Math.min(graceMs, LEAVE_MS) });
  }

  async #sayGone(): Promise<void> {
    try {
      await this.#wiringWatch?.cancel();
      await this.#client.notify({ name: DISCOVERY_NOTICE, body: goneMessageOf(this) });
    } catch (error) {
      this.#log.debug(`could not say that it leaves: ${messageOf(error)}`);
    }
  }

  async #tearDown(): Promise<void> {
    try {
      const surroundings = this.#surroundings(this.#abandoned.signal);
      await this.#component.teardown?.({ ...surroundings, state: this.#invoker.state });
    } catch (error) {
      this.#log.warn(`teardown() failed: ${messageOf(error)}`);
    }
  }
}

function commandLineIips(iips: Readonly<Record<string, unknown>> = {}): { port: PortName; data: unknown }[] {
  return Object.entries(iips).map(([port, data]) => ({ port: asPortName(port), data }));
}
