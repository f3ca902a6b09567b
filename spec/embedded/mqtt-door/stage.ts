import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { connect as connectTcp, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { connect, type IClientOptions, type IPublishPacket, type MqttClient } from 'mqtt';
import { MqttDoor, type MqttDoorOptions } from '../../../src/embedded/mqtt-door/index.js';
import { type Engine, type EngineMessage, type EngineSession, openMemoryEngine } from '../../../src/engine/index.js';
import { writeHeaders } from '../../../src/log/index.js';
import { asQueueName } from '../../../src/names.js';
import type { Logger } from '../../../src/support/index.js';

export interface Received {
  readonly topic: string;
  readonly text: string;
  readonly qos: number;
  readonly dup: boolean;
  readonly retain: boolean;
}

/** A client of mqtt.js, and what it was given. */
export class Client {
  readonly mqtt: MqttClient;
  readonly received: Received[] = [];

  constructor(mqtt: MqttClient) {
    this.mqtt = mqtt;
    mqtt.on('message', (topic, payload, { qos, dup, retain }: IPublishPacket) =>
      this.received.push({ topic, text: payload.toString(), qos, dup, retain }),
    );
    mqtt.on('error', () => undefined);
  }

  get texts(): readonly string[] {
    return this.received.map(({ text }) => text);
  }

  async gets(count: number): Promise<readonly string[]> {
    await until(() => this.received.length >= count, `${count} messages, got ${this.texts.join()}`);
    return this.texts;
  }

  /** Goes without a word. */
  async die(): Promise<void> {
    const closed = new Promise<void>((done) => this.mqtt.once('close', done));
    this.mqtt.stream.destroy();
    this.mqtt.end(true);
    await closed;
  }
}

/** A door in this process, and the clients that have come to it. */
export class DoorStage {
  readonly said: string[] = [];
  readonly #clients: MqttClient[] = [];
  readonly #sockets: Socket[] = [];
  engine!: Engine;
  door!: MqttDoor;
  /** Of somebody who is no client of MQTT. */
  inside!: EngineSession;

  async start(options: Partial<MqttDoorOptions> = {}, engine?: Engine): Promise<void> {
    const note = (text: string): void => void this.said.push(text);
    const logger: Logger = { debug: () => undefined, info: note, warn: note, warnOnce: (_, text) => note(text) };
    this.engine = engine ?? (await openMemoryEngine({ noticeTopics: ['fbp'] }));
    this.inside = this.engine.open({ id: 'inside' });
    this.door = await MqttDoor.listen(this.engine, { port: 0, logger, ...options });
  }

  get port(): number {
    return Number(new URL(this.door.address).port);
  }

  async connect(options: IClientOptions = {}): Promise<Client> {
    const given: IClientOptions = { clientId: `c-${randomUUID()}`, protocolVersion: 4, reconnectPeriod: 0, ...options };
    const client = new Client(connect(this.door.address, given));
    this.#clients.push(client.mqtt);
    await new Promise<void>((done, fail) => client.mqtt.once('connect', () => done()).once('error', fail));
    return client;
  }

  /** A connection, for whatever bytes. */
  async raw(): Promise<RawClient> {
    const socket = connectTcp(this.port, '127.0.0.1');
    this.#sockets.push(socket);
    await once(socket, 'connect');
    return new RawClient(socket);
  }

  /** What somebody else sends, as a participant over log:// does. */
  send(queue: string, text: string): Promise<string> {
    return new Promise((done) => {
      const output = {
        kind: 'outqueue',
        name: asQueueName(queue),
        headers: writeHeaders({}),
        body: Buffer.from(text),
      } as const;
      this.inside.send(output, ({ state }) => done(state));
    });
  }

  /** All that comes to an inqueue, acknowledged at once unless `holds`. */
  async take(
    queue: string,
    { holds = false, maxLength }: { holds?: boolean; maxLength?: number } = {},
  ): Promise<string[]> {
    const name = asQueueName(queue);
    await this.inside.declare('inqueue', name, { persistent: true, ...(maxLength && { maxLength }) });
    const texts: string[] = [];
    const consumer = this.inside.consume(name, 10, ({ tag, body }: EngineMessage & { tag: number }) => {
      texts.push(body.toString());
      if (!holds) setImmediate(() => consumer.settle(tag, { verdict: 'ack', outputs: [] }, () => undefined));
    });
    return texts;
  }

  async end(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    for (const client of this.#clients) client.end(true);
    await this.door.stop();
    this.inside.end('left');
  }
}

/** Bytes, as they are. */
export class RawClient {
  readonly socket: Socket;
  readonly closed: Promise<unknown>;
  #bytes = Buffer.alloc(0);

  constructor(socket: Socket) {
    this.socket = socket;
    this.closed = once(socket, 'close');
    socket.on('data', (chunk: Buffer) => {
      this.#bytes = Buffer.concat([this.#bytes, chunk]);
    });
    socket.on('error', () => undefined);
  }

  get hex(): string {
    return this.#bytes.toString('hex');
  }

  send(...bytes: (number | string | Buffer)[]): void {
    const parts = bytes.map((part) => (typeof part === 'number' ? Buffer.from([part]) : Buffer.from(part)));
    this.socket.write(Buffer.concat(parts));
  }

  /** A CONNECT as it should be. */
  hello(clientId: string, { clean = true, keepalive = 0 } = {}): void {
    this.send(0x10, 12 + clientId.length, 0, 4, 'MQTT', 4, clean ? 2 : 0, keepalive >> 8, keepalive & 255);
    this.send(clientId.length >> 8, clientId.length & 255, clientId);
  }

  publish(topic: string, text: string, { qos = 0, id = 1, flags = 0 } = {}): void {
    const idBytes = qos > 0 ? Buffer.from([id >> 8, id & 255]) : Buffer.alloc(0);
    const length = 2 + topic.length + idBytes.length + text.length;
    this.send(0x30 | (qos << 1) | flags, length, 0, topic.length, topic, idBytes, text);
  }

  async gets(hex: string): Promise<void> {
    await until(() => this.hex.startsWith(hex), `${hex}, got ${this.hex}`);
  }
}

/** Waits for a condition, 5 s at most. */
export async function until(isSo: () => boolean, wanted: string): Promise<void> {
  const lateMs = performance.now() + 5000;
  while (!isSo()) {
    if (performance.now() > lateMs) throw new Error(`not within 5 s: ${wanted}`);
    await delay(5);
  }
}
