import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import type { Engine, EngineSession } from '../../engine/index.js';
import { MsgfloError } from '../../errors.js';
import { type Logger, within } from '../../support/index.js';
import { refusalOf } from './admission.js';
import type { ClientSession } from './client-session.js';
import { MqttConnection, type Service, type Welcome } from './connection.js';
import { Deliveries } from './deliveries.js';
import { MqttClientError } from './errors.js';
import { checkTopic, Intake } from './intake.js';
import type { ConnectPacket, Publication } from './packets.js';
import { Publisher } from './publisher.js';
import { RetainedTopics } from './retained-topics.js';
import { SessionBook } from './session-book.js';
import { Subscriptions } from './subscriptions.js';
import { WaitingGuard } from './waiting-guard.js';

const MIB = 1024 * 1024;
const DAY_MS = 24 * 60 * 60 * 1000;
const SILENCE_CHECK_MS = 500;
/** What is in hand when the door is closed is waited for so long. */
const STOP_LIMIT_MS = 5000;

export interface MqttDoorOptions {
  /** @default 127.0.0.1 */
  readonly host?: string;
  /** 0: any that is free. @default 1883 */
  readonly port?: number;
  /** The password of user `msgflo`, whom only it lets in. @default whoever can connect is let in */
  readonly token?: string;
  readonly logger: Logger;
  /** Messages on their way to one client that it has not acknowledged. @default 20 */
  readonly prefetch?: number;
  /** @default 32 MiB */
  readonly maxPacketBytes?: number;
  /** Connections at once. @default 10_000 */
  readonly maxClients?: number;
  /** Topics with a retained message. @default 100_000 */
  readonly maxRetained?: number;
  /** Messages that wait for a session that takes none; the oldest go then. @default 1_000_000 */
  readonly maxWaiting?: number;
  /** A client that is connected and settles nothing for so long takes none. @default 60_000 */
  readonly stallMs?: number;
  /** A session that nobody uses for so long is forgotten. @default 30 days */
  readonly sessionExpiryMs?: number;
}

export interface MqttDoorCounters {
  readonly connections: number;
  /** Connections that were ended because of what came, or did not come, over them. */
  readonly refused: number;
  /** Sessions that outlive their connections. */
  readonly sessions: number;
  /** Messages dropped since their session took none. */
  readonly dropped: number;
  /** Sessions forgotten since nobody used them. */
  readonly expired: number;
}

/**
 * MQTT 3.1.1 for the queues of an engine. A message to topic T goes where one to the outqueue T goes, and is acknowledged
 * when the engine has it; a client is given what comes to the queues that its filters take.
 */
export class MqttDoor {
  /** Where clients connect: `mqtt://host:port`, without the password. */
  readonly address: string;
  readonly #options: Required<Pick<MqttDoorOptions, 'prefetch' | 'maxPacketBytes' | 'maxClients'>> & MqttDoorOptions;
  readonly #engine: Engine;
  readonly #server: Server;
  /** What the door itself does. */
  readonly #session: EngineSession;
  readonly #book: SessionBook;
  readonly #retained: RetainedTopics;
  readonly #publisher: Publisher;
  readonly #guard: WaitingGuard;
  readonly #silence: NodeJS.Timeout;
  readonly #connections = new Set<MqttConnection>();
  readonly #byClientId = new Map<string, MqttConnection>();
  readonly #connected = new Map<string, ClientSession>();
  /** Who comes with the same id waits until the one before has its answer. */
  readonly #lanes = new Map<string, Promise<unknown>>();
  /** Sessions whose clients have left, and whose last messages are not safe yet. */
  readonly #leaving = new Set<Promise<void>>();
  #refused = 0;
  #isStopping = false;

