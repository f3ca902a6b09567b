import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import type { ProcessSpec } from '../../src/process/index.js';
import { type Bench, bench, isAlive, until } from './processes.js';

const PROGRAM = fileURLToPath(new URL('./fixtures/shared-program.mjs', import.meta.url));

function member(key: string, words: readonly string[] = [], more: Partial<ProcessSpec> = {}): ProcessSpec {
  return { key, role: key, argv: [process.execPath, PROGRAM, ...words], shared: 'small', env: { OWN: key }, ...more };
}

describe('specs that share a process', () => {
  let one: Bench;
  beforeEach(() => {
    one = bench({ restart: { minMs: 10, maxMs: 40, limit: 3 }, graceMs: 300 });
  });
  afterEach(() => one.close());

  const pidOf = async (key: string): Promise<number> => (await one.stateOf(key))?.pid ?? 0;
  const statusOf = async (key: string): Promise<string | undefined> => (await one.stateOf(key))?.status;

  it('run in one process, each with its own arguments and environment', async () => {
    await Promise.all(['a', 'b'].map((key) => one.supervisor.start(member(key))));
    await one.supervisor.start(member('c', [], { shared: 'other' }));
    await until(() => one.output.length === 3);
    const said = one.output.map(({ line }) => JSON.parse(line));
    expect(said.map(({ key, env }) => [key, env])).to.have.deep.members(['a', 'b', 'c'].map((key) => [key, key]));
    expect(await pidOf('a')).to.equal(await pidOf('b'));
    expect(await pidOf('c')).not.to.equal(await pidOf('a'));
    expect(await one.stateOf('a')).to.include({ status: 'running', restarts: 0 });
  });

  it('are stopped one by one; the process goes with the last', async () => {
    await Promise.all(['a', 'b'].map((key) => one.supervisor.start(member(key))));
    const pid = await pidOf('a');
    await one.supervisor.stop('a');
    expect(isAlive(pid)).to.equal(true);
    expect(await statusOf('b')).to.equal('running');
    await one.supervisor.stop('b');
    expect(isAlive(pid)).to.equal(false);
    expect(await one.supervisor.list()).to.deep.equal([]);
  });

  it('are all started again when the process dies', async () => {
    await Promise.all(['a', 'b'].map((key) => one.supervisor.start(member(key))));
    const pid = await pidOf('a');
    process.kill(pid, 'SIGKILL');
    await until(async () => (await pidOf('a')) !== pid && (await statusOf('a')) === 'running');
    await until(async () => (await statusOf('b')) === 'running');
    expect(await one.stateOf('b')).to.deep.include({ restarts: 1 });
    expect((await one.stateOf('b'))?.lastExit).to.include({ signal: 'SIGKILL' });
    expect(await pidOf('b')).to.equal(await pidOf('a'));
  });

  it('end by themselves as processes do: with 0 for good, else they are started again, and not for ever', async () => {
    await one.supervisor.start(member('a'));
    await one.supervisor.start(member('done', ['exit', '0']));
    await one.supervisor.start(member('fails', ['exit', '4']));
    await until(async () => (await statusOf('done')) === 'ended' && (await statusOf('fails')) === 'failed');
    expect(await one.stateOf('fails')).to.deep.include({ restarts: 2, stderrTail: ['fails is over'] });
    expect((await one.stateOf('fails'))?.lastExit).to.include({ code: 4, signal: null });
    expect(await statusOf('a')).to.equal('running');
  });

  it('take the process with them when they do not end in time', async () => {
    await one.supervisor.start(member('a'));
    await one.supervisor.start(member('stuck', ['hang']));
    const pid = await pidOf('a');
    await one.supervisor.stop('stuck');
    expect(isAlive(pid)).to.equal(false);
    await until(async () => (await statusOf('a')) === 'running');
    expect((await one.supervisor.list()).map(({ key }) => key)).to.deep.equal(['a']);
  });

  it('are replaced when the spec changes, also by one with a process of its own', async () => {
    await one.supervisor.start(member('a'));
    await one.supervisor.start(member('b'));
    const pid = await pidOf('a');
    await one.supervisor.start({ key: 'a', role: 'a', argv: ['exec sleep 1000'], shell: true });
    expect(await pidOf('a')).not.to.equal(pid);
    expect(await pidOf('b')).to.equal(pid);
  });

  it('are given a new process when theirs is not started again', async () => {
    await one.supervisor.start(member('a'));
    await one.supervisor.start(member('falls', ['fall', '5']));
    await until(async () => (await statusOf('a')) === 'failed' && (await statusOf('falls')) === 'failed');
    await one.supervisor.start(member('b'));
    await one.supervisor.stop('a');
    await one.supervisor.start(member('a'));
    await until(async () => (await statusOf('a')) === 'running' && (await statusOf('b')) === 'running');
    expect(await pidOf('a')).to.equal(await pidOf('b'));
    expect(await statusOf('falls')).to.equal('failed');
  });
});
