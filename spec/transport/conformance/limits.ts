import { expect } from 'chai';
import type { QueueName } from '../../../src/names.js';
import type { Broker, QueueOptions } from '../../../src/transport/index.js';
import { eventually, rejection, type Stage } from './stage.js';

/** Sends each of `bodies`, in order; those that are taken come to stand in `taken`. */
export function sendAll(broker: Broker, inqueue: QueueName, bodies: readonly unknown[]) {
  const taken: unknown[] = [];
  const sending = bodies.map((data) => broker.send('inqueue', inqueue, { data }).then(() => taken.push(data)));
  return { taken, all: Promise.all(sending) };
}

export function limitSpecs(stage: () => Stage): void {
  async function ready(broker: Broker, inqueue: QueueName): Promise<number> {
    const [row] = await broker.depths([inqueue]);
    return row?.ready ?? 0;
  }

  for (const [option, limited] of Object.entries({ maxLength: { maxLength: 3 }, maxBytes: { maxBytes: 1000 } })) {
    const options: QueueOptions = limited;
    // Three of them fit in 1,000 bytes, four do not.
    const bodies = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'].map((letter) => letter.repeat(300));

    it(`hold senders beyond ${option}: nothing is lost, and the order stays, or it is refused: MSGFLO_UNSUPPORTED`, async () => {
      const broker = await stage().connect();
      const declaring = stage().inqueue(broker, options);
      if (!broker.capabilities.limits) return void (await rejection(declaring, 'MSGFLO_UNSUPPORTED'));
      const inqueue = await declaring;
      const { taken, all } = sendAll(broker, inqueue, bodies);
      await eventually(() => taken.length >= 3, 'three sends');
      await stage().pass(broker);
      expect(taken, 'confirmed while nobody consumes').to.deep.equal(bodies.slice(0, 3));
      if (broker.capabilities.depths) expect(await ready(broker, inqueue)).to.equal(3);
      const inbox = await stage().collect(broker, inqueue);
      await all;
      await eventually(() => inbox.all.length >= bodies.length, 'all deliveries');
      expect(inbox.data).to.deep.equal(bodies);
    });
  }

  it('let a send go that is held while its client closes: MSGFLO_NOT_CONNECTED', async () => {
    const [owner, closing] = [await stage().connect(), await stage().connect()];
    if (!owner.capabilities.limits) return;
    const inqueue = await stage().inqueue(owner, { maxLength: 1 });
    await owner.send('inqueue', inqueue, { data: 1 });
    const held = closing.send('inqueue', inqueue, { data: 2 });
    const outcome = rejection(held, 'MSGFLO_NOT_CONNECTED');
    await stage().pass(closing);
    await closing.close({ graceMs: 100 });
    await outcome;
    const inbox = await stage().collect(owner, inqueue);
    expect((await inbox.next()).delivery.data).to.equal(1);
    await owner.send('inqueue', inqueue, { data: 'marker' });
    await eventually(() => inbox.data.includes('marker'), 'the marker');
  });

  it('hold back one queue, not the other queues of the same sender', async () => {
    const broker = await stage().connect();
    if (!broker.capabilities.limits) return;
    const full = await stage().inqueue(broker, { maxLength: 1 });
    const { taken, all } = sendAll(broker, full, [1, 2, 3]);
    await eventually(() => taken.length === 1, 'the first');
    await stage().pass(broker);
    const inbox = await stage().collect(broker, full);
    await all;
    for (const data of [1, 2, 3]) expect((await inbox.next()).delivery.data).to.equal(data);
  });

  it('leave an input unsettled until there is room for all outputs made from it', async () => {
    const broker = await stage().connect();
    if (!broker.capabilities.limits) return;
    const [inqueue, out, target] = [
      await stage().inqueue(broker),
      await stage().outqueue(broker),
      await stage().inqueue(broker, { maxLength: 1 }),
    ];
    await broker.bind({ kind: 'pubsub', source: out, target });
    await broker.send('inqueue', target, { data: 'in the way' });
    const settled: boolean[] = [];
    let begun = 0;
    await broker.consume(inqueue, async () => {
      begun += 1;
      return {
        verdict: 'ack',
        outputs: [{ outqueue: out, data: 'output', mandatory: true }],
        settled: (isCarriedOut) => void settled.push(isCarriedOut),
      };
    });
    await broker.send('inqueue', inqueue, { data: 1 });
    await eventually(() => begun === 1, 'the delivery');
    await stage().pass(broker);
    expect(settled, 'while there is no room').to.deep.equal([]);
    const inbox = await stage().collect(broker, target);
    expect((await inbox.next()).delivery.data).to.equal('in the way');
    expect((await inbox.next()).delivery.data).to.equal('output');
    await eventually(() => settled.length === 1, 'the settlement');
    expect([settled, begun]).to.deep.equal([[true], 1]);
  });

  it('give back at close, after the grace, an input whose output still waits for room', async () => {
    const [owner, closing] = [await stage().connect(), await stage().connect()];
    if (!owner.capabilities.limits) return;
    const [inqueue, out, target] = [
      await stage().inqueue(owner),
      await stage().outqueue(owner),
      await stage().inqueue(owner, { maxLength: 1 }),
    ];
    await owner.bind({ kind: 'pubsub', source: out, target });
    await owner.send('inqueue', target, { data: 'in the way' });
    const inbox = await stage().hold(closing, inqueue);
    await owner.send('inqueue', inqueue, { data: 'input' });
    (await inbox.next()).settle('ack', [{ outqueue: out, data: 'output' }]);
    await stage().pass(closing);
    await closing.close({ graceMs: 100 });
    const heir = await stage().collect(owner, inqueue);
    expect((await heir.next()).delivery).to.deep.include({ data: 'input', redelivered: true });
    const results = await stage().collect(owner, target);
    expect((await results.next()).delivery.data).to.equal('in the way');
  });
}
