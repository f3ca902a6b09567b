import { setTimeout as delay } from 'node:timers/promises';
import mqtt from 'mqtt';
import { type Mosquitto, startMosquitto } from '../support/mosquitto.js';
import { startRabbit } from '../support/rabbitmq.js';
import { startLogServer } from './log-server.js';
import { SLOTS } from './slots.js';

export type BrokerName = 'log' | 'amqp' | 'amqp-quorum' | 'mqtt' | 'mqtt-killed' | 'mqtt-killed-1s';

/** What is left in a broker. */
export interface Remains {
  /** Messages in queues and sessions that are not settled. */
  readonly waiting: number;
  /** Where, in words. */
  readonly where: readonly string[];
  readonly deadLetters: number;
  /** Where a broker promises that there are none: messages that went on more or less often than they came to a queue. */
  readonly doubledBetweenQueues?: number;
}

/** A broker of its own for one run, that can be taken down and brought back on the same data. */
export interface ChaosServer {
  readonly url: string;
  /** How it is taken down. */
  readonly fault: 'SIGKILL' | 'SIGTERM';
  /** Something in the graph needs a router there. */
  readonly hasRouter: boolean;
  /** Inqueues are to be quorum queues. */
  readonly isQuorum: boolean;
  /** Resolves when it is gone. */
  takeDown(): Promise<void>;
  /** Resolves when it takes connections. */
  bringBack(): Promise<void>;
  /** To be asked when the network has ended. */
  remains(): Promise<Remains>;
  stop(): Promise<void>;
}

/**
 * `mqtt` is stopped with SIGTERM: Mosquitto confirms before it has written, so that SIGKILL loses some whatever its
 * settings are. `mqtt-killed` is stopped with SIGKILL and writes at every second change, which loses least;
 * `mqtt-killed-1s` likewise, and writes once a second.
 */
export function startServer(name: BrokerName): Promise<ChaosServer> {
  switch (name) {
    case 'log':
      return startLogServer();
    case 'amqp':
    case 'amqp-quorum':
      return rabbit(name === 'amqp-quorum');
    case 'mqtt':
      return mosquitto('SIGTERM', ['autosave_on_changes false', 'autosave_interval 1800']);
    case 'mqtt-killed':
      return mosquitto('SIGKILL', ['autosave_on_changes true', 'autosave_interval 1']);
    case 'mqtt-killed-1s':
      return mosquitto('SIGKILL', ['autosave_on_changes false', 'autosave_interval 1']);
  }
}

async function rabbit(isQuorum: boolean): Promise<ChaosServer> {
  const server = await startRabbit();
  return {
    url: server.url,
    fault: 'SIGKILL',
    hasRouter: false,
    isQuorum,
    takeDown: () => server.kill(),
    bringBack: () => server.restart(),
    async remains() {
      const columns = ['name', 'messages', 'messages_ready', 'messages_unacknowledged'];
      const text = await server.ctl('list_queues', '--no-table-headers', ...columns);
      const rows = text.split('\n').map((row) => row.split('\t'));
      const of = (pattern: RegExp) => rows.filter(([queue = '', count]) => pattern.test(queue) && Number(count) > 0);
      const sum = (some: typeof rows): number => some.reduce((total, [, count]) => total + Number(count), 0);
      const waiting = of(/^(one|two|three|sink)\./);
      const where = waiting.map(([queue, , ready, unacked]) => `${queue}: ${ready} ready, ${unacked} unacknowledged`);
      return { waiting: sum(waiting), where, deadLetters: sum(of(/^dead-/)) };
    },
    stop: () => server.stop(),
  };
}

async function mosquitto(fault: 'SIGTERM' | 'SIGKILL', config: readonly string[]): Promise<ChaosServer> {
  const server = await startMosquitto({ config });
  return {
    url: server.url,
    fault,
    hasRouter: true,
    isQuorum: false,
    takeDown: () => server.kill(fault),
    bringBack: () => server.restart(),
    remains: () => remainsOf(server),
    stop: () => server.stop(),
  };
}

/** What waits is in the sessions of the participants and of the router: each is taken up once more, and is to get nothing. */
async function remainsOf({ url }: Mosquitto): Promise<Remains> {
  const client = mqtt.connect(url);
  const holders = [...SLOTS, 'router'].map((name) => mqtt.connect(url, { clientId: `msgflo-${name}`, clean: false }));
  const waiting: string[] = [];
  let deadLetters = 0;
  // What waits comes with the connection: who listens only then is too late.
  for (const holder of holders) holder.on('message', (topic) => waiting.push(`${holder.options.clientId}: ${topic}`));
  client.on('message', () => (deadLetters += 1));
  await Promise.all([client, ...holders].map((one) => new Promise<void>((done) => one.once('connect', () => done()))));
  await client.subscribeAsync('dead/#');
  await delay(500);
  await Promise.all([client, ...holders].map((one) => one.endAsync()));
  return { waiting: waiting.length, where: [...new Set(waiting)], deadLetters };
}
