import { expect } from 'chai';
import { sendMessage } from '../../src/cli/send-message.js';
import { asQueueName } from '../../src/names.js';
import { until } from '../participant/network.js';
import { DeadScene, taken } from './dead-scene.js';
import { startInProcess } from './run-in-process.js';

describe('msgflo-send-message', () => {
  let scene: DeadScene;
  before(async () => {
    scene = await DeadScene.open(false);
  });
  afterEach(() => scene.clean());
  after(() => scene.close());

  it('begins a trace and says which, or sends in the one that it is given', async () => {
    const url = scene.url('the embedded broker');
    const broker = await scene.client(url);
    const queue = asQueueName('traced');
    await broker.declare('inqueue', queue);
    const got = await taken(broker, queue);
    const given = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00';
    const lines: string[] = [];
    for (const more of [[], [], ['--traceparent', given]]) {
      const sent = startInProcess(sendMessage, ['--broker', url, '--queue', queue, '--json', '1', ...more]);
      expect(await sent.ended, sent.complaint()).to.equal(0);
      lines.push(...sent.printed);
    }
    await until(() => got.length === 3);
    const [first = '', second, third] = got.map(({ headers }) => headers['traceparent']);
    expect(first).to.match(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
    expect(second).to.not.equal(first);
    expect(third).to.equal(given);
    expect(lines[0]).to.equal(`sent to traced, trace ${first.slice(3, 35)}`);
    expect(lines[2]).to.include('4bf92f3577b34da6a3ce929d0e0e4736');
    expect(got[0]?.headers).to.include({ 'content-type': 'application/json' });
  });
});
