import { expect } from 'chai';
import { asQueueName } from '../../src/names.js';
import { participant } from '../../src/participant/index.js';
import { deadLetterQueue, HEADER } from '../../src/transport/index.js';
import { dataOf, keepingLogger, Network, until } from './network.js';

const repeat = participant({
  component: 'Repeat',
  inports: { in: {} },
  outports: { out: {} },
  prefetch: 20,
  process: ({ in: data }, { send, headers }) => send('out', data, headers),
});

describe('process()', () => {
  let network: Network;
  beforeEach(async () => {
    network = await Network.open();
  });
  afterEach(() => network.close());

  it('gets each message of its inport and sends what it makes of it, in order', async () => {
    const got = await network.collect('a.OUT');
    await network.start(repeat, 'a');
    await network.wire('a', { out: 'ready' });
    const wanted = Array.from({ length: 100 }, (_, n) => ({ n }));
    for (const data of wanted) await network.send('a.IN', data, { colour: 'red' });
    await until(() => got.length === 100);
    expect(dataOf(got)).to.deep.equal(wanted);
    expect(got[0]?.headers).to.include({ colour: 'red', [HEADER.contentType]: 'application/json' });
  });

  it('passes bytes that are not JSON through untouched', async () => {
    const got = await network.collect('a.OUT');
    await network.start(repeat, 'a');
    await network.wire('a', { out: 'ready' });
    await network.send('a.IN', Buffer.from([0xff, 0x00, 0x7b]));
    await until(() => got.length === 1);
    expect(got[0]?.data).to.deep.equal(Buffer.from([0xff, 0x00, 0x7b]));
  });

  it('makes a dead letter of a message it throws at, with reason, error name, role and port, and none of its outputs', async () => {
    const failing = participant({
      component: 'Failing',
      inports: { in: {} },
      outports: { out: {} },
      async process({ in: data }, { send }) {
        await send('out', data);
        throw new RangeError(`${String(data)} is out of range`);
      },
    });
    const [out, dead] = [await network.collect('f.OUT'), await network.collect('dead-f.IN')];
    await network.start(failing, 'f');
    await network.wire('f', { out: 'ready' });
    await network.send('f.IN', 7, { colour: 'red' });
    await until(() => dead.length === 1);
    expect(dead[0]?.data).to.equal(7);
    expect(dead[0]?.headers).to.include({
      colour: 'red',
      [HEADER.deadReason]: '7 is out of range',
      [HEADER.deadError]: 'RangeError',
      [HEADER.deadQueue]: 'f.IN',
      [HEADER.deadRole]: 'f',
      [HEADER.deadPort]: 'in',
    });
    expect(out).to.have.length(0);
  });

  it('makes a dead letter of a message whose process() sends to a port there is not, awaited or not', async () => {
    const lost = participant({
      component: 'Lost',
      inports: { in: {} },
      process(_inputs, { send }) {
        void (send as (port: string, data: unknown) => Promise<void>)('nowhere', 1);
      },
    });
    const dead = await network.collect('dead-l.IN');
    await network.start(lost, 'l');
    await network.wire('l');
    await network.send('l.IN', 1);
    await until(() => dead.length === 1);
    expect(dead[0]?.headers[HEADER.deadReason]).to.equal("there is no outport 'nowhere'; there are: none");
  });

  it('says once on its log why messages became dead letters', async () => {
    const log = keepingLogger();
    const failing = participant({
      component: 'Failing',
      inports: { in: {} },
      process() {
        throw new Error('no such sensor');
      },
    });
    const dead = await network.collect('dead-f.IN');
    await network.start(failing, 'f', { log });
    await network.wire('f');
    for (const data of [1, 2, 3]) await network.send('f.IN', data);
    await until(() => dead.length === 3);
    expect(log.lines).to.deep.equal(["a message on inport 'in' became a dead letter: no such sensor"]);
  });

  it('makes a dead letter of a message whose process() sends what is no data', async () => {
    const wrong = participant({
      component: 'Wrong',
      inports: { in: {} },
      outports: { out: {} },
      process: (_inputs, { send }) => send('out', undefined),
    });
    const dead = await network.collect('dead-w.IN');
    await network.start(wrong, 'w');
    await network.wire('w', { out: 'ready' });
    await network.send('w.IN', 1);
    await until(() => dead.length === 1);
    expect(dead[0]?.headers[HEADER.deadReason]).to.equal("send('out'): undefined is nothing that can be sent; null is");
  });

  it('refuses a send() after it has ended, and sends nothing', async () => {
    const refusals: unknown[] = [];
    const late = participant({
      component: 'Late',
      inports: { in: {} },
      outports: { out: {} },
      process(_inputs, { send }) {
        setTimeout(() => {
          try {
            void send('out', 1);
          } catch (error) {
            refusals.push(error);
          }
        });
      },
    });
    const got = await network.collect('late.OUT');
    await network.start(late, 'late');
    await network.wire('late', { out: 'ready' });
    await network.send('late.IN', 1);
    await until(() => refusals.length === 1);
    expect(refusals[0]).to.have.property('code', 'MSGFLO_LATE_SEND');
    expect(got).to.have.length(0);
  });

  it('keeps what was sent as it was then, whatever becomes of the object afterwards', async () => {
    const changing = participant({
      component: 'Changing',
      inports: { in: {} },
      outports: { out: {} },
      async process(_inputs, { send }) {
        const counter = { n: 1 };
        await send('out', counter);
        counter.n = 2;
        await send('out', counter);
      },
    });
    const got = await network.collect('c.OUT');
    await network.start(changing, 'c');
    await network.wire('c', { out: 'ready' });
    await network.send('c.IN', 1);
    await until(() => got.length === 2);
    expect(dataOf(got)).to.deep.equal([{ n: 1 }, { n: 2 }]);
  });

  it('lets outputs leave early beyond 1,000, so that a throw does not call those back', async () => {
    const many = participant({
      component: 'Many',
      inports: { in: {} },
      outports: { out: {} },
      async process(_inputs, { send }) {
        for (let n = 0; n < 2500; n += 1) await send('out', n);
        throw new Error('at last');
      },
    });
    const [got, dead] = [await network.collect('m.OUT'), await network.collect('dead-m.IN')];
    await network.start(many, 'm');
    await network.wire('m', { out: 'ready' });
    await network.send('m.IN', 1);
    await until(() => dead.length === 1 && got.length >= 2000);
    expect(dataOf(got)).to.deep.equal(Array.from({ length: 2000 }, (_, n) => n));
  });

  it('runs at most `concurrency` at a time over all inports', async () => {
    let running = 0;
    let most = 0;
    let done = 0;
    const busy = participant({
      component: 'Busy',
      inports: { a: {}, b: {} },
      prefetch: 10,
      concurrency: 3,
      async process() {
        running += 1;
        most = Math.max(most, running);
        await new Promise((resolve) => setTimeout(resolve, 5));
        running -= 1;
        done += 1;
      },
    });
    await network.start(busy, 'b');
    await network.wire('b');
    for (let n = 0; n < 10; n += 1) {
      await network.send('b.A', n);
      await network.send('b.B', n);
    }
    await until(() => done === 20);
    expect(most).to.equal(3);
  });

  it('has its types seen to: text is read as what the port takes, the rest are dead letters', async () => {
    const seen: unknown[] = [];
    const typed = participant({
      component: 'Typed',
      inports: { text: { type: 'string' }, n: { type: 'int' }, o: { type: 'object' } },
      process: (inputs) => seen.push(Object.entries(inputs)),
    });
    const dead = await network.collect('dead-t.N');
    await network.start(typed, 't');
    await network.wire('t', {}, [
      ['n', '12'],
      ['o', '{"a":1}'],
    ]);
    await network.send('t.TEXT', Buffer.from('plain words'));
    await network.send('t.N', { no: 'number' });
    await until(() => seen.length === 3 && dead.length === 1);
    expect(seen).to.have.deep.members([[['n', 12]], [['o', { a: 1 }]], [['text', 'plain words']]]);
    expect(dead[0]?.headers[HEADER.deadReason]).to.equal("inport 'n' takes int, got an object");
  });

  it('gets what setup() returned, and teardown() gets it at the end', async () => {
    const calls: string[] = [];
    let processed = 0;
    const counting = participant({
      component: 'Counting',
      inports: { in: {} },
      setup: () => ({ count: 0 }),
      process(_inputs, { state }) {
        state.count += 1;
        processed += 1;
      },
      teardown: ({ state }) => calls.push(`seen ${state.count}`),
    });
    const running = await network.start(counting, 'c');
    await network.wire('c');
    await network.send('c.IN', 1);
    await network.send('c.IN', 2);
    await until(() => network.last('c')?.wired !== undefined);
    await until(() => processed === 2);
    await running.stop();
    expect(calls).to.deep.equal(['seen 2']);
  });

  it('holds a dead letter that nobody has bound', async () => {
    const failing = participant({
      component: 'F',
      inports: { in: {} },
      process: () => Promise.reject(new Error('no')),
    });
    await network.start(failing, 'h');
    await network.wire('h');
    await network.send('h.IN', 1);
    await until(async () => (await network.ready(deadLetterQueue(asQueueName('h.IN')))) === 1);
  });
});
