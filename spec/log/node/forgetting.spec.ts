import { expect } from 'chai';
import { type Batch, type CommitResult, DiskFullError, MemoryStore, openLogNode } from '../../../src/log/index.js';
import { bodies, commitNumbers, describeNodes, given, record, refusal, to } from './support.js';

const MANY = { name: 'p', offset: '>', maxClaims: 1000, reclaimTimeout: -1, maxReclaims: -1 };

describeNodes('forgetting what was acknowledged', (nodes) => {
  it('trims what all procs of a topic have acknowledged, and no more', async () => {
    const node = await nodes.open();
    await commitNumbers(node, 't', 10);
    await node.ensureProc('t', MANY);
    await node.ensureProc('t', { ...MANY, name: 'other' });
    const claims = await node.claim('p', 6);
    const others = await node.claim('other', 4);
    for (const { token } of claims) await node.ack('p', token);
    for (const at of [0, 1, 3]) await node.ack('other', others[at]?.token);
    expect(await node.trim('t')).to.equal(2);
    expect(bodies(await node.range('t'))[0]).to.equal(2);
    expect(await node.trim('t')).to.equal(0);
    expect(given((await node.claim('other', 1))[0])).to.deep.equal([4]);
    await node.destroyProc('other');
    expect(await node.trim('t')).to.equal(4);
    await node.destroyProc('p');
    expect(await node.trim('t')).to.equal(4);
    expect(await node.trim('nothing')).to.equal(0);
    await commitNumbers(node, 't', 1, 10);
    expect((await node.range('t')).map(({ sequence }) => sequence)).to.deep.equal([10]);
  });

  it('keeps without history only copies, and what somebody may still be given', async () => {
    const node = await nodes.open({ history: false });
    const seen: unknown[] = [];
    node.onCommit('src', ({ body }) => seen.push(JSON.parse(Buffer.from(body).toString())));
    await node.ensureProc('t', MANY);
    await node.bind(to('src', 't'));
    await commitNumbers(node, 'src', 2000);
    expect(seen).to.have.length(2000);
    expect(node.topics().map(({ topic }) => topic)).to.deep.equal(['t']);
    for (let taken = 0; taken < 1800; taken += 100)
      await Promise.all((await node.claim('p', 100)).map(({ token }) => node.ack('p', token)));
    expect(await node.length('t')).to.be.below(600);
    expect(given((await node.claim('p', 1))[0])).to.deep.equal([1800]);
    const claims = await node.claim('p', 1000);
    expect(claims.map(given).at(-1)).to.deep.equal([1999]);
  });
});

describe('log node: forgetting on a disk that fails', () => {
  class LosingStore extends MemoryStore {
    #lose: (() => void) | undefined;
    holds = false;

    override commit(batch: Batch): Promise<CommitResult> {
      if (!this.holds) return super.commit(batch);
      return new Promise((_, reject) => {
        this.#lose = () => reject(new DiskFullError(this.folder));
      });
    }

    lose(): void {
      this.holds = false;
      this.#lose?.();
    }
  }

  it('forgets nothing for the sake of acks that are not written yet: the disk may lose them', async () => {
    const store = new LosingStore();
    const node = openLogNode(store, { gc: { minPruneTimeMs: -10_000 } });
    await commitNumbers(node, 't', 4);
    await node.ensureProc('t', MANY);
    const claims = await node.claim('p', 4);
    await node.ack('p', claims[0]?.token);
    const later = node.ack('p', claims[2]?.token);
    store.holds = true;
    const lost = refusal(() => node.ack('p', claims[1]?.token));
    await later;
    expect(await node.trim('t')).to.equal(1);
    expect(await node.collect()).to.equal(0);
    store.lose();
    expect(await lost).to.equal('MSGFLO_LOG_DISK_FULL');
    await node.reclaim('p', claims[1]?.token);
    expect(given((await node.claim('p', 1))[0])).to.deep.equal([1]);
    await node.close();
  });

  it('copies where it copied before when a change of that could not be written', async () => {
    const store = new LosingStore();
    const node = openLogNode(store);
    await node.bind(to('a', 'kept'));
    await node.subscribe('deaf', ['a']);
    for (const call of [
      () => node.bind(to('a', 'new')),
      () => node.unbind(to('a', 'kept')),
      () => node.subscribe('deaf', ['b']),
      () => node.subscribe('deaf', []),
    ]) {
      store.holds = true;
      const refused = refusal(call);
      store.lose();
      expect(await refused).to.equal('MSGFLO_LOG_DISK_FULL');
    }
    expect(node.targets('a')).to.deep.equal(['kept', 'deaf']);
    await node.close();
  });
});

