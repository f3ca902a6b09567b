import { expect } from 'chai';
import type { Binding } from '../../../src/transport/index.js';
import { eventually, rejection } from '../conformance/stage.js';
import { AmqpStage } from './stage.js';

describe('what an AMQP broker refuses', () => {
  const stage = AmqpStage.onSharedServer();

  it('fails the sends to a missing exchange, and the others sent meanwhile arrive in order', async () => {
    const ours = await stage.connect();
    const [inqueue, missing] = [stage.name('IN'), stage.name('missing')];
    await ours.declare('inqueue', inqueue);
    const numbers = Array.from({ length: 300 }, (_, at) => at);
    const failed: Promise<unknown>[] = [];
    const sent = numbers.map((data) => {
      if (data % 50 === 25) failed.push(rejection(ours.send('outqueue', missing, { data }), 'MSGFLO_QUEUE_NOT_FOUND'));
      return ours.send('inqueue', inqueue, { data });
    });
    await Promise.all(failed);
    await Promise.all(sent);
    const seen: unknown[] = [];
    await ours.consume(inqueue, async ({ data, headers }) => {
      if (!seen.includes(data)) seen.push(data);
      expect(headers['message-id']).to.be.a('string');
      return { verdict: 'ack', outputs: [] };
    });
    await eventually(() => seen.length === numbers.length, 'all messages');
    expect(seen).to.deep.equal(numbers);
    await ours.declare('outqueue', missing);
    await ours.send('outqueue', missing, { data: 'found' });
  });

  it('fails alone a send whose refusal names nobody: MSGFLO_REFUSED', async () => {
    const ours = await stage.connect();
    const inqueue = stage.name('IN');
    await ours.declare('inqueue', inqueue);
    // RabbitMQ wants a list in the header CC and closes the channel over a text.
    const bad = rejection(ours.send('inqueue', inqueue, { data: 'bad', headers: { CC: 'text' } }), 'MSGFLO_REFUSED');
    const good = Array.from({ length: 20 }, (_, data) => ours.send('inqueue', inqueue, { data }));
    await bad;
    await Promise.all(good);
  });

  it('refuses headers that AMQP cannot carry: MSGFLO_REFUSED', async () => {
    const ours = await stage.connect();
    const inqueue = stage.name('IN');
    await ours.declare('inqueue', inqueue);
    const headers = { large: 'x'.repeat(70_000) };
    await rejection(ours.send('inqueue', inqueue, { data: 1, headers }), 'MSGFLO_REFUSED');
    await ours.send('inqueue', inqueue, { data: 1 });
  });

  it('binds the others of many bindings of which some name missing queues, a thousand in 15 s', async function () {
    this.timeout(60_000);
    const ours = await stage.connect();
    const pairs = Array.from({ length: 40 }, () => ({ source: stage.name('OUT'), target: stage.name('IN') }));
    await Promise.all(pairs.flatMap((p) => [ours.declare('outqueue', p.source), ours.declare('inqueue', p.target)]));
    const bindings: Binding[] = pairs.flatMap(({ source }) =>
      pairs.slice(0, 25).map(({ target }): Binding => ({ kind: 'pubsub', source, target })),
    );
    const missing = bindings.slice(0, 20).map((binding) => ({ ...binding, target: stage.name('missing') }));
    const beganMs = performance.now();
    const outcomes = await Promise.allSettled([...bindings, ...missing].map((binding) => ours.bind(binding)));
    expect(performance.now() - beganMs).to.be.lessThan(15_000);
    expect(outcomes.map(({ status }) => status)).to.deep.equal([
      ...bindings.map(() => 'fulfilled'),
      ...missing.map(() => 'rejected'),
    ]);
    expect(await ours.bindings()).to.have.length(1000);
  });

  it('sends an unrouted output again, that one only', async () => {
    const ours = await stage.connect();
    const [inqueue, routed, unrouted, target] = [stage.name('IN'), stage.name('A'), stage.name('B'), stage.name('T')];
    await ours.declare('inqueue', inqueue);
    await ours.declare('inqueue', target);
    for (const out of [routed, unrouted]) await ours.declare('outqueue', out);
    await ours.bind({ kind: 'pubsub', source: routed, target });
    const headers = { 'message-id': 'the same' };
    await ours.consume(inqueue, async () => ({
      verdict: 'ack',
      outputs: [
        { outqueue: routed, data: 'routed', headers, mandatory: true },
        { outqueue: unrouted, data: 'unrouted', headers, mandatory: true },
      ],
    }));
    const seen: unknown[] = [];
    await ours.consume(target, async ({ data }) => {
      seen.push(data);
      return { verdict: 'ack', outputs: [] };
    });
    await ours.send('inqueue', inqueue, { data: 1 });
    await eventually(() => seen.length > 0, 'the routed output');
    await ours.bind({ kind: 'pubsub', source: unrouted, target });
    await eventually(() => seen.length > 1, 'the held output');
    expect(seen).to.deep.equal(['routed', 'unrouted']);
  });

  it('holds an output whose exchange is missing until it is declared', async () => {
    const ours = await stage.connect();
    const [inqueue, out] = [stage.name('IN'), stage.name('OUT')];
    await ours.declare('inqueue', inqueue);
    let isHandled = false;
    await ours.consume(inqueue, async () => {
      isHandled = true;
      return { verdict: 'ack', outputs: [{ outqueue: out, data: 'held', mandatory: true }] };
    });
    await ours.send('inqueue', inqueue, { data: 1 });
    await eventually(() => isHandled, 'the delivery');
    const bare = await stage.bare();
    await bare.assertExchange(out, 'fanout');
    const { queue } = await bare.assertQueue('', { exclusive: true });
    await bare.bindQueue(queue, out, '');
    // The input may have been repeated with the channel that the first try cost: then there are two.
    await eventually(async () => (await bare.checkQueue(queue)).messageCount > 0, 'the held output');
  });
});
