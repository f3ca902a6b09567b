import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { parse } from 'shell-quote';
import { asQueueName } from '../../src/names.js';
import { participant } from '../../src/participant/index.js';
import { HEADER } from '../../src/transport/index.js';
import { ROOT } from '../network/running.js';
import { until } from '../participant/network.js';
import { DeadScene, lettersOf } from './dead-scene.js';

const blocks = [...readFileSync(join(ROOT, 'docs/dead-letters.md'), 'utf8').matchAll(/^```sh\n([\s\S]*?)^```$/gm)];
const commands = blocks.flatMap(([, block = '']) => block.trim().split('\n'));

/** Dies until it is told better. */
class Moody {
  isWell = false;
  readonly component = participant({
    component: 'Moody',
    inports: { in: {} },
    process: () => {
      if (!this.isWell) throw new RangeError('timeout');
    },
  });
}

describe('docs/dead-letters.md: each command does what it is there for', function () {
  this.timeout(20_000);
  const queue = asQueueName('worker.IN');
  const url = () => scene.url('the embedded broker');
  const moody = new Moody();
  let scene: DeadScene;
  before(async () => {
    scene = await DeadScene.open(false);
    await scene.begin(url(), 'worker', moody.component);
    await writeFile(join(scene.dir, 'fixed.json'), '{}');
  });
  after(() => scene.close());

  it('there are some', () => expect(commands).to.have.length.above(10));

  for (const line of commands) {
    it(line, async () => {
      const broker = await scene.client(url());
      moody.isWell = false;
      const before = await lettersOf(broker, queue);
      if (before.length === 0) {
        const headers = { [HEADER.messageId]: 'm-17', colour: 'red' };
        await broker.send('inqueue', queue, { data: 1, headers }, { mandatory: true });
        await until(async () => (await lettersOf(broker, queue)).length === 1);
      }
      moody.isWell = true;
      const [npx, program, ...args] = parse(line).map(String);
      expect([npx, program]).to.deep.equal(['npx', 'msgflo-dead']);
      const { code, lines, complaint } = await scene.look(url(), ...args);
      expect({ code, complaint }).to.deep.equal({ code: 0, complaint: '' });
      if (!args.includes('--json')) expect(lines.at(-1)).to.match(/\b1 dead letter$/);
      const isTakenAway = /^(redrive|drop)$/.test(args[0] ?? '') && !args.includes('--dry-run');
      expect(await lettersOf(broker, queue)).to.have.length(isTakenAway ? 0 : 1);
    });
  }
});
