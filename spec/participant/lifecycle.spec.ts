import { expect } from 'chai';
import { ROLL_CALL_NOTICE } from '../../src/discovery/index.js';
import { type Component, Participant, participant, participantClientOptions } from '../../src/participant/index.js';
import { silentLogger } from '../../src/support/index.js';
import { DirectBroker } from '../../src/transport/direct/index.js';
import { dataOf, Network, until } from './network.js';

/** Works until it is let go. */
function slow(): { readonly component: Component; readonly begun: unknown[]; letGo(): void; aborted(): boolean } {
  const begun: unknown[] = [];
  let aborted = false;
  let letGo: () => void = () => undefined;
  const gate = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  const component = participant({
    component: 'Slow',
    inports: { in: {} },
    outports: { out: {} },
    prefetch: 2,
    concurrency: 1,
    async process({ in: data }, { send, signal }) {
      begun.push(data);
      signal.addEventListener('abort', () => {
        aborted = true;
      });
      await gate;
      await send('out', data);
    },
  });
  return { component, begun, letGo, aborted: () => aborted };
}

describe('a participant', () => {
  let network: Network;
  beforeEach(async () => {
    network = await Network.open();
  });
  afterEach(() => network.close());

  it('announces its definition with default queue names', async () => {
    const component = participant({
      component: 'Named',
      label: 'With a label',
      icon: 'cog',
      inports: { in: { type: 'string', description: 'what comes' }, special: { queue: 'my/#ROLE/queue' } },
      outports: { out: { schema: { type: 'string' }, options: { a: 1 }, hidden: true } },
      process: () => undefined,
    });
    const running = await network.start(component, 'some role');
    expect(network.last('some role')).to.deep.equal({
      id: running.id,
      role: 'some role',
      component: 'Named',
      label: 'With a label',
      icon: 'cog',
      inports: [
        { id: 'in', queue: 'some role.IN', type: 'string', description: 'what comes' },
        { id: 'special', queue: 'my/some role/queue', type: 'any' },
      ],
      outports: [
        { id: 'out', queue: 'some role.OUT', type: 'any', schema: { type: 'string' }, options: { a: 1 }, hidden: true },
      ],
      wiring: 1,
    });
    expect(running.id).to.match(/^some role-[0-9a-f-]{36}$/);
  });

  it('announces itself again every period / 2.2', async () => {
    await network.start(slow().component, 's', { periodMs: 11 });
    await until(() => network.announced.length > 3);
  });

  it('answers a roll-call at once, or spread as it asks', async () => {
    await network.start(slow().component, 's');
    expect(network.announced).to.have.length(1);
    await network.notify(ROLL_CALL_NOTICE, '{}');
    await until(() => network.announced.length === 2);
    await network.notify(ROLL_CALL_NOTICE, '{"jitterMs":5}');
    await until(() => network.announced.length === 3);
  });

  it('finishes what is in hand when it stops, gives back what has not begun, and says that it is gone', async () => {
    const { component, begun, letGo, aborted } = slow();
    const got = await network.collect('s.OUT');
    const running = await network.start(component, 's');
    await network.wire('s', { out: 'ready' });
    for (const data of [1, 2, 3]) await network.send('s.IN', data);
    await until(() => begun.length === 1);
    const stopped = running.stop();
    expect(network.gone).to.deep.equal([]);
    letGo();
    await stopped;
    await until(() => got.length === 1 && network.gone.length === 1);
    expect(dataOf(got)).to.deep.equal([1]);
    expect(begun).to.deep.equal([1]);
    expect(aborted()).to.equal(true);
    expect(await network.ready('s.IN')).to.equal(2);
    expect(network.gone).to.deep.equal([running.id]);
  });

  it('gives back what is still in hand when the grace is over, after aborting its signal', async () => {
    const { component, begun, aborted } = slow();
    const running = await network.start(component, 's');
    await network.wire('s', { out: 'ready' });
    await network.send('s.IN', 1);
    await until(() => begun.length === 1);
    await running.stop({ graceMs: 20 });
    expect(aborted()).to.equal(true);
    expect(await network.ready('s.IN')).to.equal(1);
  });

  it('stops once, however often it is told', async () => {
    const running = await network.start(slow().component, 's');
    await Promise.all([running.stop(), running.stop()]);
    await running.stop();
    await running.finished;
    expect(network.gone).to.have.length(1);
  });

  it('is said to be gone by the broker when it dies', async () => {
    const options = participantClientOptions({ id: 'x-1', role: 'x' });
    const broker = await network.registry.open(network.address, options, silentLogger);
    const running = new Participant(slow().component, { role: 'x', id: 'x-1', broker, run: 'r1', log: silentLogger });
    network.own(() => running.stop({ graceMs: 0 }));
    await running.start();
    if (broker instanceof DirectBroker) broker.kill();
    await until(() => network.gone.length === 1);
    expect(network.gone).to.deep.equal(['x-1']);
  });

  it('closes its client and rejects when setup() throws', async () => {
    const broken = participant({
      component: 'Broken',
      setup: () => Promise.reject(new Error('no such file')),
      produce: () => undefined,
    });
    const running = await network.create(broken, 'b', { run: 'r1' });
    const failed = await running.start().catch((error: unknown) => error);
    expect(failed).to.be.an('error').with.property('message', 'no such file');
    await running.finished;
  });
});

