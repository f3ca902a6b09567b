import { setTimeout as delay } from 'node:timers/promises';
import { type Channel, type ChannelModel, connect } from 'amqplib';
import { expect } from 'chai';
import { brokers, Stage } from './programs.js';

describe('queues and announcements of old libraries on RabbitMQ', function () {
  this.timeout(40_000);
  let stage: Stage;
  let model: ChannelModel;
  let channel: Channel;

  beforeEach(async () => {
    stage = new Stage(await brokers.RabbitMQ());
    model = await connect(stage.broker);
    channel = await model.createChannel();
  });
  afterEach(async () => {
    await stage.end();
    await model.close();
  });

  it('both of two coordinators hear what is put into the queue fbp, and nothing piles up in it', async () => {
    const { p } = stage;
    const networks = await Promise.all([
      stage.network(`'one' -> START ${p}src(OldSource) OUT -> IN ${p}print1(Print)`, ['src']),
      stage.network(`${p}src(OldSource) OUT -> IN ${p}print2(Print)`, ['src']),
    ]);
    await Promise.all(networks.map((network) => network.says('1 of 2 roles live')));
    const src = await stage.old('src', 'old-source.cjs', { once: true });
    await Promise.all(networks.map((network) => network.says(/print\d \| 20\n/)));
    await src.kill();
    await Promise.all(networks.map((network) => network.stop()));
    expect(await channel.checkQueue('fbp')).to.include({ messageCount: 0, consumerCount: 0 });
  });

  it('ports with persistent: false are bound again after their participant was killed and came back', async () => {
    const { p } = stage;
    const graph = `${p}tick(Tick) OUT -> IN ${p}pass(OldPassing) OUT -> IN ${p}print(Print)`;
    const network = await stage.network(graph, ['pass']);
    const first = await stage.old('pass', 'old-passing.cjs');
    await network.says(/print \| 20\n/);
    await first.kill();
    await untilGone(`${p}pass.IN`);
    await stage.old('pass', 'old-passing.cjs');
    const numbers = (): number[] => [...network.output.matchAll(/print \| (\d+)/g)].map(([, n]) => Number(n));
    const before = numbers().length;
    await network.until(() => numbers().length >= before + 20);
    expect(numbers(), 'none twice').to.deep.equal([...new Set(numbers())].sort((a, b) => a - b));
  });

  const untilGone = async (queue: string): Promise<void> => {
    for (;;) {
      const look = await model.createChannel();
      look.on('error', () => {});
      try {
        await look.checkQueue(queue);
      } catch {
        return;
      }
      await look.close();
      await delay(20);
    }
  };

  it('what waits in the queue fbp of instances long dead brings no second IIP', async () => {
    const { p } = stage;
    for (let n = 0; n < 2; n += 1) await (await stage.old('src', 'old-source.cjs')).kill();
    const src = await stage.old('src', 'old-source.cjs');
    const network = await stage.network(`'go' -> START ${p}src(OldSource) OUT -> IN ${p}print(Print)`, ['src']);
    await network.says(/print \| 20\n/);
    expect(src.output.match(/start "go"/g)).to.have.length(1);
  });
});
