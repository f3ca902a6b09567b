import { randomUUID } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EmbeddedBroker } from '../../src/embedded/index.js';
import {
  type Component,
  newParticipantId,
  Participant,
  participantClientOptions,
} from '../../src/participant/index.js';
import { silentLogger } from '../../src/support/index.js';
import { builtinTransports } from '../../src/transport/builtin/index.js';
import type { Broker } from '../../src/transport/index.js';
import { sharedMosquitto } from './mosquitto.js';
import { sharedRabbit } from './rabbitmq.js';

/** RabbitMQ, Mosquitto and an embedded broker, and what one spec has open at them. */
export interface ThreeBrokers {
  /** By `AMQP`, `MQTT` and `the embedded broker`; there as soon as specs run. */
  readonly urls: Record<string, string>;
  /** A folder that is removed at the end. */
  readonly dir: string;
  /** Called after the spec, the latest first. */
  readonly stops: (() => Promise<void>)[];
  connect(url: string): Promise<Broker>;
  /** Starts a participant. */
  begin(url: string, role: string, component: Component): Promise<Participant>;
}

/** To be called in a `describe`: starts the brokers before its specs, and clears up after each. */
export function threeBrokers(): ThreeBrokers {
  const urls: Record<string, string> = {};
  const stops: (() => Promise<void>)[] = [];
  const dir = mkdtempSync(join(tmpdir(), 'msgflo-three-'));
  let embedded: EmbeddedBroker;
  before(async function () {
    this.timeout(90_000);
    embedded = await EmbeddedBroker.listen({ dir, log: silentLogger });
    const [rabbit, mosquitto] = await Promise.all([sharedRabbit(), sharedMosquitto()]);
    Object.assign(urls, { AMQP: rabbit.url, MQTT: mosquitto.url, 'the embedded broker': embedded.address });
  });
  afterEach(async () => {
    for (const stop of stops.splice(0).reverse()) await stop();
  });
  after(async () => {
    await embedded.stop();
    await rm(dir, { recursive: true });
  });
  return {
    urls,
    dir,
    stops,
    async connect(url) {
      const broker = await builtinTransports().open(url, { id: `hand-${randomUUID()}` }, silentLogger);
      await broker.connect();
      stops.push(() => broker.close());
      return broker;
    },
    async begin(url, role, component) {
      const id = newParticipantId(role);
      const options = participantClientOptions({ id, role, slot: `${role}.1` });
      const broker = await builtinTransports().open(url, options, silentLogger);
      const one = new Participant(component, { role, id, broker, wiringWaitMs: 50, log: silentLogger });
      stops.push(() => one.stop({ graceMs: 0 }));
      await one.start();
      return one;
    },
  };
}
