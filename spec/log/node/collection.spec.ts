import { expect } from 'chai';
import {
  type CompactResult,
  CorruptionError,
  DiskFullError,
  type LogNode,
  type LogNodeOptions,
  MemoryStore,
  openLogNode,
  type StoreStats,
} from '../../../src/log/index.js';
import { bodies, describeNodes, FakeClock, given, record, refusal } from './support.js';

const GC: LogNodeOptions['gc'] = { minPruneTimeMs: 1000, intervalMs: 100 };

describeNodes('collection', (nodes) => {
  let clock: FakeClock;
  beforeEach(() => {
    clock = new FakeClock();
  });

  const open = (options: LogNodeOptions): Promise<LogNode> =>
    nodes.open({ clock, nowMs: () => clock.wallMs(), ...options });

  it('keeps what it is to keep for longer than any timer runs, and no longer', async () => {
    const dayMs = 86_400_000;
    const node = await open({ gc: { minPruneTimeMs: 40 * dayMs, intervalMs: dayMs } });
    await commit(node, 3);
    await clock.advance(39 * dayMs);
    await node.collect();
    expect(await node.length('t')).to.equal(3);
    await clock.advance(2 * dayMs);
    await node.collect();
    expect(await node.length('t')).to.equal(0);
  });

  async function commit(node: LogNode, count: number, topic = 't'): Promise<void> {
    const last = await node.length(topic).catch(() => 0);
    for (let at = 0; at < count; at++) await node.commit([record(topic, last + at)]);
  }

  it('forgets what is old where there are no procs, and keeps what is young', async () => {
    const node = await open({ gc: GC });
    await commit(node, 3);
    await clock.advance(600);
    await node.commit([record('t', 'young')]);
    await clock.advance(500);
    await node.collect();
    expect(bodies(await node.range('t'))).to.deep.equal(['young']);
    expect(await node.length('t')).to.equal(1);
    expect((await node.commit([record('t', 'next')]))[0]).to.match(/-4$/);
  });

  it('works by itself, also on a log that was empty at first', async () => {
    const node = await open({ gc: GC });
    await clock.advance(500);
    await commit(node, 2);
    for (let at = 0; at < 30 && (await node.length('t')) > 0; at++) await clock.advance(100);
    expect(await node.length('t')).to.equal(0);
    expect(bodies(await node.range('t'))).to.deep.equal([]);
  });

  it('does nothing unless it is asked to', async () => {
    const node = await open({});
    await commit(node, 2);
    await clock.advance(10_000_000);
    expect(await node.collect()).to.equal(0);
  });

  it('keeps what the slowest proc has not read, and the claim before its newest', async () => {
    const node = await open({ gc: GC });
    await commit(node, 10);
    const read = async (name: string, count: number): Promise<void> => {
      for (let at = 0; at < count; at++) {
        await node.proc('t', { name, offset: '>' });
        await node.ack(name);
      }
    };
    await read('fast', 9);
    await read('slow', 3);
    await node.proc('t', { name: 'slow', offset: '>', reclaimTimeout: -1 });
    await clock.advance(2000);
    await node.collect();
    expect(bodies(await node.range('t'))).to.deep.equal([2, 3, 4, 5, 6, 7, 8, 9]);
    await node.destroyProc('slow');
    await node.collect();
    expect(bodies(await node.range('t'))).to.deep.equal([7, 8, 9]);
    expect(given(await node.proc('t', { name: 'fast', offset: '>' }))).to.deep.equal([9]);
  });

  for (const state of ['fresh', 'disabled'] as const)
    it(`keeps everything that a ${state} proc has not read`, async () => {
      const node = await open({ gc: GC });
      await commit(node, 3);
      await node.ensureProc('t', { name: 'p', offset: '>' });
      if (state === 'disabled') {
        await node.proc('t', { name: 'p', offset: '>' });
        await node.disableProc('p');
      }
      await clock.advance(20_000);
      expect(await node.collect()).to.equal(0);
      expect(await node.length('t')).to.equal(3);
    });

  it('joins a collection that runs', async () => {
    const node = await open({ gc: GC });
    await commit(node, 3);
    await clock.advance(500);
    await clock.advance(501);
    const counts = await Promise.all([node.collect(), node.collect()]);
    expect(counts[0]).to.equal(counts[1]);
  });

  it('keeps a topic for its own time, read or not, and passes procs on', async () => {
    const node = await open({ keepMs: { fbp: 1000 } });
    await commit(node, 3, 'fbp');
    await commit(node, 3, 't');
    await node.ensureProc('fbp', { name: 'p', offset: '>' });
    await node.ensureProc('fbp', { name: 'q', offset: '>', maxClaims: 5, reclaimTimeout: -1 });
    const claims = await node.claim('q', 2);
    await node.ack('q', claims[1]?.token);
    node.release('q', claims[0]?.token ?? '');
    await clock.advance(1001);
    await node.collect();
    expect([await node.length('fbp'), await node.length('t')]).to.deep.equal([0, 3]);
    await node.commit([record('fbp', 'new')]);
    expect(node.inspectProc('p').ready).to.equal(1);
    expect(given(await node.proc('fbp', { name: 'p', offset: '>' }))).to.deep.equal(['new']);
    await node.ack('p');
    expect((await node.claim('q', 5)).map(given)).to.deep.equal([['new']]);
    await node.ack('q');
    await node.waitForProcs();
    expect(node.inspectProc('q')).to.include({ position: 4, ready: 0 });
    expect(await refusal(() => node.range('fbp', { start: ':0' }))).to.equal('invalid_tone_id_search');
  });

  if (nodes.isDurable)
    it('never gives a sequence again, also after a restart', async () => {
      let node = await open({ gc: GC });
      await commit(node, 3);
      await clock.advance(1001);
      await node.collect();
      node = await nodes.reopen({ clock });
      expect(await node.length('t')).to.equal(0);
      expect((await node.commit([record('t', 'next')]))[0]).to.match(/-3$/);
      expect(given(await node.proc('t', { name: 'p', offset: '>' }))).to.deep.equal(['next']);
    });
});

