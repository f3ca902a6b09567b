import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import { connectAsync } from 'mqtt';
import { readBrokerFile } from '../../../src/embedded/index.js';
import { fixturePath, irregular, OLD_RUNNER, Program, Stage } from '../../compat/programs.js';

describe('participants of msgflo-nodejs 0.11 over MQTT and ours over log:// in one graph', function () {
  this.timeout(40_000);
  let stage: Stage;
  afterEach(() => stage.end());

  it('old to ours to old, ours to old to ours, an IIP to an old one, and one that msgflo starts', async () => {
    stage = new Stage('');
    const { p } = stage;
    const graph = `
      'go' -> START ${p}src(OldSource) OUT -> IN ${p}mid(Repeat) OUT -> IN ${p}sink(OldSink)
      ${p}tick(Tick) OUT -> IN ${p}rep(OldRepeat) OUT -> IN ${p}child(OldChild) OUT -> IN ${p}print(Print)`;
    const library = { OldChild: `${OLD_RUNNER} --name #ROLE ${fixturePath('old-repeat.cjs')}` };
    const network = await stage.network(graph, ['src', 'sink', 'rep'], library);
    await network.says('msgflo started on');
    const broker = await readBrokerFile(join(network.folder, '.msgflo'));
    const mqtt = broker?.mqtt ?? '';
    expect(mqtt).to.match(/^mqtt:\/\/msgflo:.+@127\.0\.0\.1:\d+$/);
    const env = { MSGFLO_DISCOVERY_PERIOD: '1' };
    const old = (role: string, file: string): Program =>
      stage.add(Program.old(`${p}${role}`, fixturePath(file), mqtt, env));
    const [src, sink] = [old('src', 'old-source.cjs'), old('sink', 'old-sink.cjs'), old('rep', 'old-repeat.cjs')];
    await sink.until(() => sink.lastGot >= 20);
    await network.says(/print \| 20\n/);
    expect(src.output.match(/start "go"/g)).to.have.length(1);
    expect(irregular(sink.output, /got (\d+)/g)).to.deep.equal([]);
    expect(irregular(network.output, /print \| (\d+)/g)).to.deep.equal([]);
  });

  it('one that announces itself once, before it takes messages, as msgflo-python does', async () => {
    stage = new Stage('');
    const { p } = stage;
    const role = `${p}python`;
    const network = await stage.network(
      `${p}tick(Tick) OUT -> IN ${role}(Python) OUT -> IN ${p}print(Print), 'iip' -> IN ${role}`,
      ['python'],
    );
    await network.says('msgflo started on');
    const broker = await readBrokerFile(join(network.folder, '.msgflo'));
    const client = await connectAsync(broker?.mqtt ?? '', { protocolVersion: 4 });
    try {
      const ports = { inports: [{ id: 'in', queue: `${role}/in` }], outports: [{ id: 'out', queue: `${role}/out` }] };
      const payload = { id: `${role}4711`, role, component: 'Python', label: '', icon: 'file-word-o', ...ports };
      const announcement = { protocol: 'discovery', command: 'participant', payload };
      await client.publishAsync('fbp', JSON.stringify(announcement), { qos: 0 });
      await delay(100);
      client.on('message', (_, body) => client.publish(`${role}/out`, body, { qos: 0 }));
      await client.subscribeAsync(`${role}/in`, { qos: 0 });
      await network.says(/print \| 20\n/);
      expect(network.output).to.include('print | iip');
      expect(irregular(network.output, /print \| (\d+)/g)).to.deep.equal([]);
    } finally {
      await client.endAsync();
    }
  });
});