describe('produce()', () => {
  let network: Network;
  beforeEach(async () => {
    network = await Network.open();
  });
  afterEach(() => network.close());

  const counter = participant({
    component: 'Counter',
    outports: { out: {} },
    async produce({ send, signal }) {
      for (let n = 0; !signal.aborted; n += 1) {
        await send('out', n);
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
    },
  });

  it('begins when the participant is wired, holds while its outport waits, and ends when told', async () => {
    const got = await network.collect('c.OUT');
    const running = await network.start(counter, 'c');
    await network.wire('c', { out: 'waiting' });
    await until(() => network.last('c')?.wired !== undefined);
    expect(got).to.have.length(0);
    await network.wire('c', { out: 'ready' });
    await until(() => got.length > 3);
    expect(dataOf(got).slice(0, 3)).to.deep.equal([0, 1, 2]);
    await running.stop();
  });

  it('ends when told although its outport waits', async () => {
    const running = await network.start(counter, 'c');
    await network.wire('c', { out: 'waiting' });
    await until(() => network.last('c')?.wired !== undefined);
    await running.stop({ graceMs: 60_000 });
  });

  it('waits for a queue that takes what it sends on a connected outport', async () => {
    let sent = 0;
    const source = participant({
      component: 'Source',
      outports: { out: {} },
      async produce({ send }) {
        await send('out', 1);
        sent += 1;
      },
    });
    await network.start(source, 's');
    const wiring = await network.wire('s', { out: 'ready' });
    await until(() => network.last('s')?.wired === wiring.hash);
    expect(sent).to.equal(0);
    const got = await network.collect('s.OUT');
    await until(() => got.length === 1 && sent === 1);
  });

  it('ends the participant when it throws', async () => {
    const failing = participant({
      component: 'Failing',
      produce: () => Promise.reject(new Error('the sensor is gone')),
    });
    const running = await network.start(failing, 'f');
    await network.wire('f');
    const failed = await running.finished.catch((error: unknown) => error);
    expect(failed).to.be.an('error').with.property('message', 'the sensor is gone');
  });

  it('shares what setup() returned with process(): a source that is told its interval', async () => {
    const got = await network.collect('i.OUT');
    const source = participant({
      component: 'Interval',
      inports: { step: { type: 'int' } },
      outports: { out: {} },
      setup: () => ({ step: 1 }),
      process({ step }, { state }) {
        state.step = step;
      },
      async produce({ send, signal, state }) {
        for (let n = 0; !signal.aborted; n += state.step) {
          await send('out', n);
          await new Promise((resolve) => setTimeout(resolve, 1));
        }
      },
    });
    await network.start(source, 'i', { iips: { step: '5' } });
    await network.wire('i', { out: 'ready' });
    await until(() => got.length > 2);
    expect(dataOf(got).slice(0, 3)).to.deep.equal([0, 5, 10]);
  });
});
