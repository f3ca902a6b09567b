import { expect } from 'chai';
import { asQueueName, type QueueName } from '../../../src/names.js';
import type { Broker, BrowseRange, KeptMessage } from '../../../src/transport/index.js';
import type { Server } from './server.js';
import { eventually, rejection, type Stage } from './stage.js';

const MANY = 3000;

/** Where `capabilities.replay`; elsewhere there is no such call. */
export function browsingSpecs(server: () => Server, stage: () => Stage): void {
  async function kept(broker: Broker, queue: QueueName, range?: BrowseRange): Promise<KeptMessage[]> {
    const all: KeptMessage[] = [];
    for await (const page of broker.browse?.(queue, range) ?? []) all.push(...page);
    return all;
  }
  const data = (messages: readonly KeptMessage[]): unknown[] => messages.map(({ body }) => JSON.parse(String(body)));

  /** A client, where this can be done at all, and an inqueue with so many numbers in it. */
  async function filled(count: number): Promise<{ broker: Broker; queue: QueueName } | undefined> {
    const broker = await stage().connect();
    if (!broker.capabilities.replay) {
      expect(broker.browse).to.equal(undefined);
      return undefined;
    }
    const queue = await stage().inqueue(broker);
    const numbers = Array.from({ length: count }, (_, n) => n);
    await Promise.all(numbers.map((n) => broker.send('inqueue', queue, { data: n, headers: { n: String(n) } })));
    return { broker, queue };
  }

  it('shows what was sent, in order, with its headers, whether it was taken or not', async function () {
    const { broker, queue } = (await filled(10)) ?? this.skip();
    const before = await kept(broker, queue);
    expect(data(before)).to.deep.equal([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(before[7]?.headers).to.include({ n: '7' });
    expect(Date.now() - (before[0]?.timestampMs ?? 0)).to.be.within(0, 60_000);
    const inbox = await stage().collect(broker, queue);
    await eventually(() => inbox.all.length === 10, 'all deliveries');
    await eventually(async () => (await broker.depths([queue]))[0]?.unacked === 0, 'all to be settled');
    expect((await kept(broker, queue)).map(({ id }) => id)).to.deep.equal(before.map(({ id }) => id));
  });

  it('shows what lies between two ids or times, both included, and no more than was asked for', async function () {
    const { broker, queue } = (await filled(10)) ?? this.skip();
    const all = await kept(broker, queue);
    const [from = '', to = ''] = [all[2]?.id, all[5]?.id];
    expect(data(await kept(broker, queue, { from, to }))).to.deep.equal([2, 3, 4, 5]);
    expect(data(await kept(broker, queue, { from, limit: 2 }))).to.deep.equal([2, 3]);
    const [first, last] = [all[0]?.timestampMs, all[9]?.timestampMs];
    expect(await kept(broker, queue, { from: String(first), to: String(last) })).to.have.length(10);
    expect(await kept(broker, queue, { from: String((last ?? 0) + 60_000) })).to.deep.equal([]);
  });

  it('shows many, page by page, and ends when it is told to; nobody is held up meanwhile', async function () {
    const { broker, queue } = (await filled(MANY)) ?? this.skip();
    const looking = broker.browse?.(queue) ?? this.skip();
    const first = await looking.next();
    expect(first.value?.[0]).to.have.property('id');
    await broker.send('inqueue', queue, { data: 'more' });
    await looking.return();
    expect((await looking.next()).done).to.equal(true);
    expect((await kept(broker, queue, { limit: MANY })).length).to.equal(MANY);
  });

  it('refuses a queue that never was: MSGFLO_QUEUE_NOT_FOUND; and ends with the connection', async function () {
    const { broker, queue } = (await filled(10)) ?? this.skip();
    await rejection(kept(broker, asQueueName(`${queue}-never`)), 'MSGFLO_QUEUE_NOT_FOUND');
    const other = await stage().connect();
    const looking = other.browse?.(queue) ?? this.skip();
    await looking.next();
    await server().kill?.(other);
    const error = await looking.next().then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error).to.be.instanceOf(Error);
  });
}