describeNodes('changing where copies go', (nodes) => {
  it('is in force in the order of the calls, whatever is awaited', async () => {
    const node = await nodes.open();
    const bound = node.bind(to('a', 'b'));
    const unbound = node.unbind(to('a', 'b'));
    const subscribed = node.subscribe('c', ['a']);
    const unsubscribed = node.subscribe('c', []);
    await Promise.all([bound, unbound, subscribed, unsubscribed]);
    expect([node.bindings(), node.targets('a'), node.subscription('c')]).to.deep.equal([[], [], []]);
    if (!nodes.isDurable) return;
    const again = await nodes.reopen();
    expect([again.bindings(), again.targets('a')]).to.deep.equal([[], []]);
  });

  it('stores copies that are too large for one batch in several, and the ack of what they are made from last', async () => {
    const node = await nodes.open();
    for (const target of ['b', 'c', 'd', 'e']) await node.bind(to('a', target));
    const body = Buffer.alloc(15 * 1024 * 1024, 'x');
    await node.commit([{ topic: 'a', body }]);
    const lengths = async () => Promise.all(['a', 'b', 'c', 'd', 'e'].map((topic) => node.length(topic)));
    expect(await lengths()).to.deep.equal([1, 1, 1, 1, 1]);
    expect((await node.range('e'))[0]?.body.equals(body)).to.equal(true);
    await node.inqueue('q');
    await node.commit([record('q', 1)]);
    await node.claim('in:q', 1);
    await node.ackCommit('in:q', [{ topic: 'a', body }]);
    expect(await lengths()).to.deep.equal([2, 2, 2, 2, 2]);
    expect(node.inspectProc('in:q')).to.include({ position: 1, unacked: 0 });
    const tooLarge = Buffer.alloc(64 * 1024 * 1024);
    expect(await refusal(() => node.commit([{ topic: 'a', body: tooLarge }]))).to.equal('commit_too_large');
  });

  it('refuses the ack of what was taken back while its large copies were stored', async () => {
    const node = await nodes.open();
    for (const target of ['b', 'c', 'd', 'e']) await node.bind(to('a', target));
    await node.inqueue('q');
    await node.commit([record('q', 1)]);
    await node.claim('in:q', 1);
    const body = Buffer.alloc(15 * 1024 * 1024, 'x');
    const refused = refusal(() => node.ackCommit('in:q', [{ topic: 'a', body }]));
    await node.reclaim('in:q');
    expect(await refused).to.equal('stale_claim');
    expect(node.backlog('in:q')).to.include({ ready: 1, unacked: 0 });
  });
});

describe('log node: large copies on their way', () => {
  class NotingStore extends MemoryStore {
    readonly batches: { readonly records: number; readonly isAck: boolean }[] = [];

    override commit(batch: Batch): Promise<CommitResult> {
      const isAck = batch.puts?.some(({ key }) => key === 'pos/in:q') ?? false;
      this.batches.push({ records: batch.records?.length ?? 0, isAck });
      return super.commit(batch);
    }
  }

  it('are stored before the ack, so that whoever is killed in between is given the message again', async () => {
    const store = new NotingStore();
    const node = openLogNode(store);
    for (const target of ['b', 'c', 'd', 'e']) await node.bind(to('a', target));
    await node.inqueue('q');
    await node.commit([record('q', 1)]);
    await node.claim('in:q', 1);
    store.batches.length = 0;
    await node.ackCommit('in:q', [{ topic: 'a', body: Buffer.alloc(15 * 1024 * 1024, 'x') }]);
    expect(store.batches.reduce((sum, { records }) => sum + records, 0)).to.equal(5);
    expect(store.batches.map(({ isAck }) => isAck)).to.deep.equal([false, true]);
    await node.close();
  });
});
