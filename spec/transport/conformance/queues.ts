import { expect } from 'chai';
import { eventually, rejection, type Stage } from './stage.js';

export function queueSpecs(stage: () => Stage): void {
  it('keeps messages in an inqueue until somebody consumes, where the broker has queues', async function () {
    const broker = await stage().connect();
    if (!broker.capabilities.binds) return this.skip();
    const inqueue = await stage().inqueue(broker);
    for (const data of [1, 2, 3]) await broker.send('inqueue', inqueue, { data });
    const inbox = await stage().collect(broker, inqueue);
    for (const data of [1, 2, 3]) expect((await inbox.next()).delivery.data).to.equal(data);
  });

  it('declares the same queue as often as asked', async () => {
    const broker = await stage().connect();
    const [inqueue, outqueue] = [await stage().inqueue(broker), await stage().outqueue(broker)];
    await broker.declare('inqueue', inqueue);
    await broker.declare('outqueue', outqueue, { persistent: true });
  });

  it('refuses a queue with other arguments, where the broker can tell: MSGFLO_QUEUE_MISMATCH', async function () {
    const broker = await stage().connect();
    if (!broker.capabilities.binds) return this.skip();
    const inqueue = await stage().inqueue(broker);
    const error = await rejection(broker.declare('inqueue', inqueue, { persistent: false }), 'MSGFLO_QUEUE_MISMATCH');
    expect(error).to.include({ queue: inqueue, retryable: false });
    const inbox = await stage().collect(broker, inqueue);
    await broker.send('inqueue', inqueue, { data: 'unharmed' });
    expect((await inbox.next()).delivery.data).to.equal('unharmed');
  });

  it('refuses to consume from no queue, where the broker can tell: MSGFLO_QUEUE_NOT_FOUND', async function () {
    const broker = await stage().connect();
    if (!broker.capabilities.binds) return this.skip();
    const missing = stage().name('missing');
    expect(await rejection(stage().collect(broker, missing), 'MSGFLO_QUEUE_NOT_FOUND')).to.include({ queue: missing });
  });

  it('refuses a prefetch that bounds nothing: RangeError', async () => {
    const broker = await stage().connect();
    const inqueue = await stage().inqueue(broker);
    for (const prefetch of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      const outcome = await stage()
        .collect(broker, inqueue, { prefetch })
        .catch((error: unknown) => error);
      expect(outcome, `prefetch ${prefetch}`).to.be.instanceOf(RangeError);
    }
  });

  it('forgets a queue that is not persistent with its last user', async function () {
    const [owner, other] = [await stage().connect(), await stage().connect()];
    if (!owner.capabilities.binds) return this.skip();
    const inqueue = stage().name('passing');
    await owner.declare('inqueue', inqueue, { persistent: false });
    const inbox = await stage().collect(owner, inqueue);
    await other.send('inqueue', inqueue, { data: 'here' });
    expect((await inbox.next()).delivery.data).to.equal('here');
    await owner.close();
    await rejection(stage().collect(other, inqueue), 'MSGFLO_QUEUE_NOT_FOUND');
  });

  it('tells how many messages are ready and how many consumers there are, or refuses: MSGFLO_UNSUPPORTED', async () => {
    const broker = await stage().connect();
    const [idle, busy, missing] = [
      await stage().inqueue(broker),
      await stage().inqueue(broker),
      stage().name('missing'),
    ];
    const asked = () => broker.depths([idle, missing, busy]);
    if (!broker.capabilities.depths) return void (await rejection(asked(), 'MSGFLO_UNSUPPORTED'));
    await stage().hold(broker, busy, { prefetch: 1 });
    for (const data of [1, 2, 3]) await broker.send('inqueue', busy, { data });
    await broker.send('inqueue', idle, { data: 1 });
    const rows = await eventually(async () => {
      const now = await asked();
      return now[0]?.ready === 1 && now[1]?.ready === 2 && now;
    }, 'the depths');
    expect(rows).to.have.length(2);
    expect(rows[0]).to.include({ queue: idle, consumers: 0 });
    expect(rows[1]).to.include({ queue: busy, consumers: 1 });
    expect(rows[1]?.unacked ?? 1).to.equal(1);
  });
}
