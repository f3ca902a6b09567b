import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { sharedMosquitto } from '../support/mosquitto.js';
import { sharedRabbit } from '../support/rabbitmq.js';
import { project, RunningNetwork } from './running.js';

/** Sends until a file says stop, and writes down what `send` has confirmed. */
const SOURCE = `
import { appendFileSync, existsSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { participant } from 'msgflo';
export default participant({
  component: 'Source',
  outports: { out: {} },
  async produce({ send, signal }) {
    for (let n = 1; !signal.aborted; n += 1) {
      if (existsSync('stop')) { await delay(50); continue; }
      await send('out', process.pid + '-' + n);
      appendFileSync('confirmed', process.pid + '-' + n + '\\n');
      await delay(5);
    }
  },
});
`;

/** Takes its time, so that it always has some in hand. */
const WORK = `
import { setTimeout as delay } from 'node:timers/promises';
import { participant } from 'msgflo';
export default participant({
  component: 'Work', prefetch: 20, inports: { in: {} }, outports: { out: {} },
  async process({ in: id }, { send }) { await delay(Math.random() * 20); await send('out', id); },
});
`;

const SINK = `
import { appendFileSync } from 'node:fs';
import { participant } from 'msgflo';
export default participant({
  component: 'Sink', prefetch: 20, inports: { in: {} },
  process({ in: id }) { appendFileSync('seen', id + '\\n'); },
});
`;

const brokers: Readonly<Record<string, () => Promise<string | undefined>>> = {
  'the embedded broker': async () => undefined,
  RabbitMQ: async () => (await sharedRabbit()).url,
  Mosquitto: async () => (await sharedMosquitto()).url,
};

describe('what send() has confirmed', function () {
  this.timeout(60_000);
  let network: RunningNetwork | undefined;
  afterEach(async () => network?.remove());

  for (const [name, start] of Object.entries(brokers)) {
    it(`arrives on ${name}, whichever participants and coordinators are killed with -9`, async () => {
      const p = `loss${process.pid}`;
      const graph = `${p}src(Source) OUT -> IN ${p}work(Work:instances=2) OUT -> IN ${p}sink(Sink)`;
      const folder = await project(graph, { 'Source.js': SOURCE, 'Work.js': WORK, 'Sink.js': SINK });
      const running = await RunningNetwork.start(folder, await start());
      network = running;
      const idsOf = (file: string): Set<string> => {
        const path = join(folder, file);
        return new Set(existsSync(path) ? readFileSync(path, 'utf8').split('\n').filter(Boolean) : []);
      };
      const seesMore = async (): Promise<void> => {
        const now = idsOf('seen').size;
        await running.until(() => idsOf('seen').size > now + 50);
      };
      await seesMore();
      for (const victim of [
        `--name ${p}work`,
        `--name ${p}src`,
        'msgflo-coordinator',
        `--name ${p}sink`,
        `--name ${p}work`,
      ]) {
        process.kill(running.children(victim)[0]?.pid ?? 0, 'SIGKILL');
        await seesMore();
      }
      writeFileSync(join(folder, 'stop'), '');
      const missing = (): string[] => {
        const seen = idsOf('seen');
        return [...idsOf('confirmed')].filter((id) => !seen.has(id));
      };
      await running.until(() => missing().length === 0);
      expect(idsOf('confirmed').size).to.be.above(250);
    });
  }
});