/** A segment of one topic is damaged; there is no room for copies. */
class PoorStore extends MemoryStore {
  isFull = false;

  override async sequenceAt(topic: string, timestampMs: number): Promise<number> {
    if (topic === 'damaged') throw new CorruptionError('some.seg', 100, 'a flipped byte');
    return await super.sequenceAt(topic, timestampMs);
  }

  override async compact(): Promise<CompactResult> {
    throw new DiskFullError(this.folder);
  }

  override stats(): StoreStats {
    return { ...super.stats(), isFull: this.isFull };
  }
}

describe('collection on a poor disk', () => {
  let clock: FakeClock;
  let store: PoorStore;
  let node: LogNode;
  beforeEach(() => {
    clock = new FakeClock();
    store = new PoorStore('poor', () => clock.wallMs());
    node = openLogNode(store, { clock, gc: { minPruneTimeMs: 1000, intervalMs: 1e9, maxBytes: 1000 } });
  });
  afterEach(async () => node.close());

  it('goes on with other topics, and tells of the damage', async () => {
    await node.commit([record('damaged', 0), record('whole', 0)]);
    await clock.advance(1100);
    expect(await refusal(() => node.collect())).to.equal('MSGFLO_LOG_CORRUPT');
    expect(await node.length('whole')).to.equal(0);
    expect(await node.length('damaged')).to.equal(1);
  });

  it('forgets the oldest beyond the size also where nothing can be compacted', async () => {
    for (let at = 0; at < 300; at++) await node.commit([record('t', 'x'.repeat(20))]);
    await refusal(() => node.collect());
    expect(await node.length('t')).to.be.within(1, 100);
  });

  it('keeps nothing for replay on a full disk, and all that somebody wants', async () => {
    await node.commit([record('t', 0), record('wanted', 0)]);
    await node.ensureProc('wanted', { name: 'slow', offset: '>' });
    await refusal(() => node.collect());
    expect(await node.length('t')).to.equal(1);
    store.isFull = true;
    await refusal(() => node.collect());
    expect(await node.length('t')).to.equal(0);
    expect(await node.length('wanted')).to.equal(1);
  });
});
