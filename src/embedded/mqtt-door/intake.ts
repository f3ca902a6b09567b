import type { Engine, EngineSession } from '../../engine/index.js';
import type { ClientSession } from './client-session.js';
import { MqttClientError } from './errors.js';
import type { Outbox } from './outbox.js';
import type { AckPacket, PublishPacket } from './packets.js';
import type { Publisher } from './publisher.js';
import { isTopic, MAX_TOPIC_CHARS } from './topics.js';
import { puback, pubcomp, pubrec } from './write-packet.js';

/** Of one client: beyond so many messages, or bytes, that are not safe yet, nothing more is read. */
const MAX_UNSAFE = 1000;
const MAX_UNSAFE_BYTES = 16 * 1024 * 1024;
/** Messages at QoS 2 that a client has not released. */
const MAX_HALF_SENT = 1000;

export interface IntakeOptions {
  readonly engine: Engine;
  readonly client: ClientSession;
  readonly session: EngineSession;
  /** One that does not end with the connection. */
  readonly lasting: EngineSession;
  readonly publisher: Publisher;
  readonly outbox: Outbox;
  /** There may be room again, or nothing be under way any more. */
  onProgress(): void;
  /** The engine did not take a message: whoever sent it has to send it again. */
  onRefused(reason: MqttClientError): void;
}

/** What one client publishes: told to it when it is safe, and not before. */
export class Intake {
  readonly #options: IntakeOptions;
  #unsafe = 0;
  #unsafeBytes = 0;
  #isCongested = false;
  readonly #whenEmpty: (() => void)[] = [];

  constructor(options: IntakeOptions) {
    this.#options = options;
  }

  get isFull(): boolean {
    return this.#isCongested || this.#unsafe >= MAX_UNSAFE || this.#unsafeBytes >= MAX_UNSAFE_BYTES;
  }

  get isEmpty(): boolean {
    return this.#unsafe === 0;
  }

  /** Calls back once, when everything is safe or has failed to be. */
  whenEmpty(callback: () => void): void {
    if (this.isEmpty) callback();
    else this.#whenEmpty.push(callback);
  }

  /** @throws {MqttClientError} for a topic that is none */
  publish(packet: PublishPacket): void {
    checkTopic(packet.topic);
    const { id, qos } = packet;
    if (qos === 2) this.#publishOnce(packet);
    else this.#carry(packet, qos === 1 ? () => this.#options.outbox.send([puback(id)]) : undefined);
  }

  /** The client will not send again what it sent under this id. */
  release({ id }: AckPacket): void {
    this.#options.client.halfSent.delete(id);
    this.#options.outbox.send([pubcomp(id)]);
  }

  /** What comes again under the same id is the same, until the client has released it [MQTT-4.3.3-2]. */
  #publishOnce(packet: PublishPacket): void {
    const { halfSent } = this.#options.client;
    const { id } = packet;
    const received = (): void => this.#options.outbox.send([pubrec(id)]);
    const known = halfSent.get(id);
    if (known) {
      if (known.isTaken) received();
      else known.waiting.push(received);
      return;
    }
    if (halfSent.size >= MAX_HALF_SENT)
      throw new MqttClientError(`more than ${MAX_HALF_SENT} messages are not released`);
    const state = { isTaken: false, waiting: [received] };
    halfSent.set(id, state);
    this.#carry(
      packet,
      () => {
        state.isTaken = true;
        for (const tell of state.waiting.splice(0)) tell();
      },
      () => {
        if (halfSent.get(id) === state) halfSent.delete(id);
      },
    );
  }

  #carry(packet: PublishPacket, taken?: () => void, refused?: () => void): void {
    const { publisher, client } = this.#options;
    const { topic, qos, retain } = packet;
    // What a lasting session has half sent it sends again: what became of the first must be known then.
    const session = qos === 2 && client.isPersistent ? this.#options.lasting : this.#options.session;
    // A copy, so that what is kept does not keep the whole chunk that it came in.
    const payload = Buffer.from(packet.payload);
    this.#unsafe += 1;
    this.#unsafeBytes += payload.length;
    publisher.publish(session, { topic, payload, qos, retain }, (isTaken) => {
      this.#unsafe -= 1;
      this.#unsafeBytes -= payload.length;
      if (isTaken) taken?.();
      else refused?.();
      if (!isTaken) this.#options.onRefused(notTaken(topic, payload));
      this.#options.onProgress();
      if (this.isEmpty) for (const tell of this.#whenEmpty.splice(0)) tell();
    });
    const { congestion } = this.#options.engine;
    if (congestion && !this.#isCongested) this.#pauseUntil(congestion);
  }

  #pauseUntil(congestion: Promise<void>): void {
    this.#isCongested = true;
    const goOn = (): void => {
      this.#isCongested = false;
      this.#options.onProgress();
    };
    congestion.then(goOn, goOn);
  }
}

/** @throws {MqttClientError} */
export function checkTopic(topic: string): void {
  if (topic.startsWith('$')) throw new MqttClientError(`nothing can be sent to '${shown(topic)}': it begins with $`);
  if (!isTopic(topic))
    throw new MqttClientError(
      `'${shown(topic)}' is no topic: it has 1 to ${MAX_TOPIC_CHARS} characters, none of them + or #`,
    );
}

function notTaken(topic: string, { length }: Buffer): MqttClientError {
  return new MqttClientError(
    `the log could not take its message of ${length} bytes for '${shown(topic)}'; with all copies it may be too large`,
  );
}

function shown(topic: string): string {
  return topic.length > 60 ? `${topic.slice(0, 60)}...` : topic;
}
