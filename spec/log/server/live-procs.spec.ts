import { expect } from 'chai';
import { type LogNode, MemoryStore, openLogNode } from '../../../src/log/index.js';
import { LiveProcs } from '../../../src/log/server/live-procs.js';
import { servedNode } from './support.js';

describe('live procs whose program is gone', () => {
  const served = servedNode();
  const proc = { topic: 't', name: 'liveproc-1', offset: '>' };

  it('are destroyed when it says goodbye', async () => {
    await served.node().commit([{ topic: 't', body: Buffer.from('{}') }]);
    const client = served.client();
    client.send({ type: 'proc', msgKey: '1', data: { proc, waitMs: 1000 } });
    client.send({ type: 'proc', msgKey: '2', data: { proc: { ...proc, name: 'p' }, waitMs: 1000 } });
    await client.next();
    await client.next();
    client.send({ type: 'leave', msgKey: '3' });
    await client.next();
    while (served.node().listProcs().length > 1) await new Promise(setImmediate);
    expect(served.node().inspectProc('p')).to.include({ unacked: 0 });
  });

  it('are not waited for when it is gone without a word', async () => {
    await served.node().commit([{ topic: 't', body: Buffer.from('{}') }]);
    const [gone, other] = [served.client(), served.client()];
    gone.send({ type: 'proc', msgKey: '1', data: { proc, waitMs: 1000 } });
    await gone.next();
    gone.socket.destroy();
    while (served.node().inspectProc('liveproc-1').unacked > 0) await new Promise(setImmediate);
    other.send({ type: 'wait_for_procs', msgKey: '2', data: { names: [] } });
    expect(await other.next()).to.include({ type: 'procs_completed' });
    expect(served.node().inspectProc('liveproc-1')).to.include({ ready: 1 });
  });

  describe('without a word', () => {
    const GRACE_MS = 30;
    let node: LogNode;
    let live: LiveProcs;
    let connection: AbortController;
    beforeEach(async () => {
      node = openLogNode(new MemoryStore());
      connection = new AbortController();
      for (const name of ['liveproc-1', 'p']) await node.ensureProc('t', { name, offset: '>' });
    });
    afterEach(async () => {
      live.close();
      await node.close();
    });
    const names = (): readonly string[] => node.listProcs().map(({ name }) => name);

    it('are destroyed after a while, also those of a run before', async () => {
      live = new LiveProcs(node, GRACE_MS);
      while (names().length > 1) await new Promise((resolve) => setTimeout(resolve, 5));
      expect(names()).to.deep.equal(['p']);
      await node.ensureProc('t', { name: 'liveproc-2', offset: '>' });
      live.asked('liveproc-2', connection.signal);
      live.asked('p', connection.signal);
      live.lost(connection.signal);
      while (names().length > 1) await new Promise((resolve) => setTimeout(resolve, 5));
      expect(names()).to.deep.equal(['p']);
    });

    it('are kept for one that is back in time', async () => {
      live = new LiveProcs(node, GRACE_MS);
      live.asked('liveproc-1', connection.signal);
      live.lost(connection.signal);
      const back = new AbortController();
      live.asked('liveproc-1', back.signal);
      await node.ensureProc('t', { name: 'liveproc-2', offset: '>' });
      live.asked('liveproc-2', connection.signal);
      live.lost(connection.signal);
      while (names().includes('liveproc-2')) await new Promise((resolve) => setTimeout(resolve, 5));
      expect(names()).to.include('liveproc-1');
      expect([live.isAbandoned('liveproc-1'), live.isAbandoned('p')]).to.deep.equal([false, false]);
    });
  });
});
