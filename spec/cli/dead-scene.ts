import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dead } from '../../src/cli/dead.js';
import { EmbeddedBroker } from '../../src/embedded/index.js';
import { asQueueName, type QueueName } from '../../src/names.js';
import {
  type Component,
  newParticipantId,
  Participant,
  participantClientOptions,
} from '../../src/participant/index.js';
import { silentLogger } from '../../src/support/index.js';
import { builtinTransports } from '../../src/transport/builtin/index.js';
import type { Broker, Delivery, KeptLetter, Message, QueueOptions } from '../../src/transport/index.js';
import { until } from '../participant/network.js';
import { sharedMosquitto } from '../support/mosquitto.js';
import { sharedRabbit } from '../support/rabbitmq.js';
import { unique } from './run-executable.js';
import { type InProcess, startInProcess } from './run-in-process.js';

export const BROKERS = ['AMQP', 'MQTT', 'the embedded broker'] as const;

/** How `msgflo-dead` went. */
export interface Looked {
  readonly code: number;
  readonly lines: readonly string[];
  readonly logged: readonly string[];
  readonly complaint: string;
}

/** Brokers with dead letters, and `msgflo-dead` to be run on them, with a folder for its journal. */
export class DeadScene {
  readonly dir: string;
  readonly urls: Readonly<Record<string, string>>;
  readonly #embedded: EmbeddedBroker;
  readonly #stops: (() => Promise<void>)[] = [];

  private constructor(dir: string, embedded: EmbeddedBroker, urls: Readonly<Record<string, string>>) {
    this.dir = dir;
    this.#embedded = embedded;
    this.urls = urls;
  }

  /** @param withServers false: the embedded broker alone */
  static async open(withServers = true): Promise<DeadScene> {
    const dir = await mkdtemp(join(tmpdir(), 'msgflo-dead-'));
    const embedded = await EmbeddedBroker.listen({ dir, log: silentLogger });
    const urls: Record<string, string> = { 'the embedded broker': embedded.address };
    if (withServers) {
      const [rabbit, mosquitto] = await Promise.all([sharedRabbit(), sharedMosquitto()]);
      Object.assign(urls, { AMQP: rabbit.url, MQTT: mosquitto.url });
    }
    return new DeadScene(dir, embedded, urls);
  }

  /** What a spec began. */
  async clean(): Promise<void> {
    for (const stop of this.#stops.splice(0).reverse()) await stop();
  }

  async close(): Promise<void> {
    await this.clean();
    await this.#embedded.stop();
    await rm(this.dir, { recursive: true });
  }

  url(name: string): string {
    return this.urls[name] ?? '';
  }

  async client(url: string): Promise<Broker> {
    const broker = await builtinTransports().open(url, { id: unique('hand-') }, silentLogger);
    await broker.connect();
    this.#stops.push(() => broker.close());
    return broker;
  }

  /** Runs a participant. */
  async begin(url: string, role: string, component: Component): Promise<Participant> {
    const id = newParticipantId(role);
    const broker = await builtinTransports().open(url, participantClientOptions({ id, role }), silentLogger);
    const one = new Participant(component, { role, id, broker, wiringWaitMs: 50, log: silentLogger });
    this.#stops.push(() => one.stop({ graceMs: 0 }));
    await one.start();
    return one;
  }

  /** An inqueue of which all these messages have died, of what `reasonOf` says. */
  async died(
    broker: Broker,
    messages: readonly Message[],
    reasonOf: (delivery: Delivery) => string = () => 'it is broken',
    options: QueueOptions = {},
  ): Promise<QueueName> {
    const queue = asQueueName(unique('q'));
    await broker.declare('inqueue', queue, options);
    const dying = async (delivery: Delivery) => ({ verdict: { deadLetter: reasonOf(delivery) }, outputs: [] });
    const consumer = await broker.consume(queue, dying, { prefetch: 50 });
    for (const message of messages) await broker.send('inqueue', queue, message, { mandatory: true });
    await until(async () => (await lettersOf(broker, queue)).length === messages.length);
    await consumer.cancel();
    return queue;
  }

  /** `msgflo-dead` with these arguments. */
  run(url: string, args: readonly string[]): InProcess {
    return startInProcess(dead, [...args, '--broker', url, '--wait', '0.5'], { cwd: this.dir });
  }

  async look(url: string, ...args: readonly string[]): Promise<Looked> {
    const one = this.run(url, args);
    const code = await one.ended;
    return { code, lines: one.printed, logged: one.logged, complaint: one.complaint() };
  }
}

/** Those that are kept, oldest first. */
export async function lettersOf(broker: Broker, queue: QueueName): Promise<readonly KeptLetter[]> {
  const letters: KeptLetter[] = [];
  await broker.visitDeadLetters(queue, async (letter) => {
    letters.push(letter);
    return 'keep';
  });
  return letters;
}

/** Takes what comes to an inqueue. */
export async function taken(broker: Broker, queue: QueueName): Promise<readonly Delivery[]> {
  const all: Delivery[] = [];
  await broker.consume(
    queue,
    async (delivery) => {
      all.push(delivery);
      return { verdict: 'ack', outputs: [] };
    },
    { prefetch: 50 },
  );
  return all;
}
