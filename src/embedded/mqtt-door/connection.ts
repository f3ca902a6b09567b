import type { Socket } from 'node:net';
import type { EngineSession } from '../../engine/index.js';
import { MsgfloError } from '../../errors.js';
import type { ClientSession } from './client-session.js';
import type { Deliveries } from './deliveries.js';
import { MqttClientError } from './errors.js';
import type { Intake } from './intake.js';
import { Outbox } from './outbox.js';
import { PacketCutter } from './packet-cutter.js';
import type { ClientPacket, ConnectPacket, Publication } from './packets.js';
import { readPacket } from './read-packet.js';
import type { Subscriptions } from './subscriptions.js';
import { CONNACK_FOR_5, type ConnectCode, connack, PINGRESP } from './write-packet.js';

/** The first byte of that packet. */
const CONNECT = 0x10;
const CONNECT_LIMIT_MS = 10_000;
/** Who does not read what was sent last within this time does not get it. */
const FAREWELL_LIMIT_MS = 2000;
/** Before we know who it is. */
const MAX_CONNECT_BYTES = 256 * 1024;
/** Beyond so much that a client has not read of notices, which nothing holds back, it is cut off. */
const MAX_UNREAD_BYTES = 64 * 1024 * 1024;

/** All that serves a client once it is welcome. */
export interface Service {
  readonly client: ClientSession;
  readonly session: EngineSession;
  readonly intake: Intake;
  readonly deliveries: Deliveries;
  readonly subscriptions: Subscriptions;
  readonly will: Publication | undefined;
  readonly wasThere: boolean;
}

export interface Refusal {
  readonly refusal: ConnectCode;
  readonly reason: string;
}

export type Welcome = Service | Refusal;

export interface ConnectionOptions {
  readonly maxPacketBytes: number;
  /** Never rejects for what a client says. */
  welcome(packet: ConnectPacket, connection: MqttConnection): Promise<Welcome>;
  /** Once, for each service that there was. `hasLeft`: the client said goodbye. */
  onLeave(service: Service, hasLeft: boolean): void;
  /** Once. `reason`: why we ended it, if we did. */
  onClose(reason: Error | undefined): void;
}

/** One connection: reads packets, each after the one before is carried out or under way, and answers. */
export class MqttConnection {
  readonly outbox: Outbox;
  /** Address and port of the other side. */
  readonly origin: string;
  readonly #socket: Socket;
  readonly #options: ConnectionOptions;
  readonly #cutter = new PacketCutter(MAX_CONNECT_BYTES);
  readonly #connectLimit: NodeJS.Timeout;
  #service: Service | undefined;
  #isConnecting = false;
  /** A request is carried out on which those behind it may count. */
  #isBusy = false;
  #isQuiet = false;
  #isWorking = false;
  #inputHasEnded = false;
  #hasLeft = false;
  #isOver = false;
  #reason: Error | undefined;
  #silenceLimitMs = 0;
  #heardMs = performance.now();

