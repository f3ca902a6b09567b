import { connect } from 'amqplib';
import { expect } from 'chai';
import { connectAsync } from 'mqtt';
import { brokers, Stage } from './programs.js';

/**
 * msgflo-python is not installed here. Bare clients stand for programs that use it and do on the wire what it does: they
 * announce themselves once, before they take messages, under an id without dash, with slashes in the names of queues
 * that are neither durable nor kept, at QoS 0.
 */
describe('participants as msgflo-python has them', function () {
  this.timeout(40_000);
  let stage: Stage;
  let stop: () => Promise<void>;
  afterEach(async () => {
    await stop();
    await stage.end();
  });

  const start = () => {
    const { p } = stage;
    const role = `${p}python`;
    const payload = {
      id: `${role}4711`,
      role,
      component: 'Python',
      label: '',
      icon: 'file-word-o',
      inports: [{ id: 'in', type: 'any', queue: `${role}/in` }],
      outports: [{ id: 'out', type: 'any', queue: `${role}/out` }],
    };
    const graph = `${p}tick(Tick) OUT -> IN ${role}(Python) OUT -> IN ${p}print(Print)
                   'iip' -> IN ${role}`;
    return {
      inqueue: `${role}/in`,
      outqueue: `${role}/out`,
      announcement: Buffer.from(JSON.stringify({ protocol: 'discovery', command: 'participant', payload })),
      network: stage.network(graph, ['python']),
    };
  };

  it('on RabbitMQ: bound once their queues exist', async () => {
    stage = new Stage(await brokers.RabbitMQ());
    const model = await connect(stage.broker);
    stop = () => model.close();
    const channel = await model.createChannel();
    const { inqueue, outqueue, announcement, network } = start();
    const running = await network;
    await running.says('msgflo started on');
    channel.publish('', 'fbp', announcement);
    await running.says('3 of 3 roles live');
    await channel.assertQueue(inqueue, { durable: false, autoDelete: true });
    await channel.consume(inqueue, (taken) => {
      if (!taken) return;
      channel.publish(outqueue, '', taken.content);
      channel.ack(taken);
    });
    await channel.assertExchange(outqueue, 'fanout', { durable: false, autoDelete: true });
    await running.says('print | iip');
    await running.says(/print \| 20\n/);
    expect(running.output.match(/print \| iip/g)).to.have.length(1);
  });

  it('on Mosquitto: the IIP waits until they listen', async () => {
    stage = new Stage(await brokers.Mosquitto());
    const client = await connectAsync(stage.broker);
    stop = () => client.endAsync();
    const { inqueue, outqueue, announcement, network } = start();
    const running = await network;
    await running.says('msgflo started on');
    client.publish('fbp', announcement, { qos: 0 });
    await running.says('the network is complete');
    client.on('message', (_topic, payload) => client.publish(outqueue, payload, { qos: 0 }));
    await client.subscribeAsync(inqueue, { qos: 0 });
    await running.says('print | iip');
    await running.says(/print \| \d+\n/);
    expect(running.output.match(/print \| iip/g)).to.have.length(1);
  });
});