  private constructor(engine: Engine, options: MqttDoorOptions, server: Server) {
    const { logger: log, maxRetained = 100_000 } = options;
    const { prefetch = 20, maxPacketBytes = 32 * MIB, maxClients = 10_000 } = options;
    const { maxWaiting = 1_000_000, stallMs = 60_000, sessionExpiryMs = 30 * DAY_MS } = options;
    this.#options = { ...options, prefetch, maxPacketBytes, maxClients };
    this.#engine = engine;
    this.#server = server;
    const bound = server.address();
    if (typeof bound !== 'object' || !bound) throw new MqttClientError('there is no port');
    this.address = `mqtt://${bound.family === 'IPv6' ? `[${bound.address}]` : bound.address}:${bound.port}`;
    const session = engine.open({ id: 'mqtt-door' });
    const book = new SessionBook(engine, session);
    this.#session = session;
    this.#book = book;
    this.#retained = new RetainedTopics(engine, session, maxRetained);
    this.#publisher = new Publisher(engine, this.#retained, log);
    const limits = { maxWaiting, stallMs, expiryMs: sessionExpiryMs };
    const connected = (): ReadonlyMap<string, ClientSession> => this.#connected;
    const expire = (clientId: string): Promise<boolean> => this.#inLane(clientId, () => this.#expire(clientId));
    this.#guard = new WaitingGuard({ engine, book, log, ...limits, connected, expire });
    let lastMs = performance.now();
    this.#silence = setInterval(() => {
      const nowMs = performance.now();
      // When this process was held up itself, what clients have sent may not be read yet.
      const isLate = nowMs - lastMs > 2 * SILENCE_CHECK_MS;
      lastMs = nowMs;
      if (isLate) return;
      for (const connection of this.#connections) connection.checkSilence(nowMs);
    }, SILENCE_CHECK_MS);
    this.#silence.unref();
  }

  /** Resolves when clients can connect. Rejects where it cannot listen there. */
  static async listen(engine: Engine, options: MqttDoorOptions): Promise<MqttDoor> {
    // What a client has sent before it hung up is still carried out.
    const server = createServer({ noDelay: true, allowHalfOpen: true, keepAlive: true });
    server.listen(options.port ?? 1883, options.host ?? '127.0.0.1');
    await once(server, 'listening');
    const door = new MqttDoor(engine, options, server);
    server.on('connection', (socket) => door.#accept(socket));
    return door;
  }

  get counters(): MqttDoorCounters {
    const { dropped, expired } = this.#guard;
    return { connections: this.#connections.size, refused: this.#refused, sessions: this.#book.size, dropped, expired };
  }

  /**
   * Takes nothing more, finishes and answers what is in hand (5 s at most), and ends all connections; their wills are not
   * told, since their clients live. Idempotent.
   */
  async stop(): Promise<void> {
    if (this.#isStopping) return;
    this.#isStopping = true;
    const closed = new Promise<void>((done) => this.#server.close(() => done()));
    clearInterval(this.#silence);
    const idle = [...this.#connections].map((connection) => connection.quiesce());
    await within(Promise.all([...idle, ...this.#leaving]), STOP_LIMIT_MS);
    for (const connection of [...this.#connections]) connection.end();
    await this.#guard.stop();
    await Promise.all([this.#book.settled(), this.#retained.settled()]);
    this.#session.end('left');
    await closed;
  }

  #accept(socket: Socket): void {
    if (this.#isStopping || this.#connections.size >= this.#options.maxClients) {
      socket.destroy();
      this.#refused += 1;
      this.#options.logger.warnOnce('mqtt-full', `mqtt: more than ${this.#options.maxClients} clients want to connect`);
      return;
    }
    const connection: MqttConnection = new MqttConnection(socket, {
      maxPacketBytes: this.#options.maxPacketBytes,
      welcome: (packet) => this.#welcome(packet, connection),
      onLeave: (service, hasLeft) => this.#leave(connection, service, hasLeft),
      onClose: (reason) => {
        this.#connections.delete(connection);
        if (!reason || this.#isStopping) return;
        this.#refused += 1;
        const { message } = reason;
        this.#options.logger.warnOnce(
          `mqtt ${message}`,
          `mqtt: ended the connection of ${connection.origin}: ${message}`,
        );
      },
    });
    this.#connections.add(connection);
  }

  async #welcome(packet: ConnectPacket, connection: MqttConnection): Promise<Welcome> {
    const { clientId, will } = packet;
    const refusal = refusalOf(packet, this.#options.token);
    if (refusal) return refusal;
    if (will) checkTopic(will.topic);
    const id = clientId || `auto-${randomUUID()}`;
    return await this.#inLane(id, () => this.#serve(id, packet, connection));
  }

  async #serve(id: string, { clean, will }: ConnectPacket, connection: MqttConnection): Promise<Service> {
    this.#byClientId.get(id)?.end(new MqttClientError('another one has come with the same client id'));
    const { client, wasThere } = await this.#book.begin(id, clean);
    const { outbox } = connection;
    const session = this.#engine.open({ id });
    const intake = new Intake({
      engine: this.#engine,
      client,
      session,
      lasting: this.#session,
      publisher: this.#publisher,
      outbox,
      onProgress: () => connection.work(),
      onRefused: (reason) => connection.end(reason),
    });
    const deliveries = new Deliveries({ client, session, outbox, prefetch: this.#options.prefetch });
    const [engine, retained, log] = [this.#engine, this.#retained, this.#options.logger];
    const remember = (): Promise<void> => this.#book.remember(client);
    const subscriptions = new Subscriptions({ engine, session, client, deliveries, retained, outbox, log, remember });
    client.progressMs = performance.now();
    this.#byClientId.set(id, connection);
    this.#connected.set(id, client);
    return { client, session, intake, deliveries, subscriptions, will, wasThere };
  }

  #leave(connection: MqttConnection, service: Service, hasLeft: boolean): void {
    const { client, session, intake, deliveries, subscriptions, will } = service;
    if (this.#byClientId.get(client.clientId) === connection) {
      this.#byClientId.delete(client.clientId);
      this.#connected.delete(client.clientId);
    }
    subscriptions.end();
    deliveries.end();
    const end = (how: 'left' | 'died'): void => {
      session.end(how);
      this.#book.leave(client).catch((error: unknown) => this.#failed(error));
    };
    if (!hasLeft) {
      end('died');
      if (will && !this.#isStopping) this.#publishWill(will);
      return;
    }
    const left = new Promise<void>((done) => intake.whenEmpty(done)).then(() => {
      end('left');
      this.#leaving.delete(left);
    });
    this.#leaving.add(left);
  }

  #publishWill(will: Publication): void {
    this.#publisher.publish(this.#session, will, () => undefined);
  }

  async #expire(clientId: string): Promise<boolean> {
    if (this.#connected.has(clientId)) return false;
    await this.#book.forget(clientId);
    return true;
  }

  async #inLane<T>(clientId: string, work: () => Promise<T>): Promise<T> {
    const before = this.#lanes.get(clientId);
    const mine = before ? before.then(work, work) : work();
    this.#lanes.set(clientId, mine);
    try {
      return await mine;
    } finally {
      if (this.#lanes.get(clientId) === mine) this.#lanes.delete(clientId);
    }
  }

  #failed(error: unknown): void {
    const text = error instanceof MsgfloError ? error.message : String(error);
    this.#options.logger.warn(`mqtt: a session could not be noted down: ${text}`);
  }
}
