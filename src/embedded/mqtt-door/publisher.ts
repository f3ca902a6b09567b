import type { Engine, EngineSession, Outcome } from '../../engine/index.js';
import { messageOf } from '../../errors.js';
import { writeHeaders } from '../../log/index.js';
import type { Logger } from '../../support/index.js';
import { announcedOutqueues } from './announced.js';
import type { Publication } from './packets.js';
import type { RetainedTopics } from './retained-topics.js';
import { isNotice, nameOf } from './topics.js';

const NO_HEADERS = writeHeaders({});

/** Carries messages of clients into the engine. */
export class Publisher {
  readonly #engine: Engine;
  readonly #retained: RetainedTopics;
  readonly #log: Logger;

  constructor(engine: Engine, retained: RetainedTopics, log: Logger) {
    this.#engine = engine;
    this.#retained = retained;
    this.#log = log;
  }

  /**
   * `done` is called once: true when it is safe; false when the engine did not take it, or the session ended before.
   * @param message its payload is kept
   */
  publish(session: EngineSession, message: Publication, done: (isTaken: boolean) => void): void {
    const { topic, payload: body, retain } = message;
    if (isNotice(topic)) {
      this.#notify(session, message).then(
        () => done(true),
        (error: unknown) => this.#failed(topic, error, done),
      );
      return;
    }
    const output = { kind: 'outqueue', name: nameOf(topic), headers: NO_HEADERS, body } as const;
    if (!retain) {
      session.send(output, (outcome) => done(isTaken(outcome)));
      return;
    }
    const kept = this.#keep(topic, body);
    const sent = new Promise<Outcome>((resolve) => {
      session.send(output, resolve);
    });
    Promise.all([sent, kept]).then(
      ([outcome]) => done(isTaken(outcome)),
      (error: unknown) => this.#failed(topic, error, done),
    );
  }

  async #notify(session: EngineSession, { topic, payload: body, retain }: Publication): Promise<void> {
    // Who announces itself over MQTT has no way to make its queues, and what is to be bound must be there.
    if (topic === 'fbp') {
      for (const queue of announcedOutqueues(body))
        await session.declare('outqueue', queue, { persistent: true }).catch(() => undefined);
    }
    await this.#engine.notify({ name: nameOf(topic), body, retain });
  }

  async #keep(topic: string, body: Buffer): Promise<void> {
    if (this.#retained.hasRoomFor(topic, body)) return await this.#retained.set(topic, body);
    this.#log.warnOnce('mqtt-retained', `mqtt: too many topics have retained messages; that of '${topic}' is not kept`);
  }

  #failed(topic: string, error: unknown, done: (isTaken: boolean) => void): void {
    this.#log.warn(`mqtt: a message for '${topic}' was not taken: ${messageOf(error)}`);
    done(false);
  }
}

function isTaken({ state }: Outcome): boolean {
  return state !== 'gone' && state !== 'refused';
}
