import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect, type IClientOptions, MqttClient } from 'mqtt';
import { messageOf } from '../../errors.js';
import { RefusedError } from '../index.js';
import { PacketIds } from './packet-ids.js';
import { PacketStream, type PacketStreamOptions } from './packet-stream.js';
import { checkPublication, type Incoming, type Protocol, type Publication } from './packets.js';
import { connectPlain } from './plain-socket.js';

export type { Incoming, Protocol, Publication } from './packets.js';

export interface SessionOptions {
  readonly address: URL;
  readonly protocol: Protocol;
  readonly clientId: string;
  /** Seconds that the broker keeps the session once we are gone; 0 for none. On protocol 4 anything else is for ever. */
  readonly keptSeconds: number;
  readonly will?: Publication;
  /** The next packet is read when the returned promise resolves. Each message is to be acked, now or later. */
  readonly onMessage: (session: Session, message: Incoming) => Promise<void> | undefined;
  /** Whether reading may pause for a moment just now (see `ReadPace`); absent, it never does. */
  readonly mayPause?: () => boolean;
  /** Once, after it had been open. */
  readonly onEnd: (session: Session, reason: EndReason) => void;
}

/** Who is told that the broker has what was published, or why not. */
export interface Confirmee {
  /** With the reason of the PUBACK. */
  confirmed(reason: number): void;
}

export interface EndReason {
  readonly text: string;
  /** Another client came with our client id. Only protocol 5 tells. */
  readonly takenOver: boolean;
}

/** Why no session came about. `protocol`: this version is refused; `closed`: cut off before any answer. */
export class SessionRefused extends Error {
  readonly kind: 'protocol' | 'closed' | 'refused' | 'unreachable';
  constructor(kind: SessionRefused['kind'], text: string) {
    super(text);
    this.kind = kind;
  }
}

export interface SubscribeOptions {
  readonly qos: 0 | 1;
  readonly subscriptionId?: number;
  /** 0: kept messages are sent at each subscribing, 1: only if the subscription is new. @default 0 */
  readonly retainHandling?: 0 | 1;
}

const KEEPALIVE_SECONDS = 30;
const CONNECT_LIMIT_MS = 10_000;
const END_LIMIT_MS = 1000;
/** Unacknowledged messages that the broker may send. What exceeds the handlers' prefetch waits in memory. */
const RECEIVE_MAXIMUM = 1024;
const TAKEN_OVER = 0x8e;
const WRONG_PROTOCOL: readonly number[] = [1, 0x84];
const REFUSED: readonly number[] = [2, 4, 5, 0x85, 0x86, 0x87, 0x8a, 0x8c];

/**
 * One MQTT session on one stream: it ends with its stream and is never reconnected, so that a PUBACK cannot go out on
 * another stream than its message came on. mqtt.js connects, subscribes and keeps alive; messages and their PUBACKs go
 * past it, through a PacketStream put in place of its stream. That goes beyond its typed surface, and only here.
 */
export class Session {
  readonly protocol: Protocol;
  sessionPresent = false;
  /** PUBLISH packets that the broker takes before it has confirmed one. */
  receiveMaximum = 65_535;
  canShare = true;
  canIdentify: boolean;
  readonly #client: MqttClient;
  readonly #stream: PacketStream;
  readonly #ids: PacketIds;
  readonly #unconfirmed = new Map<number, Confirmee>();
  #maxPacketBytes = Number.POSITIVE_INFINITY;
  #state: 'opening' | 'open' | 'leaving' | 'ended' = 'opening';

