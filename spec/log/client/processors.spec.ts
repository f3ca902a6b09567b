import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import type { PipeProcClient, Processor } from '../../../src/log/index.js';
import { bodiesOf, codeOf, programs, unique } from './support.js';

interface Numbered {
  readonly id: string;
  readonly body: { readonly n: number };
}

describe('processors', () => {
  const { folder, spawned } = programs();
  const namespace = unique();
  let location: string;
  let client: PipeProcClient;
  before(async () => {
    location = join(folder(), 'log');
    client = await spawned({ namespace, location, workers: 2 });
  });

  const numbersTo = (topic: string, last: number): Promise<unknown> =>
    client.commit(Array.from({ length: last }, (_, n) => ({ topic, body: { n } })));

  it('make a pipeline: each record once, in order', async () => {
    const [numbers, plus, doubled] = [unique(), unique(), unique()];
    await client.systemProc({
      name: `${numbers}-plus`,
      offset: '>',
      from: numbers,
      to: plus,
      processor: (log: Numbered, done) => done(null, { n: log.body.n + 1 }),
    });
    await client.systemProc({
      name: `${numbers}-double`,
      offset: '>',
      from: plus,
      to: doubled,
      processor: async (log: Numbered) => ({ n: log.body.n * 2 }),
    });
    await numbersTo(numbers, 300);
    await client.waitForProcs(`${numbers}-plus`);
    await client.waitForProcs(`${numbers}-double`);
    const expected = Array.from({ length: 300 }, (_, n) => ({ n: (n + 1) * 2 }));
    expect(bodiesOf(await client.range(doubled))).to.deep.equal(expected);
  });

  it('go on when a worker is killed, and each record is still there once', async () => {
    const [from, to] = [unique(), unique()];
    // The first to see record 10 kills its own process.
    const flag = join(folder(), unique());
    await client.systemProc({
      name: from,
      offset: '>',
      from,
      to,
      processor: moduleOf(
        `const { existsSync, writeFileSync } = require('node:fs');
         module.exports = (log, done) => {
           if (log.body.n === 10 && !existsSync(${JSON.stringify(flag)})) {
             writeFileSync(${JSON.stringify(flag)}, '');
             process.kill(process.pid, 'SIGKILL');
           }
           done(null, log.body);
         };`,
      ),
    });
    await numbersTo(from, 50);
    await client.waitForProcs(from);
    expect(bodiesOf(await client.range(to))).to.deep.equal(Array.from({ length: 50 }, (_, n) => ({ n })));
  });

  it('take several topics, several records at a time, and give several to each of several topics', async () => {
    const [left, right, to, also] = [unique(), unique(), unique(), unique()];
    const name = unique();
    const options = {
      name,
      offset: '>',
      count: 5,
      from: [left, right],
      to: [to, also],
      processor: (logs: Numbered[], done: (error: null, data: object[]) => void) =>
        done(null, [{ many: logs.length }, { first: logs[0]?.body.n }]),
    };
    await numbersTo(left, 5);
    await numbersTo(right, 5);
    const states = await client.systemProc(options);
    expect([states].flat().map((state) => state.name)).to.deep.equal([`${name}__${left}`, `${name}__${right}`]);
    await client.waitForProcs([`${name}__${left}`, `${name}__${right}`]);
    const expected = [{ many: 5 }, { first: 0 }, { many: 5 }, { first: 0 }];
    expect(bodiesOf(await client.range(to))).to.deep.equal(expected);
    expect(bodiesOf(await client.range(also))).to.deep.equal(expected);
  });

  it('acknowledge what they give nothing for, and what has nowhere to go', async () => {
    const from = unique();
    await numbersTo(from, 3);
    await client.systemProc({
      name: `${from}-a`,
      offset: '>',
      from,
      processor: (log: Numbered, done) => done(null, log.body),
    });
    await client.systemProc({
      name: `${from}-b`,
      offset: '>',
      from,
      to: unique(),
      processor: (_log, done) => done(null),
    });
    await client.waitForProcs([`${from}-a`, `${from}-b`]);
    expect(await client.inspectProc(`${from}-b`)).to.include({ status: 'active', ready: 0 });
  });

  it('that always fail are disabled, while others go on', async () => {
    const from = unique();
    await numbersTo(from, 20);
    await client.systemProc({
      name: `${from}-bad`,
      offset: '>',
      from,
      maxReclaims: 3,
      processor: () => {
        throw new Error('never');
      },
    });
    await client.systemProc({ name: `${from}-good`, offset: '>', from, processor: (_log, done) => done(null) });
    await client.waitForProcs([`${from}-good`]);
    while ((await client.inspectProc(`${from}-bad`)).status === 'active')
      await new Promise((next) => setTimeout(next, 5));
    expect((await client.inspectProc(`${from}-bad`)).lastAckedRange).to.equal('');
  });

  it('are gone when their procs are destroyed, one topic after the other', async () => {
    const [left, right, to, name] = [unique(), unique(), unique(), unique()];
    const options = { name, offset: '>', from: [left, right], to };
    await client.systemProc({ ...options, processor: (log: Numbered, done) => done(null, log.body) });
    await client.destroyProc(`${name}__${left}`);
    await numbersTo(left, 1);
    await numbersTo(right, 2);
    await client.waitForProcs(`${name}__${right}`);
    await client.destroyProc(`${name}__${right}`);
    await numbersTo(right, 1);
    await client.systemProc({ name: `${name}-end`, offset: '>', from: [right], processor: (_log, done) => done(null) });
    await client.waitForProcs(`${name}-end__${right}`);
    expect(bodiesOf(await client.range(to))).to.deep.equal([{ n: 0 }, { n: 1 }]);
    for (const gone of [left, right]) {
      const inspected = client.inspectProc(`${name}__${gone}`);
      expect(await codeOf(inspected)).to.equal('invalid_proc');
    }
  });

  it('can be defined anew while they run, and go on in order', async () => {
    const [from, to] = [unique(), unique()];
    const processor = async (log: Numbered): Promise<object> => {
      await new Promise((resolve) => setTimeout(resolve, 20 - log.body.n));
      return log.body;
    };
    await client.systemProc({ name: from, offset: '>', from, to, processor });
    await numbersTo(from, 20);
    for (let turn = 0; turn < 5; turn++) await client.systemProc({ name: from, offset: '>', from, to, processor });
    await client.waitForProcs(from);
    expect(bodiesOf(await client.range(to))).to.deep.equal(Array.from({ length: 20 }, (_, n) => ({ n })));
  });

  for (const [what, processor] of [
    ['nothing', ''],
    ['a native function', Array.isArray],
    ['a bound function', (() => undefined).bind(null)],
  ] as const)
    it(`cannot be ${what}: no_valid_processor_provided`, async () => {
      const given: Processor | string = processor;
      const attempt = client.systemProc({ name: unique(), offset: '>', from: 'x', processor: given });
      expect(await codeOf(attempt)).to.equal('no_valid_processor_provided');
    });

  it('run again after a restart of the node, as they were, in workers that are replaced', async () => {
    const [from, to, also] = [unique(), unique(), unique()];
    await client.systemProc({
      name: from,
      offset: '>',
      count: 2,
      from,
      to: [to, also],
      processor: moduleOf(
        'export default function (log) { return { many: [log].flat().length, pid: process.pid }; }',
        'mjs',
      ),
    });
    await client.shutdown();
    client = await spawned({ namespace, location, workerRestartAfter: 1 });
    await numbersTo(from, 6);
    await client.shutdown();
    client = await spawned({ namespace, location, workers: 1, workerRestartAfter: 1 });
    await client.waitForProcs(from);
    const results = bodiesOf(await client.range(to));
    expect(results.map((result) => fieldOf(result, 'many'))).to.deep.equal([2, 2, 2]);
    expect(bodiesOf(await client.range(also))).to.deep.equal(results);
    expect(new Set(results.map((result) => fieldOf(result, 'pid'))).size).to.equal(3);
  });

  function moduleOf(code: string, extension = 'cjs'): string {
    const path = join(folder(), `${unique()}.${extension}`);
    writeFileSync(path, code);
    return path;
  }
});

function fieldOf(result: unknown, key: string): unknown {
  return typeof result === 'object' && result !== null ? Reflect.get(result, key) : undefined;
}
