import { randomUUID } from 'node:crypto';
import {
  createWiring,
  type Definition,
  DISCOVERY_NOTICE,
  keyIips,
  type OutportState,
  readAnnouncement,
  type Wiring,
  wiringNotice,
} from '../../src/discovery/index.js';
import { asPortName, asQueueName, asRole } from '../../src/names.js';
import {
  type Component,
  newParticipantId,
  Participant,
  type ParticipantOptions,
  participantClientOptions,
} from '../../src/participant/index.js';
import { type Logger, silentLogger } from '../../src/support/index.js';
import { openDirect } from '../../src/transport/direct/index.js';
import { type Broker, type Client, type Delivery, type Message, TransportRegistry } from '../../src/transport/index.js';

/** Waits until `condition` holds; mocha's timeout bounds it. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 2));
}

/** A logger that keeps its lines. */
export function keepingLogger(): Logger & { readonly lines: string[] } {
  const lines: string[] = [];
  const keep = (text: string): void => void lines.push(text);
  const once = new Set<string>();
  const warnOnce = (key: string, text: string): void => {
    if (!once.has(key)) keep(text);
    once.add(key);
  };
  return { lines, debug() {}, info: keep, warn: keep, warnOnce };
}

/** A broker in process with participants on it, a hand that wires them, and eyes on what they announce. */
export class Network {
  readonly address: string;
  readonly registry: TransportRegistry;
  /** Ours: sends, binds, looks on. */
  readonly hand: Broker;
  readonly announced: Definition[] = [];
  readonly gone: string[] = [];
  readonly #stops: (() => Promise<void>)[] = [];

  private constructor(registry: TransportRegistry, address: string, hand: Broker) {
    this.registry = registry;
    this.address = address;
    this.hand = hand;
  }

  static async open(): Promise<Network> {
    const registry = new TransportRegistry().register(['direct'], openDirect());
    const address = `direct://${randomUUID()}`;
    const network = new Network(registry, address, await registry.open(address, { id: 'hand' }, silentLogger));
    await network.hand.connect();
    await network.hand.watch(DISCOVERY_NOTICE, (body) => {
      const message = readAnnouncement(body);
      if (message.kind === 'participant') network.announced.push(message.definition);
      if (message.kind === 'gone') network.gone.push(message.id);
    });
    return network;
  }

  /** Has `stop` called at the end. */
  own(stop: () => Promise<void>): void {
    this.#stops.push(stop);
  }

  async close(): Promise<void> {
    for (const stop of this.#stops.reverse()) await stop();
    await this.hand.close();
  }

  async create(component: Component, role: string, options: Partial<ParticipantOptions> = {}): Promise<Participant> {
    const id = options.id ?? newParticipantId(role);
    const broker = await this.registry.open(this.address, participantClientOptions({ id, role }), silentLogger);
    const participant = new Participant(component, { role, broker, id, log: silentLogger, ...options });
    this.own(() => participant.stop({ graceMs: 0 }));
    return participant;
  }

  /** Runs a participant that waits for its wiring, as under a keeper, unless told otherwise. */
  async start(component: Component, role: string, options: Partial<ParticipantOptions> = {}): Promise<Participant> {
    const participant = await this.create(component, role, { run: 'r1', ...options });
    await participant.start();
    return participant;
  }

  /** Tells a role its wiring as a coordinator would. */
  async wire(
    role: string,
    outports: Record<string, OutportState> = {},
    iips: readonly (readonly [string, unknown])[] = [],
    more: Partial<Wiring> = {},
  ): Promise<Wiring> {
    const keyed = keyIips(iips.map(([port, data]) => ({ port: asPortName(port), data })));
    const wiring = createWiring({
      role: asRole(role),
      graph: 'g',
      run: 'r1',
      iips: keyed,
      inports: {},
      outports,
      ...more,
    });
    await this.notify(wiringNotice(asRole(role)), JSON.stringify(wiring), true);
    return wiring;
  }

  async notify(name: string, body: string, retain = false): Promise<void> {
    await this.hand.notify({ name, body: Buffer.from(body), retain });
  }

  /** Collects what is sent to an outqueue, through an inqueue of our own. */
  async collect(outqueue: string): Promise<Delivery[]> {
    const got: Delivery[] = [];
    const inqueue = asQueueName(`collect-${randomUUID()}`);
    await this.hand.declare('outqueue', asQueueName(outqueue));
    await this.hand.declare('inqueue', inqueue);
    await this.hand.bind({ kind: 'pubsub', source: asQueueName(outqueue), target: inqueue });
    await this.hand.consume(inqueue, async (delivery) => {
      got.push(delivery);
      return { verdict: 'ack', outputs: [] };
    });
    return got;
  }

  async send(inqueue: string, data: unknown, headers?: Message['headers']): Promise<void> {
    await this.hand.send('inqueue', asQueueName(inqueue), headers ? { data, headers } : { data });
  }

  async ready(queue: string): Promise<number> {
    const [row] = await this.hand.depths([asQueueName(queue)]);
    return row?.ready ?? 0;
  }

  /** The last announcement of a role. */
  last(role: string): Definition | undefined {
    return this.announced.findLast((definition) => definition.role === role);
  }
}

export const dataOf = (deliveries: readonly Delivery[]): unknown[] => deliveries.map(({ data }) => data);

/** A client of a broker that cannot bind: consumers are told what to listen to, and `listened` is what they were told. */
export function withoutBindings(broker: Client, listened: Map<string, readonly string[]>): Client {
  return {
    capabilities: { ...broker.capabilities, binds: false },
    get status() {
      return broker.status;
    },
    connect: (options) => broker.connect(options),
    close: (options) => broker.close(options),
    declare: (kind, name, options) => broker.declare(kind, name, options),
    send: (kind, name, message, options) => broker.send(kind, name, message, options),
    flowTo: (outqueue, inqueues) => broker.flowTo(outqueue, inqueues),
    notify: (notice) => broker.notify(notice),
    watch: (name, handler) => broker.watch(name, handler),
    async consume(inqueue, handler, options) {
      const consumer = await broker.consume(inqueue, handler, options);
      return {
        cancel: () => consumer.cancel(),
        async listenTo(sources) {
          listened.set(inqueue, sources);
        },
      };
    },
  };
}

/** Holds up what passes while it is closed. */
export class Gate {
  waiting = 0;
  #opened: Promise<void> = Promise.resolve();
  #open: () => void = () => undefined;

  close(): void {
    this.#opened = new Promise((resolve) => {
      this.#open = resolve;
    });
  }

  open(): void {
    this.#open();
  }

  async pass(): Promise<void> {
    this.waiting += 1;
    await this.#opened;
    this.waiting -= 1;
  }
}

/** A client of a broker that is slow: what is sent to it, alone or with a settlement, waits at the gate. */
export function gated(broker: Client, gate: Gate): Client {
  return {
    capabilities: broker.capabilities,
    get status() {
      return broker.status;
    },
    connect: (options) => broker.connect(options),
    close: (options) => broker.close(options),
    declare: (kind, name, options) => broker.declare(kind, name, options),
    async send(kind, name, message, options) {
      await gate.pass();
      await broker.send(kind, name, message, options);
    },
    flowTo: (outqueue, inqueues) => broker.flowTo(outqueue, inqueues),
    notify: (notice) => broker.notify(notice),
    watch: (name, handler) => broker.watch(name, handler),
    consume: (inqueue, handler, options) =>
      broker.consume(
        inqueue,
        async (delivery) => {
          const settlement = await handler(delivery);
          await gate.pass();
          return settlement;
        },
        options,
      ),
  };
}
