import { connect, type IClientOptions, type IPublishPacket, type MqttClient } from 'mqtt';
import { messageOf } from '../../errors.js';
import { RefusedError } from '../index.js';
import { PacketIds } from './packet-ids.js';

export type Protocol = 4 | 5;

/** What is published, at QoS 1. */
export interface Publication {
  readonly topic: string;
  readonly payload: Buffer;
  readonly retain?: boolean;
  /** Dropped on protocol 4, as is the next. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly expirySeconds?: number;
}

/** What arrived. */
export interface Incoming {
  readonly topic: string;
  readonly payload: Buffer;
  readonly qos: 0 | 1;
  readonly dup: boolean;
  /** True only for what the broker had kept when we subscribed. */
  readonly retain: boolean;
  readonly headers: Readonly<Record<string, string>>;
  /** Of the subscriptions that it came by; empty on protocol 4. */
  readonly subscriptionIds: readonly number[];
  /** 0 at QoS 0. */
  readonly packetId: number;
}

export interface SessionOptions {
  readonly address: URL;
  readonly protocol: Protocol;
  readonly clientId: string;
  /** Seconds that the broker keeps the session once we are gone; 0 for none. On protocol 4 anything else is for ever. */
  readonly keptSeconds: number;
  readonly will?: Publication;
  /** The next packet is read when the returned promise resolves. Each message is to be acked, now or later. */
  readonly onMessage: (session: Session, message: Incoming) => Promise<void> | undefined;
  /** Once, after it had been open. */
  readonly onEnd: (session: Session, reason: EndReason) => void;
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
const MAX_PAYLOAD_BYTES = 200 * 1024 * 1024;
const TAKEN_OVER = 0x8e;
const WRONG_PROTOCOL: readonly number[] = [1, 0x84];
const REFUSED: readonly number[] = [2, 4, 5, 0x85, 0x86, 0x87, 0x8a, 0x8c];
/** mqtt.js sends no PUBACK for a message whose handling ended with an error; ours follow later. */
const ACKED_LATER = new Error('acknowledged later');

/**
 * One MQTT session on one stream: it ends with its stream and is never reconnected, so that a PUBACK cannot go out on
 * another stream than its message came on. All that goes beyond the typed surface of mqtt.js is in this file: the
 * overridden `handleMessage` (several unacknowledged messages at once), and `_sendPacket` (our own PUBACKs, and PUBLISH
 * without mqtt.js' store, whose reason codes only the event `packetreceive` tells).
 */
export class Session {
  readonly protocol: Protocol;
  sessionPresent = false;
  /** PUBLISH packets that the broker takes before it has confirmed one. */
  receiveMaximum = 65_535;
  canShare = true;
  canIdentify: boolean;
  readonly #client: MqttClient;
  readonly #send: (packet: object) => void;
  readonly #ids: PacketIds;
  readonly #unconfirmed = new Map<number, (reason: number) => void>();
  #maxPacketBytes = Number.POSITIVE_INFINITY;
  #state: 'opening' | 'open' | 'ended' = 'opening';
  #isCorked = false;

  private constructor(client: MqttClient, ids: PacketIds, protocol: Protocol) {
    this.#client = client;
    this.#ids = ids;
    this.protocol = protocol;
    this.canIdentify = protocol === 5;
    const send: unknown = Reflect.get(client, '_sendPacket');
    if (typeof send !== 'function') throw new TypeError('this mqtt.js has no _sendPacket: see session.ts');
    this.#send = (packet) => {
      this.#writeTogether();
      Reflect.apply(send, client, [packet, undefined, undefined, true]);
    };
  }

