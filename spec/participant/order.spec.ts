import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { createWiring, wiringNotice } from '../../src/discovery/index.js';
import { asQueueName, asRole } from '../../src/names.js';
import { newParticipantId, Participant, participant, participantClientOptions } from '../../src/participant/index.js';
import { silentLogger } from '../../src/support/index.js';
import { builtinTransports } from '../../src/transport/builtin/index.js';
import { BrokerProcess, freshDir } from '../embedded/broker-process.js';
import { sharedMosquitto } from '../support/mosquitto.js';
import { sharedRabbit } from '../support/rabbitmq.js';
import { until } from './network.js';

const COUNT = 100;
const LATE = 10;

interface Server {
  readonly url: string;
  stop(): Promise<void>;
}

const shared = (url: string): Server => ({ url, stop: async () => undefined });

const servers: Readonly<Record<string, () => Promise<Server>>> = {
  direct: async () => shared(`direct://${randomUUID()}`),
  'the embedded broker': async () => {
    const { dir, remove } = await freshDir();
    const broker = await BrokerProcess.start(dir);
    return {
      url: broker.address,
      async stop() {
        await broker.kill('SIGTERM');
        await remove();
      },
    };
  },
  RabbitMQ: async () => shared((await sharedRabbit()).url),
  Mosquitto: async () => shared((await sharedMosquitto()).url),
};

describe('inports with an order', function () {
  this.timeout(60_000);

  for (const [name, start] of Object.entries(servers)) {
    it(`on ${name}: a message of a later port begins only while no earlier one has any waiting`, async () => {
      const server = await start();
      const registry = builtinTransports();
      const role = `ordered-${randomUUID().slice(0, 8)}`;
      const id = newParticipantId(role);
      const hand = await registry.open(server.url, { id: `hand-${role}` }, silentLogger);
      await hand.connect();
      const send = (port: string, data: unknown) => hand.send('inqueue', asQueueName(`${role}.${port}`), { data });
      const begun: string[] = [];
      const ordered = participant({
        component: 'Ordered',
        inports: { low: { prefetch: 10 }, high: { order: 1 } },
        concurrency: 1,
        async process({ low, high }) {
          begun.push(high === undefined ? 'low' : `high ${String(high)}`);
          if (low !== LATE) return;
          for (let n = 0; n < LATE; n += 1) await send('HIGH', n);
        },
      });
      const broker = await registry.open(server.url, participantClientOptions({ id, role }), silentLogger);
      const one = new Participant(ordered, { role, id, broker, run: 'r', log: silentLogger });
      try {
        await one.start();
        for (let n = 1; n <= COUNT; n += 1) await send('LOW', n);
        for (let n = 1; n <= COUNT; n += 1) await send('HIGH', n);
        const wiring = createWiring({ role: asRole(role), graph: 'g', run: 'r', iips: [], inports: {}, outports: {} });
        const body = Buffer.from(JSON.stringify(wiring));
        await hand.notify({ name: wiringNotice(asRole(role)), body, retain: true });
        await until(() => begun.length === 2 * COUNT + LATE);
        const inTurn = (from: number, count: number) => Array.from({ length: count }, (_, at) => `high ${from + at}`);
        expect(begun.slice(0, COUNT), 'those that waited').to.deep.equal(inTurn(1, COUNT));
        expect(begun.slice(COUNT, COUNT + LATE), 'then the others').to.deep.equal(Array(LATE).fill('low'));
        expect(begun.slice(COUNT + LATE, COUNT + 2 * LATE), 'those that came late').to.deep.equal(inTurn(0, LATE));
        await hand.notify({ name: wiringNotice(asRole(role)), body: Buffer.alloc(0), retain: true });
      } finally {
        await one.stop();
        await hand.close();
        await server.stop();
      }
    });
  }
});
