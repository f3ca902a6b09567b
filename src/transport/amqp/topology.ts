import type { Channel, ChannelModel } from 'amqplib';
import { messageOf } from '../../errors.js';
import type { QueueName } from '../../names.js';
import type { Logger } from '../../support/index.js';
import { deadLetterQueue, type QueueKind, type QueueOptions } from '../index.js';
import type { ChannelPool } from './channel-pool.js';
import { type QueueArguments, queueArguments } from './queue-arguments.js';
import { refusalOf } from './refusal.js';

/** Dead letters kept for somebody to look at; the oldest go first. */
const MAX_DEAD_LETTERS = 10_000;
/** The holding queue of an inqueue that is not persistent goes when nobody uses it. */
const HOLDING_EXPIRES_MS = 30 * 60 * 1000;

interface Declaration {
  readonly kind: QueueKind;
  readonly name: QueueName;
  readonly persistent: boolean;
  /** What the queue of an inqueue is declared with besides; empty unless asked for: old libraries declare the same. */
  readonly arguments: QueueArguments;
}

/** The queues and exchanges of a participant's own ports, as index.ts lays them out; remembered for a reconnect. */
export class Topology {
  readonly #pool: ChannelPool;
  readonly #log: Logger;
  readonly #declared = new Map<string, Declaration>();

  constructor(pool: ChannelPool, log: Logger) {
    this.#pool = pool;
    this.#log = log;
  }

  /**
   * Idempotent. @throws {QueueMismatchError} if it exists with other arguments; nothing else is hurt.
   * @throws {TypeError} for options that contradict each other
   */
  async declare(kind: QueueKind, name: QueueName, options: QueueOptions = {}): Promise<void> {
    const { persistent = true } = options;
    const declaration: Declaration = { kind, name, persistent, arguments: queueArguments(name, options) };
    await this.#pool.run(name, (channel) => declareOwn(channel, declaration));
    this.#declared.set(`${kind} ${name}`, declaration);
    if (kind === 'inqueue') await this.#declareHolding(declaration);
  }

  /** The place where dead letters of an inqueue are kept until somebody looks. */
  async holdDeadLetters(inqueue: QueueName): Promise<void> {
    const known = this.#declared.get(`inqueue ${inqueue}`);
    await this.#declareHolding(known ?? { kind: 'inqueue', name: inqueue, persistent: true, arguments: {} });
  }

  /** Declares everything again on a new connection. What the broker refuses now is said and left. */
  async restore(model: ChannelModel): Promise<void> {
    for (const declaration of this.#declared.values()) {
      const channel = await model.createChannel();
      channel.on('error', () => {});
      try {
        await declareOwn(channel, declaration);
        if (declaration.kind === 'inqueue') await declareHolding(channel, declaration);
        await channel.close();
      } catch (error) {
        if (!refusalOf(error)) throw error;
        this.#log.debug(`${declaration.kind} '${declaration.name}' not declared again: ${messageOf(error)}`);
      }
    }
  }

  /** Somebody may have declared these otherwise: then they hold dead letters in their way. */
  async #declareHolding(declaration: Declaration): Promise<void> {
    try {
      await this.#pool.run(declaration.name, (channel) => declareHolding(channel, declaration));
    } catch (error) {
      this.#log.debug(`dead letters of '${declaration.name}': ${messageOf(error)}`);
    }
  }
}

async function declareOwn(channel: Channel, declaration: Declaration): Promise<void> {
  const { kind, name, persistent } = declaration;
  const options = { durable: persistent, autoDelete: !persistent };
  if (kind === 'inqueue') {
    const deadLetterExchange = deadLetterQueue(name);
    await channel.assertQueue(name, { ...options, arguments: declaration.arguments, deadLetterExchange });
  }
  await channel.assertExchange(name, 'fanout', options);
  if (kind === 'inqueue') await channel.bindQueue(name, name, '');
}

async function declareHolding(channel: Channel, { name, persistent }: Declaration): Promise<void> {
  const holding = deadLetterQueue(name);
  const expires = persistent ? {} : { expires: HOLDING_EXPIRES_MS };
  await channel.assertExchange(holding, 'fanout', { durable: persistent, autoDelete: !persistent });
  await channel.assertQueue(holding, { durable: persistent, maxLength: MAX_DEAD_LETTERS, ...expires });
  await channel.bindQueue(holding, holding, '');
}
