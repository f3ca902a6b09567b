import { expect } from 'chai';
import { eventually, rejection, type Stage } from './stage.js';

export function settlingSpecs(stage: () => Stage): void {
  it('delivers again what was given back, marked as redelivered', async () => {
    const broker = await stage().connect();
    const inqueue = await stage().inqueue(broker);
    const inbox = await stage().hold(broker, inqueue);
    await broker.send('inqueue', inqueue, { data: 'again' });
    (await inbox.next()).settle('requeue');
    const second = await inbox.next();
    expect(second.delivery).to.deep.include({ data: 'again', redelivered: true });
    second.settle();
  });

  it('delivers again what a consumer held that died', async () => {
    const sender = await stage().connect();
    const mortal = await stage().connect({ slot: 'worker.0' });
    const inqueue = await stage().inqueue(mortal);
    const inbox = await stage().hold(mortal, inqueue, { prefetch: 2 });
    await sender.send('inqueue', inqueue, { data: 'first' });
    await sender.send('inqueue', inqueue, { data: 'second' });
    await inbox.next();
    await inbox.next();
    await stage().kill(mortal);
    const heir = await stage().connect({ slot: 'worker.0' });
    await heir.declare('inqueue', inqueue);
    const inherited = await stage().collect(heir, inqueue);
    expect((await inherited.next()).delivery).to.deep.include({ data: 'first', redelivered: true });
    expect((await inherited.next()).delivery).to.deep.include({ data: 'second', redelivered: true });
  });

  it('gives each message to one of several consumers of an inqueue', async () => {
    const sender = await stage().connect();
    const clients = [await stage().connect({ slot: 'w.0' }), await stage().connect({ slot: 'w.1' })];
    const inqueue = await stage().inqueue(sender);
    const inboxes = await Promise.all(
      clients.map(async (client) => {
        await client.declare('inqueue', inqueue);
        return stage().collect(client, inqueue);
      }),
    );
    const numbers = Array.from({ length: 20 }, (_, at) => at);
    for (const data of numbers) await sender.send('inqueue', inqueue, { data });
    const all = () => inboxes.flatMap((inbox) => inbox.data);
    await eventually(() => all().length >= numbers.length, 'all messages');
    expect(all().sort((a, b) => Number(a) - Number(b))).to.deep.equal(numbers);
    for (const inbox of inboxes) expect(inbox.data).not.to.have.length(0);
  });

  it('never has more than prefetch deliveries in hand, and uses all of it', async () => {
    const broker = await stage().connect();
    const [inqueue, other] = [await stage().inqueue(broker), await stage().inqueue(broker)];
    const inbox = await stage().hold(broker, inqueue, { prefetch: 3 });
    const markers = await stage().collect(broker, other);
    for (const data of [1, 2, 3, 4, 5, 6, 7, 8]) await broker.send('inqueue', inqueue, { data });
    await eventually(() => inbox.all.length === 3, 'three deliveries');
    await broker.send('inqueue', other, { data: 'marker' });
    await markers.next();
    expect(inbox.all).to.have.length(3);
    // Settled out of order: each makes room for one.
    inbox.all[2]?.settle();
    await eventually(() => inbox.all.length === 4, 'a fourth delivery');
    await broker.send('inqueue', other, { data: 'marker' });
    await markers.next();
    expect(inbox.all).to.have.length(4);
    for (let settled = 0; settled < 8; settled += 1) (await inbox.next()).settle();
    expect(inbox.data).to.have.members([1, 2, 3, 4, 5, 6, 7, 8]);
  });

  it('sends the outputs of a settlement', async () => {
    const broker = await stage().connect();
    const [first, out, last] = [
      await stage().inqueue(broker),
      await stage().outqueue(broker),
      await stage().inqueue(broker),
    ];
    const inbox = await stage().hold(broker, first);
    const results = await stage().collect(broker, last);
    await stage().connectEdge(broker, results.consumer, out, last);
    await broker.send('inqueue', first, { data: 1 });
    (await inbox.next()).settle('ack', [
      { outqueue: out, data: 'one', headers: { step: '1' }, mandatory: true },
      { outqueue: out, data: 'two' },
    ]);
    const { delivery } = await results.next();
    expect(delivery.data).to.equal('one');
    if (broker.capabilities.headers) expect(delivery.headers).to.include({ step: '1' });
    expect((await results.next()).delivery.data).to.equal('two');
  });

  it('refuses a mandatory send that nobody takes, where the broker can tell: MSGFLO_UNROUTED', async () => {
    const broker = await stage().connect();
    const source = await stage().outqueue(broker);
    const sending = broker.send('outqueue', source, { data: 1 }, { mandatory: true });
    if (!broker.capabilities.reportsUnrouted) return sending;
    expect(await rejection(sending, 'MSGFLO_UNROUTED')).to.include({ retryable: true, queue: source });
  });

  it('holds a mandatory output that nobody takes, and the delivery with it, until somebody does', async function () {
    const broker = await stage().connect();
    if (!broker.capabilities.reportsUnrouted) return this.skip();
    const [first, out, last] = [
      await stage().inqueue(broker),
      await stage().outqueue(broker),
      await stage().inqueue(broker),
    ];
    const inbox = await stage().hold(broker, first, { prefetch: 1 });
    await broker.send('inqueue', first, { data: 1 });
    await broker.send('inqueue', first, { data: 2 });
    (await inbox.next()).settle('ack', [{ outqueue: out, data: 'held', mandatory: true }]);
    const results = await stage().collect(broker, last);
    await broker.send('inqueue', last, { data: 'marker' });
    expect((await results.next()).delivery.data).to.equal('marker');
    expect(inbox.data, 'the input is not settled yet').to.deep.equal([1]);
    await stage().connectEdge(broker, results.consumer, out, last);
    expect((await results.next()).delivery.data).to.equal('held');
    expect((await inbox.next()).delivery.data).to.equal(2);
  });

  it('gives back on close a delivery whose mandatory output nobody took', async function () {
    const closing = await stage().connect({ slot: 'held.0' });
    if (!closing.capabilities.reportsUnrouted) return this.skip();
    const [inqueue, out] = [await stage().inqueue(closing), await stage().outqueue(closing)];
    const inbox = await stage().hold(closing, inqueue);
    await closing.send('inqueue', inqueue, { data: 'back' });
    (await inbox.next()).settle('ack', [{ outqueue: out, data: 'nobody', mandatory: true }]);
    await closing.close();
    const heir = await stage().connect({ slot: 'held.0' });
    await heir.declare('inqueue', inqueue);
    const inherited = await stage().collect(heir, inqueue);
    expect((await inherited.next()).delivery).to.deep.include({ data: 'back', redelivered: true });
  });

  it('hands to another consumer what one gives back that is cancelled, which ends at once', async () => {
    const broker = await stage().connect();
    const inqueue = await stage().inqueue(broker);
    const leaving = await stage().hold(broker, inqueue);
    await broker.send('inqueue', inqueue, { data: 'given back' });
    const held = await leaving.next();
    const cancelled = leaving.consumer.cancel();
    const staying = await stage().hold(broker, inqueue);
    held.settle('requeue');
    await cancelled;
    const again = await staying.next();
    expect(again.delivery).to.deep.include({ data: 'given back', redelivered: true });
    expect(leaving.all).to.have.length(1);
    again.settle();
  });

  it('starts no delivery after cancel(), which waits for those in hand', async () => {
    const broker = await stage().connect();
    const inqueue = await stage().inqueue(broker);
    const inbox = await stage().hold(broker, inqueue);
    await broker.send('inqueue', inqueue, { data: 1 });
    const held = await inbox.next();
    let isCancelled = false;
    const cancelling = inbox.consumer.cancel().then(() => {
      isCancelled = true;
    });
    if (broker.capabilities.binds) await broker.send('inqueue', inqueue, { data: 2 });
    expect(isCancelled).to.equal(false);
    held.settle();
    await cancelling;
    await inbox.consumer.cancel();
    if (!broker.capabilities.binds) return;
    const rest = await stage().collect(broker, inqueue);
    expect((await rest.next()).delivery.data).to.equal(2);
    expect(inbox.data).to.deep.equal([1]);
  });
}
