import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { NodeProcess } from '../../../src/log/client/node-process.js';
import type { PipeProcClient, ProcOptions, Rec } from '../../../src/log/index.js';
import { LogCallError } from '../../../src/log/index.js';
import { namespaceFolder } from '../../../src/log/wire/index.js';
import { codeOf, one, programs, unique } from './support.js';

describe('a node on disk', () => {
  const { folder, client, spawned } = programs();

  it('has everything after it was shut down in order, also what nobody waited for', async () => {
    const [namespace, location] = [unique(), join(folder(), unique())];
    const first = await spawned({ namespace, location });
    for (const topic of ['t', 'u']) await first.commit([1, 2, 3].map((n) => ({ topic, body: { n } })));
    const claim = one(await first.proc('t', { name: 'held', offset: '>' }));
    await first.proc('t', { name: 'back', offset: '>' });
    await first.ack('back');
    const last = first.commit({ topic: 't', body: { n: 4 } });
    expect(await first.shutdown()).to.equal('closed');
    const id = await last;

    const again = await spawned({ namespace, location });
    expect((await again.range('t')).at(-1)).to.deep.equal({ id, body: { n: 4 } });
    expect(await again.commit({ topic: 'u', body: {} })).to.match(/-3$/);
    // Who leaves holds nothing any more.
    expect(one(await again.proc('t', { name: 'held', offset: '>' })).body).to.deep.equal(claim.body);
    expect(await again.inspectProc('held')).to.include({ reclaims: 0 });
    expect(one(await again.proc('t', { name: 'back', offset: '>' })).body).to.deep.equal({ n: 2 });
  });

  it('takes 1,000 commits at once in under 5 s', async () => {
    const node = await spawned({ location: join(folder(), unique()) });
    const start = performance.now();
    await Promise.all(Array.from({ length: 1000 }, (_, n) => node.commit({ topic: 't', body: { n } })));
    expect(performance.now() - start).to.be.below(5000);
    expect(await node.length('t')).to.equal(1000);
  });

  /** A node in a process of its own that nobody's client has started. */
  const nodeAlone = (socket: string): Promise<NodeProcess> =>
    NodeProcess.start({
      address: `ipc://${join(folder(), socket)}`,
      location: join(folder(), unique()),
      workers: 0,
      workerConcurrency: 1,
      workerRestartAfter: 0,
    });

  it('loses nothing that it answered, and has no batch in part, when it is killed; clients find it again', async () => {
    const node = await nodeAlone('socket');
    try {
      const program = client();
      await program.connect({ socket: node.address });
      const answered = new Set<number>();
      let failed = 0;
      const commit = async (n: number): Promise<void> => {
        try {
          await program.commit(['a', 'b', 'a'].map((topic, part) => ({ topic, body: { n, part } })));
          answered.add(n);
        } catch (error) {
          if (!(error instanceof LogCallError && error.code === 'connection_lost')) throw error;
          failed += 1; // whether it was stored is unknown
        }
      };
      let kills = 0;
      const lanes = Array.from({ length: 50 }, async (_, lane) => {
        for (let n = lane; n < 5000; n += 50) {
          await commit(n);
          if (lane !== 0 || n % 1250 !== 500 || node.pid === undefined) continue;
          process.kill(node.pid, 'SIGKILL');
          kills += 1;
        }
      });
      await Promise.all(lanes);
      expect(kills).to.be.at.least(2);
      expect(failed).to.be.below(1000);
      const stored = new Map<number, number>();
      for (const topic of ['a', 'b'])
        for (const n of await numbers(program, topic)) stored.set(n, (stored.get(n) ?? 0) + 1);
      expect([...answered].filter((n) => stored.get(n) !== 3)).to.deep.equal([]);
      expect([...stored].filter(([, parts]) => parts !== 3)).to.deep.equal([]);
      await program.shutdown();
    } finally {
      await node.stop();
    }
  }).timeout(60_000);

  it('ends when the program that started it is killed, and leaves all in order', async () => {
    const [namespace, location] = [unique(), join(folder(), unique())];
    const program = join(import.meta.dirname, 'fixtures/spawning-program.ts');
    const child = fork(program, [JSON.stringify({ namespace, location, workers: 1 })], { execArgv: process.execArgv });
    const [id] = await once(child, 'message');
    child.kill('SIGKILL');
    const socket = join(namespaceFolder(), `msgflo-log.${namespace}`);
    while (existsSync(socket)) await new Promise((resolve) => setTimeout(resolve, 10));
    const again = await spawned({ namespace, location });
    expect((await again.range('t'))[0]).to.deep.include({ id });
  });

  it('gives what a consumer does not acknowledge in time to the next one, with nobody asking', async () => {
    const node = await spawned({ location: join(folder(), unique()) });
    await node.commit({ topic: 't', body: { n: 1 } });
    const options = { name: 'p', offset: '>', reclaimTimeout: 300 };
    const first = one(await node.proc('t', options));
    const start = performance.now();
    const second = await claimedNext(node, options);
    expect(performance.now() - start).to.be.within(250, 600);
    expect(second.body).to.deep.equal({ n: 1 });
    expect(await codeOf(node.ack('p', first.claim))).to.equal('stale_claim');
    await node.ack('p', second.claim);
  });

  for (const [how, reclaims, end] of [
    ['is killed', 1, (child: ChildProcess) => child.kill('SIGKILL')],
    ['leaves', 0, (child: ChildProcess) => child.send('leave')],
  ] as const)
    it(`gives what a program holds that ${how} to the next one at once`, async () => {
      const namespace = unique();
      const node = await spawned({ namespace, location: join(folder(), unique()) });
      await node.commit({ topic: 't', body: { n: 1 } });
      const options = { name: 'p', offset: '>', reclaimTimeout: -1 };
      const program = join(import.meta.dirname, 'fixtures/claiming-program.ts');
      const args = [JSON.stringify({ namespace }), JSON.stringify({ topic: 't', ...options })];
      const child = fork(program, args, { execArgv: process.execArgv });
      const [{ claim, body }] = await once(child, 'message');
      expect(body).to.deep.equal({ n: 1 });
      expect(await node.proc('t', options)).to.equal(null);
      const start = performance.now();
      end(child);
      const second = await claimedNext(node, options);
      expect(performance.now() - start).to.be.below(600);
      expect(second.body).to.deep.equal({ n: 1 });
      expect(await node.inspectProc('p')).to.include({ reclaims });
      expect(await codeOf(node.ack('p', claim))).to.equal('stale_claim');
      await node.ack('p', second.claim);
    });

  it('lets a program acknowledge what it had claimed before the node was killed', async () => {
    const node = await nodeAlone('killed');
    try {
      const program = client();
      await program.connect({ socket: node.address });
      await program.commit([1, 2].map((n) => ({ topic: 't', body: { n } })));
      const held = one(await program.proc('t', { name: 'p', offset: '>' }));
      await new Promise((resolve) => setTimeout(resolve, 50)); // until it is written that it is out
      const waiting = program.waitForProcs('p');
      process.kill(node.pid ?? 0, 'SIGKILL');
      const done = await retried(() => program.ackCommit('p', { topic: 'u', body: {} }, held.claim));
      expect(done.ackedLogId).to.equal(`${held.id}..${held.id}`);
      expect(one(await program.proc('t', { name: 'p', offset: '>' })).body).to.deep.equal({ n: 2 });
      await program.ack('p');
      await waiting; // asked again
      expect(await program.length('u')).to.equal(1);
      await program.shutdown();
    } finally {
      await node.stop();
    }
  });
});

async function claimedNext(node: PipeProcClient, options: ProcOptions): Promise<Rec> {
  for (;;) {
    const log = await node.proc('t', options);
    if (log) return one(log);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Until the node is back. Fit for what is refused the second time. */
async function retried<T>(work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof LogCallError && error.code === 'connection_lost')) throw error;
    }
  }
}

async function numbers(program: PipeProcClient, topic: string): Promise<number[]> {
  return (await program.range(topic)).map(({ body }) => ('n' in body ? Number(body.n) : -1));
}
