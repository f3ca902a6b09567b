import { existsSync } from 'node:fs';
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { readBrokerFile } from '../../src/embedded/index.js';
import { sharedMosquitto } from '../support/mosquitto.js';
import { sharedRabbit } from '../support/rabbitmq.js';
import { isAlive, project, ROOT, RunningNetwork } from './running.js';

const brokers: Readonly<Record<string, () => Promise<string | undefined>>> = {
  'the embedded broker': async () => undefined,
  RabbitMQ: async () => (await sharedRabbit()).url,
  Mosquitto: async () => (await sharedMosquitto()).url,
};

for (const [name, start] of Object.entries(brokers)) {
  describe(`the example graphs on ${name}`, function () {
    this.timeout(60_000);
    let network: RunningNetwork | undefined;
    let broker: string | undefined;

    before(async () => {
      broker = await start();
    });
    afterEach(async () => network?.remove());

    it('hello: two names in, two greetings out', async () => {
      network = await RunningNetwork.start(
        await project(await readFile(join(ROOT, 'graphs/hello.fbp'), 'utf8')),
        broker,
      );
      await network.says('print | Hello, world!');
      await network.says('print | Hello, msgflo!');
      await network.says('the network is complete');
    });

    it('licenses: rows and dead letters make up the count, with reasons, as table and as JSON', async () => {
      const folder = await project(await readFile(join(ROOT, 'graphs/licenses.fbp'), 'utf8'));
      await mkdir(join(folder, 'graphs'));
      await cp(join(ROOT, 'graphs/broken-manifest.json'), join(folder, 'graphs/broken-manifest.json'));
      for (let n = 0; n < 30; n += 1) {
        await mkdir(join(folder, `node_modules/p${n}`));
        const manifest = JSON.stringify({ name: `p${n}`, version: '1.0.0', license: n % 2 ? 'MIT' : 'GPL-3.0' });
        await writeFile(join(folder, `node_modules/p${n}/package.json`), manifest);
      }
      await writeFile(join(folder, 'node_modules/p7/package.json'), 'no manifest at all');
      network = await RunningNetwork.start(folder, broker);
      await network.says('report complete: 30 rows + 2 dead letters = 32 listed');
      await network.says('as JSON: licenses.json');
      const report = JSON.parse(await readFile(join(folder, 'licenses.json'), 'utf8'));
      expect(report.isComplete).to.equal(true);
      expect(report.rows).to.have.length(30);
      const reasons = Object.fromEntries(
        report.deadLetters.map((dead: { path: string; reason: string }) => [dead.path, dead.reason]),
      );
      expect(reasons).to.have.all.keys('node_modules/p7/package.json', 'graphs/broken-manifest.json');
      expect(reasons['node_modules/p7/package.json']).to.match(/JSON/);
      expect(network.output).to.match(/report \| MIT +15 {2}permissive/);
    });

    it('recover: what one participant cannot do comes to another, with the reason', async () => {
      network = await RunningNetwork.start(
        await project(await readFile(join(ROOT, 'graphs/recover.fbp'), 'utf8')),
        broker,
      );
      await network.says('print | 4');
      await network.says('print | halve.in could not take "7": 7 is not even');
    });

    it('leaves nothing behind after Ctrl-C', async () => {
      const folder = await project(await readFile(join(ROOT, 'graphs/hello.fbp'), 'utf8'));
      network = await RunningNetwork.start(folder, broker);
      await network.says('print | Hello, msgflo!');
      const pids = network.all().map(({ pid }) => pid);
      expect(pids).to.have.length.above(3);
      expect(await network.stop()).to.equal(0);
      expect(pids.filter(isAlive)).to.deep.equal([]);
      expect(await readBrokerFile(join(folder, '.msgflo'))).to.equal(undefined);
      expect(existsSync(join(folder, '.msgflo/broker.sock'))).to.equal(false);
    });
  });
}
