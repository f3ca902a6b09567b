import { expect } from 'chai';
import { type Batch, type CommitResult, DiskFullError, MemoryStore, openLogNode } from '../../../src/log/index.js';
import { WorkerPool } from '../../../src/log/server/index.js';
import { silentLogger } from '../../../src/support/index.js';
import { eventually } from '../../transport/conformance/stage.js';

/** Has no room for what goes to `out`, while it is told to. */
class FullStore extends MemoryStore {
  isFull = false;
  refusals = 0;

  override async commit(batch: Batch): Promise<CommitResult> {
    if (!this.isFull || !batch.records?.some(({ topic }) => topic === 'out')) return await super.commit(batch);
    this.refusals += 1;
    throw new DiskFullError(this.folder);
  }
}

describe('workers on a disk that is full', function () {
  this.timeout(10_000);

  it('try again until there is room, and the processor is not to blame', async () => {
    const store = new FullStore('full');
    const node = openLogNode(store);
    const pool = new WorkerPool(node, { workers: 1, concurrency: 1, restartAfter: 0, logger: silentLogger });
    try {
      store.isFull = true;
      await node.systemProc({
        name: 'copy',
        from: ['in'],
        to: ['out'],
        processor: 'data:text/javascript,export default (log, done) => done(null, log.body)',
        options: { offset: '>', maxReclaims: 2 },
      });
      await node.commit([1, 2].map((n) => ({ topic: 'in', body: Buffer.from(`{"n":${n}}`) })));
      await eventually(() => store.refusals > 4, 'it to be tried often enough', 5000);
      expect(node.inspectProc('copy')).to.include({ status: 'active', reclaims: 0 });
      store.isFull = false;
      await node.waitForProcs(['copy']);
      expect((await node.range('out')).map(({ body }) => String(body))).to.deep.equal(['{"n":1}', '{"n":2}']);
    } finally {
      await pool.stop();
      await node.close();
    }
  });
});
