import { expect } from 'chai';
import {
  type Batch,
  type CommitResult,
  DiskFullError,
  type LogNode,
  MemoryStore,
  openLogNode,
} from '../../../src/log/index.js';
import { bodies, commitNumbers, given, record, refusal, to } from './support.js';

/** Answers when it is told to, and loses what it is told to. */
class FailingStore extends MemoryStore {
  isFull = false;
  /** Loses what is meant for this topic. */
  losesTopic = '';
  /** Loses the commit before the next one only: what a store may do that let the next one wait. */
  losesOne = false;

  override async commit(batch: Batch): Promise<CommitResult> {
    const isLost = this.isFull || this.losesOne || batch.records?.some(({ topic }) => topic === this.losesTopic);
    this.losesOne = false;
    await undefined;
    if (isLost) throw new DiskFullError(this.folder);
    return await super.commit(batch);
  }
}

describe('log node on a disk that fails', () => {
  let store: FailingStore;
  let node: LogNode;
  let errors: string[];
  beforeEach(async () => {
    store = new FailingStore();
    errors = [];
    node = openLogNode(store, {
      onError: (_, during) => errors.push(during),
    });
    await commitNumbers(node, 't', 10);
    await node.ensureProc('t', { name: 'p', offset: '>', maxClaims: 10, reclaimTimeout: -1 });
  });
  afterEach(() => node.close());

  it('takes back the acks that were lost: their claims are out as before', async () => {
    const claims = await node.claim('p', 6);
    await node.ack('p', claims[3]?.token);
    store.isFull = true;
    const codes = await Promise.all(
      [4, 0, 2, 1].map((at) => refusal(() => node.ackCommit('p', [record('out', at)], claims[at]?.token))),
    );
    expect(new Set(codes)).to.deep.equal(new Set(['MSGFLO_LOG_DISK_FULL']));
    expect(node.inspectProc('p')).to.include({ position: 0, unacked: 5, ready: 4, acked: 1 });
    store.isFull = false;
    for (const at of [0, 1, 2]) await node.ackCommit('p', [record('out', at)], claims[at]?.token);
    expect(node.inspectProc('p')).to.include({ position: 4, unacked: 2 });
    expect(bodies(await node.range('out'))).to.deep.equal([0, 1, 2]);
    expect(store.list('ahead/')).to.deep.equal([]);
    expect(store.get('pos/p')).to.match(/^4 /);
  });

  it('writes down a claim that is out again after its ack was lost', async () => {
    const [claim] = await node.claim('p', 1);
    store.losesOne = true;
    expect(await refusal(() => node.ack('p', claim?.token))).to.equal('MSGFLO_LOG_DISK_FULL');
    while (store.list('claim/').length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(store.list('claim/')[0]?.[1]).to.include(claim?.token);
  });

  it('corrects a position that was stored although an ack before it was lost', async () => {
    const claims = await node.claim('p', 3);
    store.losesOne = true;
    const lost = refusal(() => node.ack('p', claims[0]?.token));
    await node.ack('p', claims[1]?.token);
    expect(await lost).to.equal('MSGFLO_LOG_DISK_FULL');
    await node.commit([record('t', 'behind it')]);
    expect(store.get('pos/p')).to.match(/^0 /);
    expect(store.list('ahead/').map(([, last]) => last)).to.deep.equal(['1']);
  });

  it('gives a record out once more when there is no room to bury it', async () => {
    await node.updateProc('p', { maxReclaims: 1, onMaxReclaimsReached: 'deadletter' });
    await node.claim('p', 1);
    store.isFull = true;
    expect(await refusal(() => node.reclaim('p'))).to.equal('MSGFLO_LOG_DISK_FULL');
    store.isFull = false;
    expect((await node.claim('p', 1)).map(given)).to.deep.equal([[0]]);
    await node.reclaim('p');
    expect(bodies(await node.range('dead-t'))[0]).to.include({ body: 0 });
  });

  it('stores nothing where a copy cannot be stored', async () => {
    await node.bind(to('t', 'copy'));
    store.losesTopic = 'copy';
    expect(await refusal(() => commitNumbers(node, 't', 2))).to.equal('MSGFLO_LOG_DISK_FULL');
    store.losesTopic = '';
    await commitNumbers(node, 't', 2);
    expect(bodies(await node.range('copy'))).to.deep.equal([0, 1]);
  });

  it('makes no proc that was not stored', async () => {
    store.isFull = true;
    expect(await refusal(() => node.ensureProc('t', { name: 'q', offset: '$>' }))).to.equal('MSGFLO_LOG_DISK_FULL');
    expect(node.listProcs().map(({ name }) => name)).to.deep.equal(['p']);
    store.isFull = false;
    expect(await node.ensureProc('t', { name: 'q', offset: '$>' })).to.include({ position: 10 });
  });
});
