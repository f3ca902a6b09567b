import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import { COUNTERS_NOTICE, type Counters, readCounters } from '../../src/discovery/index.js';
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
    expect(last()).to.deep.equal({
      id: running.id,
      role: 'f',
      inports: {
        in: { taken: 3, settled: 3, dead: 0, retried: 0 },
        other: { taken: 0, settled: 0, dead: 0, retried: 0 },
      },
      outports: { out: { sent: 2, dropped: 0 }, nowhere: { sent: 0, dropped: 2 } },
      inHand: 0,
    });
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
});