  /** @throws {SessionRefused} */
  static async open(options: SessionOptions): Promise<Session> {
    const ids = new PacketIds();
    const client = connect(withoutCredentials(options.address), clientOptions(options, ids));
    const session = new Session(client, ids, options.protocol);
    setNoDelay(client.stream);
    client.handleMessage = (packet, done) => session.#receive(packet, done, options.onMessage);
    client.on('packetreceive', (packet) => {
      if (packet.cmd === 'connack') session.#learn(packet.sessionPresent, packet.properties);
      else if (packet.cmd === 'puback') session.#confirm(packet.messageId ?? 0, packet.reasonCode ?? 0);
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
      });
      client.on('close', () => {
        const wasOpen = session.#state === 'open';
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

  /** `confirmed` is called with the PUBACK's reason, or never, when the session ends before. */
  publish(publication: Publication, confirmed: (reason: number) => void): void {
    const messageId = this.#ids.allocate();
    this.#unconfirmed.set(messageId, confirmed);
    const { topic, payload, retain = false } = publication;
    const packet = { cmd: 'publish', topic, payload, qos: 1, retain, dup: false, messageId };
    this.#send(this.protocol === 5 ? { ...packet, properties: propertiesOf(publication) } : packet);
  }

  /** @throws {RefusedError} for what this broker, or any, would cut the connection at. */
  check({ topic, payload, headers = {} }: Publication): void {
    let bytes = payload.length + Buffer.byteLength(topic) + 64;
    if (topic === '' || Buffer.byteLength(topic) > 65_535)
      throw new RefusedError(`'${topic.slice(0, 60)}' is no topic`);
    for (const [key, value] of this.protocol === 5 ? Object.entries(headers) : []) {
      const longest = Math.max(Buffer.byteLength(key), Buffer.byteLength(value));
      if (longest > 65_535) throw new RefusedError(`header '${key.slice(0, 60)}' has ${longest} bytes, at most 65535`);
      bytes += 5 + Buffer.byteLength(key) + Buffer.byteLength(value);
    }
    const most = Math.min(this.#maxPacketBytes, MAX_PAYLOAD_BYTES);
    if (bytes > most) throw new RefusedError(`a message of ${bytes} bytes for '${topic}', the broker takes ${most}`);
  }

  /** At most once per message, and only while open; afterwards nothing happens. */
  ack(message: Incoming): void {
    if (message.qos === 0 || !this.#client.connected) return;
    this.#send({ cmd: 'puback', messageId: message.packetId, reasonCode: 0 });
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

  /** mqtt.js writes packet by packet, a system call each: what is sent in one turn of the event loop leaves as one. */
  #writeTogether(): void {
    if (this.#isCorked) return;
    const { stream } = this.#client;
    this.#isCorked = true;
    stream.cork();
    setImmediate(() => {
      this.#isCorked = false;
      stream.uncork();
    });
  }

  #receive(packet: IPublishPacket, done: (error?: Error) => void, onMessage: SessionOptions['onMessage']): void {
    const wait = onMessage(this, incomingOf(packet));
    const next = (): void => done(packet.qos === 1 ? ACKED_LATER : undefined);
    if (!wait) {
      next();
      return;
    }
    // While nothing is read, PINGRESP is not either: show the broker that we live and do not take its silence for death.
    const alive = setInterval(() => {
      if (!this.isOpen) return clearInterval(alive);
      this.#client.sendPing();
      this.#client.reschedulePing(true);
    }, KEEPALIVE_SECONDS * 400);
    alive.unref(); // the stream keeps the process up for as long as there is one
    void wait.finally(() => clearInterval(alive)).then(next);
  }

  #learn(sessionPresent: boolean, properties: Record<string, unknown> = {}): void {
    this.sessionPresent = sessionPresent;
    this.receiveMaximum = numberOr(properties['receiveMaximum'], 65_535);
    this.#maxPacketBytes = numberOr(properties['maximumPacketSize'], Number.POSITIVE_INFINITY);
    this.canShare = properties['sharedSubscriptionAvailable'] !== false;
    this.canIdentify &&= properties['subscriptionIdentifiersAvailable'] !== false;
  }

  #confirm(messageId: number, reason: number): void {
    const confirmed = this.#unconfirmed.get(messageId);
    if (!confirmed) return;
    this.#unconfirmed.delete(messageId);
    this.#ids.deallocate(messageId);
    confirmed(reason);
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
    keepalive: KEEPALIVE_SECONDS,
    connectTimeout: CONNECT_LIMIT_MS,
    reconnectPeriod: 0,
    resubscribe: false,
    messageIdProvider,
    ...(will ? { will: { topic: will.topic, payload: will.payload, qos: 1, retain: will.retain ?? false } } : {}),
    ...(protocol === 5 ? { properties: { sessionExpiryInterval: keptSeconds, receiveMaximum: RECEIVE_MAXIMUM } } : {}),
  };
}

function propertiesOf({ headers = {}, expirySeconds }: Publication): object {
  const { 'content-type': contentType, ...userProperties } = headers;
  return {
    ...(Object.keys(userProperties).length > 0 ? { userProperties } : {}),
    ...(contentType === undefined ? {} : { contentType }),
    ...(expirySeconds === undefined ? {} : { messageExpiryInterval: expirySeconds }),
  };
}

function incomingOf(packet: IPublishPacket): Incoming {
  const { topic, payload, qos, dup, retain, messageId = 0, properties = {} } = packet;
  const ids = properties.subscriptionIdentifier ?? [];
  return {
    topic,
    payload: Buffer.isBuffer(payload) ? payload : Buffer.from(payload),
    qos: qos === 0 ? 0 : 1,
    dup,
    retain,
    headers: headersOf(properties.contentType, properties.userProperties),
    subscriptionIds: Array.isArray(ids) ? ids : [ids],
    packetId: messageId,
  };
}

/** Of a user property that is there more than once, the first counts. */
function headersOf(contentType: string | undefined, userProperties: object = {}): Record<string, string> {
  const headers: Record<string, string> = contentType === undefined ? {} : { 'content-type': contentType };
  for (const [key, value] of Object.entries(userProperties))
    headers[key] = String(Array.isArray(value) ? value[0] : value);
  return headers;
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
