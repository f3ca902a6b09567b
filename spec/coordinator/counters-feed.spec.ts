import { expect } from 'chai';
import { CountersFeed } from '../../src/coordinator/counters-feed.js';
import { COUNTERS_NOTICE, type Counters, countersMessageOf, DURATION_BOUNDS_MS } from '../../src/discovery/index.js';
import { openMemoryEngine } from '../../src/engine/index.js';
import { asParticipantId, asPortName, asRole } from '../../src/names.js';
import { silentLogger } from '../../src/support/index.js';
import { DirectBroker } from '../../src/transport/direct/index.js';
import { until } from '../participant/network.js';

describe('CountersFeed', () => {
  const [role, port] = [asRole('a'), asPortName('in')];
  let broker: DirectBroker;
  let feed: CountersFeed;
  let nowMs: number;
  beforeEach(async () => {
    broker = new DirectBroker(await openMemoryEngine(), { id: 'c' }, silentLogger);
    await broker.connect();
    nowMs = 0;
    feed = new CountersFeed(broker, silentLogger, { limit: 2, nowMs: () => nowMs });
    await feed.start();
  });
  afterEach(async () => {
    await feed.stop();
    await broker.close();
  });

  async function tell(id: string, settled: number, more: Partial<Counters> = {}): Promise<void> {
    const inports = { [port]: { taken: settled, settled } };
    const counters = { id: asParticipantId(id), role, inports, outports: {}, inHand: 0, ...more };
    await broker.notify({ name: COUNTERS_NOTICE, body: countersMessageOf(counters) });
  }
  const settled = (): number | undefined => feed.ofInport(role, port)?.settled;

  it('takes in no more participants than its limit, until one of them is gone', async () => {
    for (const [id, count] of [
      ['one', 1],
      ['two', 10],
      ['three', 100],
      ['one', 2],
    ] as const)
      await tell(id, count);
    await until(() => settled() === 12);
    feed.forget(asParticipantId('two'));
    await tell('three', 100);
    await until(() => settled() === 112);
  });

  it('keeps totals when participants go, and counts what they said last when it comes after the news', async () => {
    await tell('one', 5, { inHand: 2 });
    await until(() => settled() === 5);
    feed.forget(asParticipantId('one'));
    expect([settled(), feed.isAnyBusy(new Set([role]))]).to.deep.equal([5, false]);
    await tell('one', 7, { inHand: 2 });
    await until(() => settled() === 7);
    expect(feed.isAnyBusy(new Set([role])), 'who is gone has nothing in hand').to.equal(false);
    feed.heard(asParticipantId('one'));
    expect(feed.isAnyBusy(new Set([role]))).to.equal(true);
    await tell('one', 8);
    await until(() => settled() === 8);
  });

  it('begins with the first thing that those say who were at work before', async () => {
    feed.expect([asParticipantId('old')]);
    await tell('old', 1000);
    await tell('new', 3);
    await tell('old', 1001);
    await until(() => settled() === 4);
  });

  it('takes an old message that comes again for what it is, and one that stays low for a new beginning', async () => {
    await tell('one', 10);
    await tell('one', 4);
    await tell('one', 12);
    await until(() => settled() === 12);
    await tell('one', 1);
    nowMs += 6000;
    await tell('one', 2);
    await until(() => settled() === 14);
    await tell('one', 3);
    await until(() => settled() === 15);
  });

  it('adds up dead letters, attempts, durations, what was sent, and reconnects of all of a role', async () => {
    const waiting = { counts: [...DURATION_BOUNDS_MS.map((_, at) => (at === 2 ? 3 : 0)), 1], sumMs: 70_000.5 };
    const inports = { [port]: { taken: 9, settled: 6, dead: 2, retried: 4, waiting } };
    const outports = { out: { sent: 8, dropped: 1 } };
    await tell('one', 0, { inports, outports, reconnects: 1 });
    await tell('two', 0, { inports, outports, reconnects: 2 });
    await until(() => settled() === 12);
    const counts = feed.ofInport(role, port);
    expect(counts).to.deep.include({ taken: 18, settled: 12, dead: 4, retried: 8, inHand: 6 });
    expect(counts?.working).to.equal(undefined);
    expect(counts?.waiting?.sumMs).to.equal(140_001);
    expect([counts?.waiting?.counts[2], counts?.waiting?.counts.at(-1)]).to.deep.equal([6, 2]);
    expect(feed.ofOutport(role, asPortName('out'))).to.deep.equal({ sent: 16, dropped: 2 });
    expect(feed.ofRole(role)?.reconnects).to.equal(3);
    feed.forget(asParticipantId('two'));
    expect(feed.ofInport(role, port)).to.deep.include({ taken: 18, inHand: 3 });
  });

  it('forgets roles that nobody wants any more once their participants are gone', async () => {
    await tell('one', 5);
    await until(() => settled() === 5);
    feed.keepRoles(new Set());
    expect(settled()).to.equal(5);
    feed.forget(asParticipantId('one'));
    feed.keepRoles(new Set([role]));
    expect(settled()).to.equal(5);
    feed.keepRoles(new Set());
    expect(settled()).to.equal(undefined);
  });

  it('counts no more ports of a role than it has room for', async () => {
    const many = Object.fromEntries(Array.from({ length: 300 }, (_, at) => [`p${at}`, { taken: at, settled: at }]));
    await tell('one', 0, { inports: many });
    await until(() => feed.ofInport(role, asPortName('p7'))?.taken === 7);
    const known = Object.keys(many).filter((name) => feed.ofInport(role, asPortName(name)));
    expect(known.length).to.be.within(10, 200);
  });
});