  private constructor(options: SessionOptions) {
    const { address, protocol, onMessage, mayPause } = options;
    this.protocol = protocol;
    this.canIdentify = protocol === 5;
    this.#ids = new PacketIds();
    this.#client = createClient(address, clientOptions(options, this.#ids));
    this.#stream = putBetween(this.#client, {
      protocol,
      onPublish: (message) => this.#receive(message, onMessage),
      onPuback: (packetId, reason) => this.#confirm(packetId, reason),
      mayPause: isPlain(address) ? mayPause : undefined,
    });
  }

  /** @throws {SessionRefused} */
  static async open(options: SessionOptions): Promise<Session> {
    const session = new Session(options);
    const client = session.#client;
    client.on('packetreceive', (packet) => {
      if (packet.cmd === 'connack') session.#learn(packet.sessionPresent, packet.properties);
    });
    return new Promise((resolve, reject) => {
      let lastError: Error | undefined;
      let goodbye: number | undefined;
      client.on('error', (error) => {
        lastError = error;
        client.stream.destroy();
      });
      client.on('disconnect', (packet) => {
        goodbye = packet.reasonCode;
      });
      client.on('connect', () => {
        session.#state = 'open';
        resolve(session);
        session.#stream.release();
      });
      client.on('close', () => {
        const wasOpen = session.#state !== 'opening';
        session.#state = 'ended';
        client.end(true);
        if (!wasOpen) return reject(refusal(lastError));
        const text = goodbye === undefined ? (lastError?.message ?? 'connection closed') : `told to leave (${goodbye})`;
        options.onEnd(session, { text, takenOver: goodbye === TAKEN_OVER });
      });
    });
  }

  get isOpen(): boolean {
    return this.#state === 'open';
  }

  /** `confirmee` is told once, or never, when the session ends before. */
  publish(publication: Publication, confirmee: Confirmee): void {
    const messageId = this.#ids.allocate();
    this.#unconfirmed.set(messageId, confirmee);
    this.#stream.publish(publication, messageId);
  }

  /** @throws {RefusedError} for what this broker, or any, would cut the connection at. */
  check(publication: Publication): void {
    checkPublication(publication, this.protocol, this.#maxPacketBytes);
  }

  /** At most once per message, and only while open; afterwards nothing happens. */
  ack(message: Incoming): void {
    if (message.qos > 0 && this.#state === 'open') this.#stream.puback(message.packetId);
  }

  /** Somebody waits for a confirmation. */
  hurry(): void {
    this.#stream.hurry();
  }

  /** Resolves with the SUBACK. @throws {RefusedError} @throws {Error} when the session ends before. */
  async subscribe(filter: string, options: SubscribeOptions): Promise<void> {
    const { qos, subscriptionId, retainHandling: rh = 0 } = options;
    const properties =
      this.canIdentify && subscriptionId ? { properties: { subscriptionIdentifier: subscriptionId } } : {};
    try {
      await this.#client.subscribeAsync(filter, { qos, ...(this.protocol === 5 ? { rh, ...properties } : {}) });
    } catch (error) {
      if (!this.#client.connected) throw error;
      throw new RefusedError(`the broker refuses a subscription to '${filter}': ${messageOf(error)}`, { cause: error });
    }
  }

  async unsubscribe(filter: string): Promise<void> {
    await this.#client.unsubscribeAsync(filter);
  }

  /** Says good-bye to the broker, so that the will is not published. At most a second. */
  async end(): Promise<void> {
    if (this.#state === 'ended') return;
    if (this.#state === 'open') this.#state = 'leaving';
    await new Promise<void>((resolve) => {
      const late = setTimeout(() => this.#client.stream.destroy(), END_LIMIT_MS);
      this.#client.once('close', () => {
        clearTimeout(late);
        resolve();
      });
      this.#client.end(false);
    });
  }

  /** Cuts the connection, as if we had died: the will is published. */
  cut(): void {
    this.#client.stream.destroy();
  }

  #receive(message: Incoming, onMessage: SessionOptions['onMessage']): void {
    const wait = onMessage(this, message);
    if (!wait) return;
    this.#stream.hold();
    // While nothing is read, PINGRESP is not either: show the broker that we live and do not take its silence for death.
    const alive = setInterval(() => {
      if (!this.isOpen) return clearInterval(alive);
      this.#client.sendPing();
      this.#client.reschedulePing(true);
    }, KEEPALIVE_SECONDS * 400);
    alive.unref(); // the stream keeps the process up for as long as there is one
    void wait.finally(() => clearInterval(alive)).then(() => this.#stream.release());
  }

  #learn(sessionPresent: boolean, properties: Record<string, unknown> = {}): void {
    this.sessionPresent = sessionPresent;
    this.receiveMaximum = numberOr(properties['receiveMaximum'], 65_535);
    this.#maxPacketBytes = numberOr(properties['maximumPacketSize'], Number.POSITIVE_INFINITY);
    this.canShare = properties['sharedSubscriptionAvailable'] !== false;
    this.canIdentify &&= properties['subscriptionIdentifiersAvailable'] !== false;
  }

  #confirm(messageId: number, reason: number): void {
    const confirmee = this.#unconfirmed.get(messageId);
    if (!confirmee) return;
    this.#unconfirmed.delete(messageId);
    this.#ids.deallocate(messageId);
    confirmee.confirmed(reason);
  }
}

function clientOptions(options: SessionOptions, messageIdProvider: PacketIds): IClientOptions {
  const { address, protocol, clientId, keptSeconds, will } = options;
  const credentials = {
    ...(address.username ? { username: decodeURIComponent(address.username) } : {}),
    ...(address.password ? { password: decodeURIComponent(address.password) } : {}),
  };
  return {
    ...credentials,
    protocolVersion: protocol,
    clientId,
    clean: keptSeconds === 0,
    manualConnect: true,
    // Otherwise mqtt.js begins by making 65,536 buffers, one for each number: 50 ms and 10 MB.
    writeCache: false,
    keepalive: KEEPALIVE_SECONDS,
    connectTimeout: CONNECT_LIMIT_MS,
    reconnectPeriod: 0,
    resubscribe: false,
    messageIdProvider,
    ...(will ? { will: { topic: will.topic, payload: will.payload, qos: 1, retain: will.retain ?? false } } : {}),
    ...(protocol === 5 ? { properties: { sessionExpiryInterval: keptSeconds, receiveMaximum: RECEIVE_MAXIMUM } } : {}),
  };
}

/** Over a plain socket without `connect`, which loads TLS, WebSocket and proxies whatever the address: 8 ms and 3 MB. */
function createClient(address: URL, options: IClientOptions): MqttClient {
  if (!isPlain(address)) return connect(withoutCredentials(address), options);
  const host = address.hostname.replace(/^\[(.*)\]$/, '$1');
  const port = address.port === '' ? 1883 : Number(address.port);
  return new MqttClient(() => connectPlain(host, port), options);
}

const isPlain = (address: URL): boolean => address.protocol === 'mqtt:';

/** Connects the client with a PacketStream between it and the stream that it makes. */
function putBetween(client: MqttClient, options: Omit<PacketStreamOptions, 'together'>): PacketStream {
  const build: unknown = Reflect.get(client, 'streamBuilder');
  if (typeof build !== 'function') throw new TypeError('this mqtt.js has no streamBuilder: see session.ts');
  let between: PacketStream | undefined;
  Reflect.set(client, 'streamBuilder', () => {
    const stream: unknown = Reflect.apply(build, client, [client]);
    if (!isDuplex(stream)) throw new TypeError('the stream of this mqtt.js is no Duplex: see session.ts');
    setNoDelay(stream);
    // A WebSocket makes a frame of each piece, and Mosquitto 2.0 may stop reading after large ones.
    between = new PacketStream(stream, { ...options, together: stream instanceof Socket });
    return between;
  });
  client.connect();
  if (!between) throw new TypeError('this mqtt.js does not build its stream when it connects: see session.ts');
  return between;
}

/** mqtt.js has streams of its own where there is a WebSocket below. */
function isDuplex(stream: unknown): stream is Duplex {
  return typeof stream === 'object' && stream !== null && 'pause' in stream && 'cork' in stream;
}

function refusal(error: Error | undefined): SessionRefused {
  const code: unknown = error && Reflect.get(error, 'code');
  if (code === 'ECONNRESET') return new SessionRefused('closed', messageOf(error));
  if (typeof code === 'number' && WRONG_PROTOCOL.includes(code))
    return new SessionRefused('protocol', messageOf(error));
  if (typeof code === 'number' && REFUSED.includes(code)) return new SessionRefused('refused', messageOf(error));
  if (error) return new SessionRefused('unreachable', error.message || String(code));
  return new SessionRefused('closed', 'the connection was closed before an answer');
}

function withoutCredentials(address: URL): string {
  const url = new URL(address);
  url.username = '';
  url.password = '';
  return url.href;
}

/** Without it 4 KiB messages wait some 50 ms for Nagle's algorithm. A stream over WebSocket has it set already. */
function setNoDelay(stream: object): void {
  if ('setNoDelay' in stream && typeof stream.setNoDelay === 'function') stream.setNoDelay(true);
}

function numberOr(value: unknown, otherwise: number): number {
  return typeof value === 'number' ? value : otherwise;
}
