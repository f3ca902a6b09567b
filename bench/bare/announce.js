/**
 * The least that a hand-written participant does before it is there: connect, declare its queues, subscribe, announce.
 * Run as `node bench/bare/announce.js <url> <role>`.
 */
const [url = '', role = ''] = process.argv.slice(2);
const inqueue = `${role}.IN`;
const outqueue = `${role}.OUT`;
const payload = {
  id: role,
  role,
  component: 'Bare',
  inports: [{ id: 'in', queue: inqueue }],
  outports: [{ id: 'out', queue: outqueue }],
};
const announcement = Buffer.from(JSON.stringify({ protocol: 'discovery', command: 'participant', payload }));
if (url.startsWith('amqp')) await announceOverAmqp();
else await announceOverMqtt();

async function announceOverAmqp() {
  const { connect } = await import('amqplib');
  const model = await connect(url, { noDelay: true });
  process.once('SIGTERM', () => void model.close());
  const channel = await model.createConfirmChannel();
  await channel.assertQueue(inqueue);
  await channel.assertExchange(outqueue, 'fanout');
  await channel.assertExchange('fbp', 'fanout');
  await channel.consume(inqueue, () => {});
  channel.publish('fbp', '', announcement);
  await channel.waitForConfirms();
}

async function announceOverMqtt() {
  const { connectAsync } = await import('mqtt');
  const client = await connectAsync(url, { protocolVersion: 5 });
  process.once('SIGTERM', () => client.end());
  await client.subscribeAsync(inqueue, { qos: 1 });
  await client.publishAsync('fbp', announcement, { qos: 1 });
}
