import { expect } from 'chai';
import type { PipeProcClient } from '../../../src/log/index.js';
import { bodiesOf, programs, unique } from './support.js';

describe('a live proc', () => {
  const { spawned } = programs();
  let client: PipeProcClient;
  let topic: string;
  before(async () => {
    client = await spawned();
  });
  beforeEach(async () => {
    topic = unique();
    await client.commit({ topic, body: { n: 0 } });
  });

  const write = (n: number): Promise<unknown> => client.commit({ topic, body: { n } });

  it('sees all, or what is committed from now on, and is gone when it is cancelled', async () => {
    const seen = { all: [] as unknown[], live: [] as unknown[] };
    const names: string[] = [];
    const procs = (['all', 'live'] as const).map((mode) =>
      client.liveProc({ topic, mode }).changes(async function (error, log) {
        if (error) throw error;
        seen[mode].push(...bodiesOf([log].flat().flatMap((record) => record ?? [])));
        await this.ack();
      }),
    );
    for (const proc of procs) names.push(await named(proc));
    for (const n of [1, 2, 3]) await write(n);
    await client.waitForProcs(names);
    expect(seen).to.deep.equal({ all: [0, 1, 2, 3].map((n) => ({ n })), live: [1, 2, 3].map((n) => ({ n })) });
    for (const proc of procs) await proc.cancel();
    await write(4);
    for (const name of names) {
      const gone = await client.inspectProc(name).catch((error: unknown) => error);
      expect(gone).to.include({ code: 'invalid_proc' });
    }
    expect(seen.live).to.have.length(3);
  });

  it('goes on after next(), reclaims what its callback threw on, and can commit with its ack', async () => {
    const target = unique();
    let failures = 0;
    const done = new Promise<void>((resolve) => {
      client.liveProc({ topic, mode: 'all' }).changes(function (_error, log, next) {
        if (failures < 2) {
          failures += 1;
          throw new Error('not yet');
        }
        void this.ackCommit({ topic: target, body: [log].flat().at(0) ?? {} }).then(() => {
          next();
          resolve();
        });
      });
    });
    await done;
    expect(failures).to.equal(2);
    expect(await client.length(target)).to.equal(1);
  });

  it('is told of a record within a few milliseconds, also after a silence', async () => {
    let notice = (): void => undefined;
    const proc = client.liveProc({ topic, mode: 'live' }).changes(async function () {
      notice();
      await this.ack();
    });
    const delays: number[] = [];
    for (let round = 0; round < 20; round++) {
      await new Promise((resolve) => setTimeout(resolve, round === 10 ? 300 : 5));
      const told = new Promise<void>((resolve) => {
        notice = resolve;
      });
      const start = performance.now();
      await write(round);
      await told;
      delays.push(performance.now() - start);
    }
    await proc.cancel();
    delays.sort((a, b) => a - b);
    expect(delays[10]).to.be.below(20);
  });

  it('waits with waitForProcs until a slow one is done', async () => {
    let acked = 0;
    const proc = client.liveProc({ topic, mode: 'all' }).changes(async function () {
      await new Promise((resolve) => setTimeout(resolve, 100));
      acked += 1;
      await this.ack();
    });
    await write(1);
    await client.waitForProcs(await named(proc));
    expect(acked).to.equal(2);
    await proc.cancel();
  });

  it('can be cancelled before and while it begins', async () => {
    await client.liveProc({ topic, mode: 'all' }).cancel();
    const proc = client.liveProc({ topic, mode: 'live' }).changes(() => undefined);
    await proc.cancel();
    await write(1);
    const gone = await proc.inspect().catch((error: unknown) => error);
    expect(gone).to.include({ code: 'invalid_proc' });
  });
});

/** Its name, as soon as the node has it. */
async function named(proc: { inspect(): Promise<{ readonly name: string }> }): Promise<string> {
  for (;;) {
    try {
      return (await proc.inspect()).name;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  }
}