  constructor(socket: Socket, options: ConnectionOptions) {
    this.#socket = socket;
    this.#options = options;
    this.outbox = new Outbox(socket);
    this.origin = `${socket.remoteAddress ?? '?'}:${socket.remotePort ?? '?'}`;
    this.#connectLimit = setTimeout(() => this.end(new MqttClientError('no CONNECT in time')), CONNECT_LIMIT_MS);
    socket.on('data', (chunk: Buffer) => {
      this.#heardMs = performance.now();
      const isStranger = !this.#isConnecting && this.#cutter.isEmpty && chunk[0] !== CONNECT;
      if (isStranger) this.end(new MqttClientError('the first packet must be CONNECT'));
      this.#cutter.push(chunk);
      this.work();
    });
    socket.on('end', () => {
      this.#inputHasEnded = true;
      this.work();
    });
    socket.on('drain', () => this.work());
    socket.on('error', () => undefined);
    socket.on('close', () => this.#close());
  }

  /** Ends those of whom nothing was heard for one and a half of their keep-alive [MQTT-3.1.2-24]. */
  checkSilence(nowMs: number): void {
    // Whom we do not listen to cannot be heard; of one that does not read we would not hear anything else.
    if (this.#socket.isPaused() && !this.outbox.isFull) this.#heardMs = nowMs;
    else if (this.#silenceLimitMs > 0 && nowMs - this.#heardMs > this.#silenceLimitMs)
      this.end(new MqttClientError('nothing was heard of it for longer than its keep-alive allows'));
    if (this.outbox.waitingBytes > MAX_UNREAD_BYTES) this.end(new MqttClientError('it does not read'));
  }

  /** Reads nothing more. Resolves when what is under way is safe. */
  async quiesce(): Promise<void> {
    this.#isQuiet = true;
    this.#socket.pause();
    const intake = this.#service?.intake;
    if (intake) await new Promise<void>((done) => intake.whenEmpty(done));
  }

  /** @param reason when it is not of its own will */
  end(reason?: Error): void {
    if (this.#isOver) return;
    this.#reason ??= reason;
    this.outbox.flush();
    this.#socket.destroySoon();
    const limit = setTimeout(() => this.#socket.destroy(), FAREWELL_LIMIT_MS);
    this.#socket.once('close', () => clearTimeout(limit));
    this.#close();
  }

  /** Takes packets while there is room for them. To be called when there may be. */
  work(): void {
    if (this.#isWorking || this.#isOver) return;
    this.#isWorking = true;
    try {
      while (!this.#isOver && !this.#isHeld) {
        const raw = this.#cutter.next();
        if (!raw) break;
        this.#take(readPacket(raw.head, raw.body));
      }
    } catch (error) {
      this.end(error instanceof Error ? error : new MqttClientError(String(error)));
    } finally {
      this.#isWorking = false;
    }
    if (this.#isOver) return;
    if (this.#isHeld) this.#socket.pause();
    else if (this.#inputHasEnded) this.end();
    else if (this.#socket.isPaused()) {
      this.#heardMs = performance.now();
      this.#socket.resume();
    }
  }

  get #isHeld(): boolean {
    return this.#isBusy || this.#isQuiet || this.outbox.isFull || (this.#service?.intake.isFull ?? false);
  }

  #take(packet: ClientPacket): void {
    if (packet.cmd === 'connect') this.#connect(packet);
    else if (this.#service) this.#serve(packet, this.#service);
    else throw new MqttClientError('the first packet must be CONNECT');
  }

  #serve(packet: Exclude<ClientPacket, ConnectPacket>, { intake, deliveries, subscriptions }: Service): void {
    switch (packet.cmd) {
      case 'publish':
        intake.publish(packet);
        break;
      case 'puback':
        deliveries.acknowledge(packet.id);
        break;
      case 'pubrel':
        intake.release(packet);
        break;
      case 'subscribe':
        this.#await(subscriptions.subscribe(packet));
        break;
      case 'unsubscribe':
        this.#await(subscriptions.unsubscribe(packet));
        break;
      case 'pingreq':
        this.outbox.send([PINGRESP]);
        break;
      case 'disconnect':
        this.#hasLeft = true;
        this.end();
        break;
      case 'pubrec':
      case 'pubcomp':
        throw new MqttClientError(`nothing was sent to it at QoS 2, and it sent ${packet.cmd.toUpperCase()}`);
    }
  }

  #connect(packet: ConnectPacket): void {
    if (this.#isConnecting) throw new MqttClientError('a second CONNECT');
    this.#isConnecting = true;
    clearTimeout(this.#connectLimit);
    if (packet.level === 4) {
      this.#await(this.#begin(packet));
      return;
    }
    if (packet.level === 5) {
      // Who tries MQTT 5 first, as our own do, comes again: nothing to speak of.
      this.outbox.send([CONNACK_FOR_5]);
      this.end();
      return;
    }
    this.outbox.send([connack('protocol', false)]);
    this.end(new MqttClientError(`it speaks level ${packet.level} of MQTT, and here is 3.1.1 only, which is 4`));
  }

  async #begin(packet: ConnectPacket): Promise<void> {
    const welcome = await this.#options.welcome(packet, this);
    if ('refusal' in welcome) {
      this.outbox.send([connack(welcome.refusal, false)]);
      this.end(new MqttClientError(welcome.reason));
      return;
    }
    this.#service = welcome;
    // It may have gone while we looked.
    if (this.#isOver) {
      this.#options.onLeave(welcome, this.#hasLeft);
      return;
    }
    this.#cutter.maxBytes = this.#options.maxPacketBytes;
    this.#silenceLimitMs = packet.keepaliveSeconds * 1500;
    this.outbox.send([connack('accepted', welcome.wasThere)]);
    await welcome.subscriptions.resume();
  }

  #await(work: Promise<void>): void {
    this.#isBusy = true;
    work.then(
      () => {
        this.#isBusy = false;
        this.work();
      },
      (error: unknown) => this.end(error instanceof MsgfloError ? error : new MqttClientError(String(error))),
    );
  }

  #close(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#connectLimit);
    if (this.#service) this.#options.onLeave(this.#service, this.#hasLeft);
    this.#options.onClose(this.#reason);
  }
}
