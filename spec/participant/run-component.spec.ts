import { spawn } from 'node:child_process';
import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { loadComponent, type RunOptions, runComponent } from '../../src/participant/index.js';
import { silentLogger } from '../../src/support/index.js';
import { HEADER } from '../../src/transport/index.js';
import { dataOf, Network, until } from './network.js';

const fixture = (name: string): string => fileURLToPath(new URL(`fixtures/${name}`, import.meta.url));

async function problemOf(work: Promise<unknown>): Promise<Error> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof Error) return error;
  throw new Error('it should have failed');
}

describe('loadComponent', () => {
  const unusable: readonly (readonly [string, string, string])[] = [
    ['that is not there', 'absent.js', 'there is no file'],
    ['that exports something else', 'no-participant.js', 'exports no participant: its default export is to be'],
    ['that throws', 'throws.js', 'cannot be loaded: no licence for this'],
    ['that imports what is not there', 'missing-import.js', "Cannot find package 'no-such-package-at-all'"],
  ];
  for (const [what, file, words] of unusable) {
    it(`names a module ${what} and says so`, async () => {
      const error = await problemOf(loadComponent(fixture(file)));
      expect(error).to.have.property('code', 'MSGFLO_MODULE');
      expect(error.message).to.contain(words).and.contain(file);
    });
  }

  it('names the line of a syntax error', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'msgflo-'));
    const file = join(folder, 'wrong.mjs');
    await copyFile(fixture('syntax-error.js.txt'), file);
    const error = await problemOf(loadComponent(file));
    await rm(folder, { recursive: true });
    expect(error.message).to.match(/wrong\.mjs cannot be loaded: line 3: [^\n]+$/);
  });
});

describe('runComponent', () => {
  let network: Network;
  let stop: AbortController;
  beforeEach(async () => {
    network = await Network.open();
    stop = new AbortController();
  });
  afterEach(() => network.close());

  const options = (more: Partial<RunOptions> = {}): RunOptions => {
    const { address, registry } = network;
    return { role: 'r', address, registry, signal: stop.signal, log: silentLogger, ...more };
  };
  const begin = async (file: string, more: Partial<RunOptions> = {}): Promise<{ ended: Promise<void> }> => {
    let ended: Promise<void> = Promise.resolve();
    await new Promise<void>((resolve, reject) => {
      ended = runComponent(fixture(file), options({ ...more, onStarted: resolve }));
      ended.catch(reject);
    });
    network.own(async () => {
      stop.abort();
      await ended.catch(() => undefined);
    });
    return { ended };
  };

  it('runs a module of ours until it is told to stop', async () => {
    const got = await network.collect('r.OUT');
    const { ended } = await begin('repeat.js', { run: 'r1', id: 'r-1', slot: 'r.1' });
    await network.wire('r', { out: 'ready' });
    await network.send('r.IN', { a: 1 });
    await until(() => got.length === 1);
    expect(network.last('r')).to.include({ id: 'r-1', component: 'Repeat' });
    stop.abort();
    await ended;
    await until(() => network.gone.length === 1);
  });

  it('fails with what produce() throws, after having left', async () => {
    const { ended } = await begin('failing-source.js', { run: 'r1' });
    await network.wire('r');
    expect(await problemOf(ended)).to.have.property('message', 'the sensor is gone');
    expect(network.gone).to.have.length(1);
  });

  it('runs a module (client, role) made with the older library: in, out, announced, dead letters, stopped', async () => {
    const [got, dead] = [await network.collect('r.OUT'), await network.collect('dead-r.IN')];
    const { ended } = await begin('legacy-repeat.cjs');
    expect(network.last('r')).to.deep.include({
      component: 'LegacyRepeat',
      inports: [{ id: 'in', queue: 'r.IN', type: 'any' }],
    });
    for (const data of [{ a: 1 }, 0, 'bad', Buffer.from('plain')]) await network.send('r.IN', data);
    await until(() => got.length === 3 && dead.length === 1);
    expect(dataOf(got)).to.deep.equal([{ a: 1 }, 0, 'plain']);
    expect(dead[0]?.headers).to.include({ [HEADER.deadReason]: 'rejected by the participant' });
    stop.abort();
    await ended;
    await until(() => network.gone.length === 1);
    expect(network.gone).to.deep.equal([network.last('r')?.id]);
  });

  it('hands IIPs to a module (client, role) by its send()', async () => {
    const got = await network.collect('r.OUT');
    await begin('legacy-repeat.cjs', { iips: { in: 'first' } });
    await until(() => got.length === 1);
    expect(dataOf(got)).to.deep.equal(['first']);
  });

  it('says so when what a function returns is no participant', async () => {
    const error = await problemOf(runComponent(fixture('legacy-without-start.js'), options()));
    expect(error.message).to.contain('no start(callback)').and.contain('legacy-without-start.js');
  });

  it('leaves nothing running of an older participant, whose announcing interval nobody can clear', async () => {
    const program = `
      import { runComponent } from './src/participant/run-component.ts';
      import { TransportRegistry } from './src/transport/index.ts';
      import { openDirect } from './src/transport/direct/index.ts';
      const stop = new AbortController();
      const registry = new TransportRegistry().register(['direct'], openDirect());
      await runComponent(${JSON.stringify(fixture('legacy-repeat.cjs'))}, {
        role: 'r', address: 'direct://x', registry, signal: stop.signal, onStarted: () => stop.abort() });`;
    const child = spawn(process.execPath, ['--import=tsx', '--input-type=module', '-e', program], { stdio: 'ignore' });
    network.own(async () => void child.kill('SIGKILL'));
    expect(await new Promise((resolve) => child.on('close', resolve))).to.equal(0);
  });
});
