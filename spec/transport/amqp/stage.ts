import { randomUUID } from 'node:crypto';
import { type Channel, type ChannelModel, connect } from 'amqplib';
import { asQueueName, type QueueName } from '../../../src/names.js';
import { type Logger, silentLogger } from '../../../src/support/index.js';
import { openAmqp } from '../../../src/transport/amqp/index.js';
import type { Broker, ClientOptions } from '../../../src/transport/index.js';
import { sharedRabbit } from '../../support/rabbitmq.js';

/** Clients of ours and bare amqplib channels beside them, closed after the spec. */
export class AmqpStage {
  #url: string;
  readonly #clients: Broker[] = [];
  readonly #bare: ChannelModel[] = [];

  constructor(url: string) {
    this.#url = url;
  }

  /** On the server that all specs share, for the block that it is called in: started before, cleared after each. */
  static onSharedServer(): AmqpStage {
    const stage = new AmqpStage('');
    before(async function () {
      this.timeout(60_000);
      stage.#url = (await sharedRabbit()).url;
    });
    afterEach(() => stage.clear());
    return stage;
  }

  async connect(log: Logger = silentLogger, options: Partial<ClientOptions> = {}): Promise<Broker> {
    const client = await this.open(new URL(this.#url), log, options);
    await client.connect();
    return client;
  }

  /** Not connected yet. */
  async open(address: URL, log: Logger = silentLogger, options: Partial<ClientOptions> = {}): Promise<Broker> {
    const client = await openAmqp(address, { id: `spec-${randomUUID()}`, ...options }, log);
    this.#clients.push(client);
    return client;
  }

  /** A channel of amqplib itself: what an old library or somebody looking from outside would use. */
  async bare(): Promise<Channel> {
    const model = await connect(this.#url, { noDelay: true });
    model.on('error', () => {});
    this.#bare.push(model);
    const channel = await model.createChannel();
    channel.on('error', () => {});
    return channel;
  }

  name(kind = 'queue'): QueueName {
    return asQueueName(`amqp.${kind}.${randomUUID().slice(0, 8)}`);
  }

  async clear(): Promise<void> {
    await Promise.all(this.#clients.splice(0).map((client) => client.close({ graceMs: 0 })));
    await Promise.all(this.#bare.splice(0).map((model) => model.close().catch(() => {})));
  }
}

/** The error's AMQP reply code, or what else came of it. */
export async function replyCode(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => 'no error',
    (error: unknown) => (error instanceof Error && 'code' in error ? error.code : error),
  );
}
