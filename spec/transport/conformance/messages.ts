import { expect } from 'chai';
import { HEADER } from '../../../src/transport/index.js';
import type { Stage } from './stage.js';

/** Long enough that no other has it. */
const AN_ID = /^[0-9a-z~.:-]{20,}$/;

export function messageSpecs(stage: () => Stage): void {
  const payloads: readonly [string, unknown][] = [
    ['false', false],
    ['zero', 0],
    ['an empty text', ''],
    ['null', null],
    ['an object', { a: [1, { b: 'c' }], d: 1.5 }],
    ['text of any script', 'žluťoučký kůň, 日本語, 👩‍🚀, \u0000 \n'],
    ['bytes that are no JSON', Buffer.from([0xff, 0x00, 0xfe, 0x7b])],
    ['no bytes at all', Buffer.alloc(0)],
    ['a megabyte of bytes', Buffer.alloc(1024 * 1024, 0xfe)],
  ];
  for (const [what, data] of payloads) {
    it(`carries ${what}`, async () => {
      const broker = await stage().connect();
      const inqueue = await stage().inqueue(broker);
      const inbox = await stage().collect(broker, inqueue);
      await broker.send('inqueue', inqueue, { data });
      const { delivery } = await inbox.next();
      if (Buffer.isBuffer(data)) expect(data.equals(Buffer.from(delivery.data as Buffer))).to.equal(true);
      else expect(delivery.data).to.deep.equal(data);
      expect(delivery.redelivered).to.equal(false);
    });
  }

  it('carries headers, and gives every message an id where there is none', async () => {
    const broker = await stage().connect();
    const inqueue = await stage().inqueue(broker);
    const inbox = await stage().collect(broker, inqueue);
    await broker.send('inqueue', inqueue, { data: 1, headers: { colour: 'blå', [HEADER.messageId]: 'mine' } });
    await broker.send('inqueue', inqueue, { data: 2 });
    const first = (await inbox.next()).delivery.headers;
    const second = (await inbox.next()).delivery.headers;
    if (!broker.capabilities.headers) return void expect([first, second]).to.deep.equal([{}, {}]);
    expect(first).to.include({ colour: 'blå', [HEADER.messageId]: 'mine' });
    expect(second[HEADER.messageId]).to.match(AN_ID);
  });

  it('tells when a message was first sent, unless the sender said so, and passes on the trace and the priority', async () => {
    const broker = await stage().connect();
    if (!broker.capabilities.headers) return;
    const inqueue = await stage().inqueue(broker);
    const inbox = await stage().collect(broker, inqueue);
    const given = {
      [HEADER.createdAt]: '1700000000000',
      [HEADER.contentType]: 'text/csv',
      [HEADER.replyTo]: 'answers',
      [HEADER.traceparent]: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
      [HEADER.tracestate]: 'vendor=value,other=1',
      [HEADER.priority]: '7',
    };
    const beforeMs = Date.now();
    await broker.send('inqueue', inqueue, { data: 1 });
    const afterMs = Date.now();
    await broker.send('inqueue', inqueue, { data: 2, headers: given });
    const { headers } = (await inbox.next()).delivery;
    expect(headers[HEADER.createdAt]).to.match(/^\d+$/);
    expect(Number(headers[HEADER.createdAt])).to.be.within(beforeMs, afterMs);
    expect((await inbox.next()).delivery.headers).to.include(given);
  });

  it('gives outputs an id and a time of their own, and keeps both on a redelivery', async () => {
    const broker = await stage().connect();
    if (!broker.capabilities.headers) return;
    const [first, out, last] = [
      await stage().inqueue(broker),
      await stage().outqueue(broker),
      await stage().inqueue(broker),
    ];
    const [inbox, results] = [await stage().hold(broker, first), await stage().hold(broker, last)];
    await stage().connectEdge(broker, results.consumer, out, last);
    await broker.send('inqueue', first, { data: 1, headers: { [HEADER.messageId]: 'mine' } });
    (await inbox.next()).settle('ack', [{ outqueue: out, data: 2 }]);
    const result = await results.next();
    expect(result.delivery.headers[HEADER.messageId]).to.match(AN_ID);
    expect(result.delivery.headers[HEADER.createdAt]).to.match(/^\d+$/);
    result.settle('requeue');
    const again = await results.next();
    for (const name of [HEADER.messageId, HEADER.createdAt])
      expect(again.delivery.headers[name]).to.equal(result.delivery.headers[name]);
    again.settle();
  });

  it('delivers to an inqueue what is sent to the outqueue connected to it', async () => {
    const broker = await stage().connect();
    const [source, target] = [await stage().outqueue(broker), await stage().inqueue(broker)];
    const inbox = await stage().collect(broker, target);
    await stage().connectEdge(broker, inbox.consumer, source, target);
    await broker.send('outqueue', source, { data: { answer: 42 } });
    expect((await inbox.next()).delivery.data).to.deep.equal({ answer: 42 });
  });

  it('gives each connected inqueue a copy', async () => {
    const broker = await stage().connect();
    const source = await stage().outqueue(broker);
    const targets = [await stage().inqueue(broker), await stage().inqueue(broker)];
    const inboxes = await Promise.all(
      targets.map(async (target) => {
        const inbox = await stage().collect(broker, target);
        await stage().connectEdge(broker, inbox.consumer, source, target);
        return inbox;
      }),
    );
    await broker.send('outqueue', source, { data: 'copy' });
    for (const inbox of inboxes) expect((await inbox.next()).delivery.data).to.equal('copy');
  });

  it('connects an outqueue and an inqueue of one name by itself', async () => {
    const broker = await stage().connect();
    const name = await stage().inqueue(broker);
    await broker.declare('outqueue', name);
    const inbox = await stage().collect(broker, name);
    await broker.send('outqueue', name, { data: 'through' });
    await broker.send('inqueue', name, { data: 'marker' });
    expect((await inbox.next()).delivery.data).to.equal('through');
    expect((await inbox.next()).delivery.data).to.equal('marker');
  });

  it('keeps the order with a prefetch of 1', async () => {
    const broker = await stage().connect();
    const inqueue = await stage().inqueue(broker);
    const inbox = await stage().collect(broker, inqueue, { prefetch: 1 });
    const numbers = Array.from({ length: 50 }, (_, at) => at);
    await Promise.all(numbers.map((data) => broker.send('inqueue', inqueue, { data })));
    for (const _ of numbers) await inbox.next();
    expect(inbox.data).to.deep.equal(numbers);
  });

  it('drops what is sent while nobody is connected, without an error', async () => {
    const broker = await stage().connect();
    const source = await stage().outqueue(broker);
    await broker.send('outqueue', source, { data: 'lost' });
  });
}
