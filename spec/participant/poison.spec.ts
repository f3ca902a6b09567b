import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { HEADER } from '../../src/transport/index.js';
import { project, RunningNetwork } from '../network/running.js';
import { sharedMosquitto } from '../support/mosquitto.js';
import { sharedRabbit } from '../support/rabbitmq.js';

const COUNT = 50;
const POISON = 17;

const SOURCE = `
import { participant } from 'msgflo';
export default participant({
  component: 'Source', outports: { out: {} },
  async produce({ send }) { for (let n = 1; n <= ${COUNT}; n += 1) await send('out', n); },
});
`;

/** Some are in hand beside the one that kills the process. */
const WORK = `
import { appendFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { participant } from 'msgflo';
export default participant({
  component: 'Work', prefetch: 5, inports: { in: {} }, outports: { out: {} },
  async process({ in: n }, { send }) {
    appendFileSync('begun', n + '\\n');
    await delay(5);
    if (n === ${POISON}) process.abort();
    await delay(20);
    await send('out', n);
  },
});
`;

const SINK = `
import { appendFileSync } from 'node:fs';
import { participant } from 'msgflo';
export default participant({
  component: 'Sink', inports: { in: {}, dead: {} },
  process({ in: n, dead }, { headers }) {
    if (n !== undefined) appendFileSync('seen', n + '\\n');
    else appendFileSync('dead', JSON.stringify({ data: dead, headers }) + '\\n');
  },
});
`;

const components = { 'Source.js': SOURCE, 'Work.js': WORK, 'Sink.js': SINK };

const brokers: Readonly<Record<string, () => Promise<string | undefined>>> = {
  'the embedded broker': async () => undefined,
  RabbitMQ: async () => (await sharedRabbit()).url,
  Mosquitto: async () => (await sharedMosquitto()).url,
};

describe('a message that kills the process each time', function () {
  this.timeout(120_000);
  let network: RunningNetwork | undefined;
  afterEach(async () => network?.remove());

  const cases = [
    ...Object.keys(brokers).map((name) => [name, []] as const),
    ['the embedded broker', ['--together']] as const,
  ];
  for (const [name, args] of cases) {
    it(`is a dead letter on ${[name, ...args].join(', ')}, and all others get through`, async () => {
      const p = `poison${process.pid}`;
      const graph = [
        // The source beside it: one that dies with the process would send the poison again, as another message.
        `${p}src(Source:process=source) OUT -> IN share(msgflo/RoundRobin) OUT -> IN ${p}work(Work) OUT -> IN ${p}sink(Sink)`,
        `share DEADLETTER -> DEAD ${p}sink`,
      ].join('\n');
      const folder = await project(graph, components);
      const running = await RunningNetwork.start(folder, await brokers[name]?.(), args);
      network = running;
      const lines = (file: string): string[] => {
        const path = join(folder, file);
        return existsSync(path) ? readFileSync(path, 'utf8').trim().split('\n') : [];
      };
      const others = Array.from({ length: COUNT }, (_, at) => String(at + 1)).filter((n) => n !== String(POISON));
      await running.until(() => lines('dead').length > 0 && new Set(lines('seen')).size === others.length);

      expect([...new Set(lines('seen'))]).to.have.members(others);
      expect(lines('dead')).to.have.length(1);
      const { data, headers } = JSON.parse(lines('dead')[0] ?? '{}') as {
        data: unknown;
        headers: Record<string, string>;
      };
      expect(data).to.equal(POISON);
      expect(headers).to.include({
        [HEADER.deadReason]: 'its process died 3 times while it worked on this message',
        [HEADER.deadError]: 'ProcessDied',
        [HEADER.deadRole]: `${p}work`,
        [HEADER.deadPort]: 'in',
        [HEADER.deadComponent]: 'Work',
      });
      const attempts = JSON.parse(headers[HEADER.deadAttempts] ?? '[]') as { at: number; error: string }[];
      expect(attempts.map(({ error }) => /with nothing else in hand$/.test(error))).to.deep.equal([false, true, true]);
      expect(lines('begun').filter((n) => n === String(POISON))).to.have.length(4);
      expect(running.children('msgflo-participant'), 'it lives on').to.have.length(args.length > 0 ? 2 : 3);
      await running.until(() => readdirSync(join(folder, '.msgflo/attempts')).length === 0);
    });
  }
});
