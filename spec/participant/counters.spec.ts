import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import { COUNTERS_NOTICE, type Counters, ROLL_CALL_NOTICE, readCounters } from '../../src/discovery/index.js';
import { participant } from '../../src/participant/index.js';
import { silentLogger } from '../../src/support/index.js';
import { Gate, gated, Network, until } from './network.js';

const fork = participant({
  component: 'Fork',
  inports: { in: {}, other: {} },
  outports: { out: {}, nowhere: {} },
  async process({ in: data }, { send }) {
    if (data === 'bad') throw new Error('bad data');
    await Promise.all([send('out', data), send('nowhere', data)]);
  },
});

describe('counters of a participant', () => {
  let network: Network;
  let told: { readonly counters: Counters; readonly atMs: number }[];
  beforeEach(async () => {
    network = await Network.open();
    told = [];
    await network.hand.watch(COUNTERS_NOTICE, (body) => {
      const read = readCounters(body);
      if (read.kind === 'counters') told.push({ counters: read.counters, atMs: performance.now() });
    });
  });
  afterEach(() => network.close());
  const last = (): Counters | undefined => told.at(-1)?.counters;

  it('are told when they have changed, and only then', async () => {
    const running = await network.start(fork, 'f');
    await network.collect('f.OUT');
    await network.wire('f', { out: 'ready', nowhere: 'unconnected' });
    await delay(300);
    expect(told, 'before the first message').to.have.length(0);
    for (const data of [1, 2, 'bad']) await network.send('f.IN', data);
    await until(() => last()?.inports.in?.settled === 3 && last()?.inHand === 0);
    const { id, role, inports, outports, inHand } = last() ?? expect.fail('nothing was told');
    expect({ id, role, inHand }).to.deep.equal({ id: running.id, role: 'f', inHand: 0 });
    expect(inports.in).to.include({ taken: 3, settled: 3, dead: 1, retried: 0 });
    expect(inports.other).to.include({ taken: 0, settled: 0, dead: 0, retried: 0 });
    expect(outports).to.deep.equal({ out: { sent: 2, dropped: 0 }, nowhere: { sent: 0, dropped: 2 } });
    const { length } = told;
    await delay(600);
    expect(told, 'while nothing changes').to.have.length(length);
  });

  it('are told at most every 250 ms under load', async () => {
    await network.start(fork, 'f');
    await network.collect('f.OUT');
    await network.wire('f', { out: 'ready', nowhere: 'unconnected' });
    const untilMs = performance.now() + 900;
    while (performance.now() < untilMs) {
      await network.send('f.IN', 1);
      await delay(1);
    }
    await until(() => last()?.inHand === 0);
    expect(told.length).to.be.within(3, 5);
    const gaps = told.slice(1).map(({ atMs }, at) => atMs - (told[at]?.atMs ?? 0));
    expect(Math.min(...gaps)).to.be.above(200);
  });

  it('show a message in hand until it is settled', async () => {
    const gate = new Gate();
    const broker = await network.registry.open(network.address, { id: 'g' }, silentLogger);
    await network.start(fork, 'f', { broker: gated(broker, gate) });
    await network.collect('f.OUT');
    await network.wire('f', { out: 'ready', nowhere: 'unconnected' });
    gate.close();
    await network.send('f.IN', 1);
    await until(() => last()?.inHand === 1);
    expect(last()?.inports.in).to.include({ taken: 1, settled: 0 });
    gate.open();
    await until(() => last()?.inHand === 0);
    expect(last()?.outports.out?.sent).to.equal(1);
  });

  it('show an IIP in hand, which no port counts', async () => {
    const gate = new Gate();
    const slow = participant({ component: 'Slow', inports: { in: {} }, process: () => gate.pass() });
    gate.close();
    await network.start(slow, 's');
    await network.wire('s', {}, [['in', 1]]);
    await until(() => last()?.inHand === 1);
    gate.open();
    await until(() => last()?.inHand === 0);
    expect(last()?.inports.in).to.include({ taken: 0, settled: 0 });
  });

  it('count what a source sends, and what is let go as dropped', async () => {
    const source = participant({
      component: 'Source',
      outports: { out: {} },
      produce: ({ send }) => Promise.all([send('out', 1), send('out', 2)]),
    });
    await network.start(source, 's');
    await network.collect('s.OUT');
    await network.wire('s', { out: 'ready' });
    await until(() => last()?.outports.out?.sent === 2);
    await network.start(fork, 'f');
    await network.wire('f', { out: 'ready', nowhere: 'unconnected' });
    await network.send('f.IN', 1);
    await until(() => last()?.role === 'f' && last()?.inHand === 1);
    await network.wire('f', { out: 'unconnected', nowhere: 'unconnected' });
    await until(() => last()?.inHand === 0);
    expect(last()?.outports).to.deep.equal({ out: { sent: 0, dropped: 1 }, nowhere: { sent: 0, dropped: 1 } });
  });

  it('tell how long messages waited since they were made, and how long the work took', async () => {
    const slow = participant({ component: 'Slow', inports: { in: {} }, process: () => delay(25) });
    await network.start(slow, 's');
    await network.wire('s', {}, [['in', 'IIPs wait nowhere']]);
    const nowMs = Date.now();
    for (const createdMs of [nowMs - 4000, nowMs + 60_000])
      await network.send('s.IN', 1, { 'created-at': String(createdMs) });
    await network.send('s.IN', 1, { 'created-at': 'long ago' });
    await until(() => last()?.inports.in?.settled === 3);
    const { waiting, working } = last()?.inports.in ?? expect.fail('nothing was told');
    expect(waiting?.counts.reduce((sum, count) => sum + count)).to.equal(2);
    expect(waiting?.counts[0], 'from a clock that is ahead').to.equal(1);
    expect(waiting?.sumMs).to.be.within(3900, 9000);
    expect(working?.counts.slice(0, 4), 'below 20 ms').to.deep.equal([0, 0, 0, 0]);
    expect(working?.counts.reduce((sum, count) => sum + count)).to.equal(4);
  });

  it('are told when the roll is called, though nothing has changed, and then quiet again', async () => {
    await network.start(fork, 'f');
    await network.notify(ROLL_CALL_NOTICE, '{}');
    await until(() => told.length === 1);
    expect(last()?.inports.in).to.include({ taken: 0, settled: 0 });
    await network.notify(ROLL_CALL_NOTICE, '{"jitterMs":5}');
    await until(() => told.length === 2);
    await delay(300);
    expect(told).to.have.length(2);
  });

  it('tell how often the connection came back, where there is one', async () => {
    const broker = await network.registry.open(network.address, { id: 'r' }, silentLogger);
    const flaky = Object.defineProperty(gated(broker, new Gate()), 'reconnects', { value: 3 });
    await network.start(fork, 'f', { broker: flaky });
    await network.start(fork, 'g');
    await network.notify(ROLL_CALL_NOTICE, '{}');
    await until(() => told.length === 2);
    expect(Object.fromEntries(told.map(({ counters: { role, reconnects } }) => [role, reconnects]))).to.deep.equal({
      f: 3,
      g: undefined,
    });
  });
});
