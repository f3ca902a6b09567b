import { expect } from 'chai';
import { createWiring, keyIips, ROLL_CALL_NOTICE, wiringNotice } from '../../src/discovery/index.js';
import { asPortName, asQueueName, asRole } from '../../src/names.js';
import { type Component, participant } from '../../src/participant/index.js';
import { silentLogger } from '../../src/support/index.js';
import { HEADER } from '../../src/transport/index.js';
import { dataOf, Gate, gated, keepingLogger, Network, until, withoutBindings } from './network.js';

const repeat = participant({
  component: 'Repeat',
  inports: { in: {} },
  outports: { out: {}, other: {} },
  process: ({ in: data }, { send }) => send('out', data),
});

/** Keeps what it is given. */
function sink(seen: unknown[]): Component {
  return participant({
    component: 'Sink',
    inports: { in: {}, conf: {} },
    process({ in: data, conf }) {
      if (data === 'bad' || conf === 'bad') throw new Error('bad data');
      seen.push(data ?? conf);
    },
  });
}

describe('wiring of a participant', () => {
  let network: Network;
  beforeEach(async () => {
    network = await Network.open();
  });
  afterEach(() => network.close());

  it('is announced back by its hash when carried out', async () => {
    await network.start(repeat, 'a');
    const first = await network.wire('a', { out: 'ready' });
    await until(() => network.last('a')?.wired === first.hash);
    const second = await network.wire('a', { out: 'unconnected' });
    await until(() => network.last('a')?.wired === second.hash);
  });

  it('is not carried out again when it comes again', async () => {
    await network.start(repeat, 'a');
    const same = await network.wire('a', { out: 'ready' });
    await until(() => network.last('a')?.wired === same.hash);
    await network.wire('a', { out: 'ready' });
    const other = await network.wire('a', { out: 'unconnected' });
    await until(() => network.last('a')?.wired === other.hash);
    expect(network.announced.map(({ wired }) => wired)).to.deep.equal([undefined, same.hash, other.hash]);
  });

  it('drops what is sent on an unconnected outport, counts it and says so once', async () => {
    const log = keepingLogger();
    const got = await network.collect('a.OUT');
    const running = await network.start(repeat, 'a', { log });
    await network.wire('a', { out: 'unconnected' });
    for (const data of [1, 2, 3]) await network.send('a.IN', data);
    await until(() => running.dropped.out === 3);
    expect(log.lines).to.deep.equal(["the graph does not connect outport 'out': its messages are dropped"]);
    expect(got).to.have.length(0);
  });

  it('holds messages while their outport waits, and sends them when it is ready', async () => {
    const got = await network.collect('a.OUT');
    await network.start(repeat, 'a');
    const wiring = await network.wire('a', { out: 'waiting' });
    await network.send('a.IN', 1);
    await until(() => network.last('a')?.wired === wiring.hash);
    await until(async () => (await network.ready('a.IN')) === 0);
    expect(got).to.have.length(0);
    await network.wire('a', { out: 'ready' });
    await until(() => got.length === 1);
  });

  it('sends on an exported outport what somebody takes, and drops the rest, counted and without a word', async () => {
    const log = keepingLogger();
    const running = await network.start(repeat, 'a', { log });
    await network.wire('a', { out: 'exported' });
    for (const data of [1, 2]) await network.send('a.IN', data);
    await until(() => running.dropped.out === 2);
    const got = await network.collect('a.OUT');
    await network.send('a.IN', 3);
    await until(() => got.length === 1);
    expect(dataOf(got)).to.deep.equal([3]);
    expect(running.dropped.out).to.equal(2);
    expect(log.lines).to.deep.equal([]);
  });

  it('shows to who looks on what a source sends on an exported outport, which it takes for connected', async () => {
    const source = participant({
      component: 'Source',
      outports: { out: {} },
      produce: ({ send, isConnected }) => send('out', isConnected('out')),
    });
    const seen: unknown[] = [];
    await network.start(source, 's');
    await network.hand.tap(asQueueName('s.OUT'), ({ data }) => seen.push(data));
    await network.wire('s', { out: 'exported' });
    await until(() => seen.length === 1);
    expect(seen).to.deep.equal([true]);
  });

  it('lets go of what an outport held that becomes exported', async () => {
    const running = await network.start(repeat, 'a');
    await network.wire('a', { out: 'waiting' });
    await network.send('a.IN', 1);
    await until(async () => (await network.ready('a.IN')) === 0);
    await network.wire('a', { out: 'exported' });
    await until(() => running.dropped.out === 1);
  });

  for (const state of ['unconnected', 'exported'] as const) {
    it(`lets go of what nobody took once the outport is ${state}, counts it and goes on`, async () => {
      const log = keepingLogger();
      const running = await network.start(repeat, 'a', { log });
      const first = await network.wire('a', { out: 'ready' });
      await until(() => network.last('a')?.wired === first.hash);
      for (const data of [1, 2, 3]) await network.send('a.IN', data);
      await until(async () => (await network.ready('a.IN')) === 2);
      expect(running.dropped.out).to.equal(0);
      const wiring = await network.wire('a', { out: state });
      await until(() => running.dropped.out === 3 && network.last('a')?.wired === wiring.hash);
      expect(log.lines[0]).to.equal(
        "outport 'out' is not connected any more: what it held for want of a taker is dropped",
      );
    });
  }

  it('is announced back only when nothing is under way that was sent before', async () => {
    const gate = new Gate();
    const broker = await network.registry.open(network.address, { id: 'g' }, silentLogger);
    const got = await network.collect('a.OUT');
    await network.start(repeat, 'a', { broker: gated(broker, gate) });
    const before = await network.wire('a', { out: 'ready' });
    await until(() => network.last('a')?.wired === before.hash);
    gate.close();
    await network.send('a.IN', 1);
    await until(() => gate.waiting === 1);
    const after = await network.wire('a', { out: 'unconnected' });
    await network.notify(ROLL_CALL_NOTICE, '{}');
    await until(() => network.announced.length === 3);
    expect(network.last('a')?.wired).to.equal(before.hash);
    expect(got).to.deep.equal([]);
    gate.open();
    await until(() => network.last('a')?.wired === after.hash);
    expect(dataOf(got)).to.deep.equal([1]);
  });

  it('is announced back only when nothing is under way that produce() sent before', async () => {
    const source = participant({
      component: 'Source',
      outports: { out: {} },
      produce: ({ send }) => send('out', 1),
    });
    const gate = new Gate();
    const broker = await network.registry.open(network.address, { id: 'g' }, silentLogger);
    const got = await network.collect('s.OUT');
    await network.start(source, 's', { broker: gated(broker, gate) });
    gate.close();
    await network.wire('s', { out: 'ready' });
    await until(() => gate.waiting === 1);
    const after = await network.wire('s', { out: 'unconnected' });
    await network.notify(ROLL_CALL_NOTICE, '{}');
    await until(() => network.announced.length >= 3);
    expect(network.last('s')?.wired).not.to.equal(after.hash);
    gate.open();
    await until(() => network.last('s')?.wired === after.hash);
    expect(dataOf(got)).to.deep.equal([1]);
  });

  it('gives a message back whose outport still waits when the participant stops', async () => {
    const running = await network.start(repeat, 'a');
    await network.wire('a', { out: 'waiting' });
    await network.send('a.IN', 1);
    await until(async () => (await network.ready('a.IN')) === 0);
    await running.stop();
    expect(await network.ready('a.IN')).to.equal(1);
  });

  it('under a keeper, holds what leaves by an outport of which a wiring from before it was announced says nothing', async () => {
    const got = await network.collect('a.OUT');
    const running = await network.start(repeat, 'a');
    const early = await network.wire('a', { other: 'unconnected' });
    await until(() => network.last('a')?.wired === early.hash);
    await network.send('a.IN', 1);
    await until(async () => (await network.ready('a.IN')) === 0);
    await network.wire('a', { out: 'ready', other: 'unconnected' });
    await until(() => got.length === 1);
    expect(running.dropped.out).to.equal(0);
  });

  it('under a keeper, nothing begins before the wiring of its own run', async () => {
    const seen: unknown[] = [];
    await network.wire('s', {}, [], { run: 'an earlier one' });
    await network.start(sink(seen), 's');
    await network.send('s.IN', 1);
    await until(async () => (await network.ready('s.IN')) === 0);
    await network.notify(wiringNotice(asRole('s')), JSON.stringify({ nonsense: true }));
    expect(seen).to.deep.equal([]);
    await network.wire('s');
    await until(() => seen.length === 1);
  });

  it('without a keeper, a retained wiring is taken at once, whatever its run', async () => {
    const wiring = await network.wire('a', { out: 'ready' }, [], { run: 'of somebody' });
    const got = await network.collect('a.OUT');
    const running = await network.create(repeat, 'a', { wiringWaitMs: 60_000 });
    await running.start();
    await network.send('a.IN', 1);
    await until(() => got.length === 1);
    expect(network.last('a')?.wired).to.equal(wiring.hash);
  });

  it('hands each IIP over once by its key, before any message', async () => {
    const seen: unknown[] = [];
    await network.send('s.IN', 'message').catch(() => undefined);
    await network.start(sink(seen), 's');
    await network.send('s.IN', 'message');
    const iips = [
      ['conf', 0],
      ['conf', false],
      ['in', 'same'],
      ['in', 'same'],
    ] as const;
    await network.wire('s', {}, iips);
    await until(() => seen.length === 5);
    expect(seen).to.deep.equal([0, false, 'same', 'same', 'message']);
    const again = await network.wire('s', {}, [...iips, ['conf', 'new']]);
    await until(() => network.last('s')?.wired === again.hash);
    await until(() => seen.length === 6);
    expect(seen.at(-1)).to.equal('new');
  });

  it('does not take an IIP of the command line again when the wiring names it too', async () => {
    const seen: unknown[] = [];
    await network.start(sink(seen), 's', { iips: { conf: 'c' } });
    await until(() => seen.length === 1);
    const wiring = await network.wire('s', {}, [
      ['conf', 'c'],
      ['in', 'marker'],
    ]);
    await until(() => network.last('s')?.wired === wiring.hash && seen.length === 2);
    expect(seen).to.deep.equal(['c', 'marker']);
  });

  it('sends what an IIP leads to', async () => {
    const got = await network.collect('a.OUT');
    await network.start(repeat, 'a');
    await network.wire('a', { out: 'ready' }, [['in', { first: true }]]);
    await until(() => got.length === 1);
    expect(dataOf(got)).to.deep.equal([{ first: true }]);
  });

  it('makes a dead letter of an IIP whose processing throws, and says so', async () => {
    const log = keepingLogger();
    const dead = await network.collect('dead-s.CONF');
    await network.start(sink([]), 's', { log });
    await network.wire('s', {}, [['conf', 'bad']]);
    await until(() => dead.length === 1);
    expect(dead[0]?.data).to.equal('bad');
    expect(dead[0]?.headers).to.include({ [HEADER.deadReason]: 'bad data', [HEADER.deadPort]: 'conf' });
    expect(log.lines).to.deep.equal(["the IIP of inport 'conf' failed: bad data"]);
  });

  it('ignores what is no wiring, saying so once, and goes on with the next', async () => {
    const log = keepingLogger();
    await network.start(repeat, 'a', { log });
    for (const body of ['not json', 'not json', '{"wiring":2}']) await network.notify(wiringNotice(asRole('a')), body);
    const wiring = await network.wire('a', { out: 'ready' });
    await until(() => network.last('a')?.wired === wiring.hash);
    expect(log.lines).to.have.length(2);
    expect(log.lines[0]).to.contain('is not JSON');
  });

  it('carries out the rest of a wiring that names a port there is not', async () => {
    const log = keepingLogger();
    const got = await network.collect('a.OUT');
    await network.start(repeat, 'a', { log });
    await network.wire('a', { out: 'ready', nowhere: 'ready' }, [['absent', 1]]);
    await network.send('a.IN', 1);
    await until(() => got.length === 1);
    expect(log.lines).to.deep.equal([
      "the wiring names port 'nowhere', there is none",
      "there is no inport 'absent': its IIP is ignored",
    ]);
  });

  it('where none comes, tries to send and drops, counted, what nobody takes', async () => {
    const log = keepingLogger();
    const running = await network.create(repeat, 'a', { wiringWaitMs: 1, log });
    await running.start();
    await network.send('a.IN', 1);
    await until(() => running.dropped.out === 1);
    expect(log.lines).to.deep.equal(["nobody takes what is sent on outport 'out': its messages are dropped"]);
    const got = await network.collect('a.OUT');
    await network.send('a.IN', 2);
    await until(() => got.length === 1);
    expect(dataOf(got)).to.deep.equal([2]);
  });

  it("where none comes, holds what nobody takes if the outport is `unrouted: 'hold'`", async () => {
    const holding = participant({
      component: 'Holding',
      inports: { in: {} },
      outports: { out: { unrouted: 'hold' } },
      process: ({ in: data }, { send }) => send('out', data),
    });
    const running = await network.create(holding, 'h', { wiringWaitMs: 1 });
    await running.start();
    await network.send('h.IN', 1);
    await until(async () => (await network.ready('h.IN')) === 0);
    const got = await network.collect('h.OUT');
    await until(() => got.length === 1);
    expect(running.dropped.out).to.equal(0);
  });

  it('ends with the newest of several that come at once', async () => {
    await network.start(repeat, 'a');
    const iips = keyIips([{ port: asPortName('in'), data: 'x' }]);
    const wanted = { role: asRole('a'), graph: 'g', run: 'r1', inports: {} };
    for (const out of ['waiting', 'unconnected', 'waiting', 'ready'] as const) {
      const wiring = createWiring({ ...wanted, iips, outports: { out } });
      void network.notify(wiringNotice(asRole('a')), JSON.stringify(wiring));
    }
    const last = createWiring({ ...wanted, iips, outports: { out: 'ready' } });
    await until(() => network.last('a')?.wired === last.hash);
  });

  it('on a broker that cannot bind, has inports listen to their sources and says to which they do', async () => {
    const listened = new Map<string, readonly string[]>();
    const broker = await network.registry.open(network.address, { id: 'u' }, silentLogger);
    await network.start(repeat, 'a', { broker: withoutBindings(broker, listened) });
    expect(network.last('a')?.inports[0]).to.deep.include({ sources: [] });
    const sources = [asQueueName('x.OUT'), asQueueName('y.OUT')];
    const wiring = await network.wire('a', {}, [], { inports: { in: sources } });
    await until(() => network.last('a')?.wired === wiring.hash);
    expect(listened.get('a.IN')).to.deep.equal(sources);
    expect(network.last('a')?.inports[0]).to.deep.include({ sources });
    const without = await network.wire('a');
    await until(() => network.last('a')?.wired === without.hash);
    expect(listened.get('a.IN')).to.deep.equal([]);
  });
});
