import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { type ProcessSpec, Secrets } from '../../src/process/index.js';
import { type Bench, bench, isAlive, until } from './processes.js';

function script(text: string, more: Partial<ProcessSpec> = {}): ProcessSpec {
  return { key: 'k', role: 'worker', argv: [text], shell: true, ...more };
}

function node(code: string, ...args: readonly string[]): ProcessSpec {
  return { key: 'k', role: 'worker', argv: [process.execPath, '-e', code, ...args] };
}

describe('Supervisor', () => {
  let made: Bench[] = [];
  afterEach(async () => {
    for (const one of made) await one.close();
    made = [];
  });

  function supervise(options: Parameters<typeof bench>[0] = {}): Bench {
    const one = bench({ restart: { minMs: 10, maxMs: 40 }, ...options });
    made.push(one);
    return one;
  }

  it('hands arguments over as they are, without a shell', async () => {
    const { supervisor, output } = supervise();
    const odd = ['a b', '$(id)', '; exit 3', "it's", '"', '*', ''];
    await supervisor.start(node('console.log(JSON.stringify(process.argv.slice(1)))', ...odd));
    await until(() => output.length > 0);
    expect(JSON.parse(output[0]?.line ?? '')).to.deep.equal(odd);
  });

  it('adds to the environment, without changing ours', async () => {
    const { supervisor, output } = supervise({ env: { MSGFLO_BROKER: 'amqp://x' } });
    const before = process.env['NODE_EXTRA_CA_CERTS'];
    process.env['NODE_EXTRA_CA_CERTS'] = '/nowhere';
    try {
      await supervisor.start(script('echo $OWN $MSGFLO_BROKER [$NODE_EXTRA_CA_CERTS] $HOME', { env: { OWN: 'mine' } }));
    } finally {
      delete process.env['NODE_EXTRA_CA_CERTS'];
      if (before !== undefined) process.env['NODE_EXTRA_CA_CERTS'] = before;
    }
    await until(() => output.length > 0);
    expect(output[0]?.line).to.equal(`mine amqp://x [] ${process.env['HOME']}`);
    expect(process.env).not.to.include.keys('OWN', 'MSGFLO_GUARD');
  });

  it('hides what is secret in all that is printed, and in what is said of its end', async () => {
    const secrets = new Secrets();
    const { supervisor, output, stateOf, log } = supervise({ secrets, restart: { limit: 1 } });
    secrets.add('');
    secrets.add('s3cret');
    await supervisor.start(script('echo at mqtt://u:s3cret@h, s3cret; echo Error: s3cret >&2; exit 1'));
    await until(async () => (await stateOf('k'))?.status === 'failed');
    expect(output.map(({ line }) => line)).to.have.members(['at mqtt://u:***@h, ***', 'Error: ***']);
    expect((await stateOf('k'))?.stderrTail).to.deep.equal(['Error: ***']);
    expect(log.lines.filter((line) => line.includes('(Error: ***)'))).to.have.length(1);
  });

  it('does nothing when an equal spec is started again', async () => {
    const { supervisor, stateOf } = supervise();
    await supervisor.start(script('exec sleep 1000'));
    const { pid } = (await stateOf('k')) ?? {};
    await supervisor.start(script('exec sleep 1000'));
    expect(await stateOf('k')).to.include({ pid, status: 'running', restarts: 0 });
  });

  it('replaces a process whose spec changed', async () => {
    const { supervisor, stateOf } = supervise();
    await supervisor.start(script('exec sleep 1000'));
    const { pid = 0 } = (await stateOf('k')) ?? {};
    await supervisor.start(script('exec sleep 2000'));
    expect(isAlive(pid)).to.equal(false);
    expect((await stateOf('k'))?.pid).not.to.equal(pid);
  });

  it('stops a process with its children, and forgets it', async () => {
    const { supervisor, output, stateOf, states } = supervise();
    await supervisor.start(script('sleep 1000 & echo $!; wait'));
    await until(() => output.length > 0);
    const { pid = 0 } = (await stateOf('k')) ?? {};
    await supervisor.stop('k');
    expect([pid, Number(output[0]?.line)].map(isAlive)).to.deep.equal([false, false]);
    expect(await supervisor.list()).to.deep.equal([]);
    expect(states.map(({ status }) => status)).to.deep.equal(['running', 'stopping', 'stopped']);
  });

  it('kills what ignores SIGTERM, after the grace', async () => {
    const { supervisor, output, stateOf } = supervise({ graceMs: 200 });
    await supervisor.start(script('trap "" TERM; echo ready; while :; do sleep 1000; done'));
    await until(() => output.length > 0);
    const { pid = 0 } = (await stateOf('k')) ?? {};
    await supervisor.stop('k');
    expect(isAlive(pid)).to.equal(false);
  });

  it('lets a process finish what it has in hand when it is stopped', async () => {
    const { supervisor, output } = supervise();
    await supervisor.start(
      script('trap "sleep 0.3; echo finished; exit 0" TERM; echo ready; while :; do sleep 0.05; done'),
    );
    await until(() => output.length > 0);
    await supervisor.stop('k');
    expect(output.filter(({ stream }) => stream === 'stdout').map(({ line }) => line)).to.deep.equal([
      'ready',
      'finished',
    ]);
  });

  it('sends SIGTERM once, also to those who outlive the first of their group', async () => {
    const { supervisor, output } = supervise();
    const slow = 'trap "echo term" TERM; echo ready; for i in 1 2 3 4 5 6; do sleep 0.1; done';
    await supervisor.start(script(`sh -c '${slow}' & exec sleep 1000`));
    await until(() => output.length > 0);
    await supervisor.stop('k');
    expect(output.filter(({ line }) => line === 'term')).to.have.length(1);
  });

  it('starts a killed process again, without the children it left', async () => {
    const { supervisor, output, stateOf } = supervise();
    await supervisor.start(script('sleep 1000 & echo $!; wait'));
    await until(() => output.length > 0);
    const { pid = 0 } = (await stateOf('k')) ?? {};
    process.kill(pid, 'SIGKILL');
    await until(() => output.length > 1);
    expect(isAlive(Number(output[0]?.line))).to.equal(false);
    const state = await stateOf('k');
    expect(state).to.include({ status: 'running', restarts: 1 });
    expect(state?.lastExit).to.include({ code: null, signal: 'SIGKILL' });
  });

  it('does not take the last line of what was killed from outside for the reason', async () => {
    const { supervisor, output, stateOf, log } = supervise();
    await supervisor.start(script('echo all is well >&2; sleep 1000'));
    await until(() => output.length > 0);
    process.kill((await stateOf('k'))?.pid ?? 0, 'SIGKILL');
    await until(() => log.lines.length > 0);
    expect(log.lines[0]).to.match(/^role 'worker' exited with SIGKILL, starting again in /);
  });

  it('gives up on what fails too often, in one line with role, reason, code and command', async () => {
    const { supervisor, stateOf, log } = supervise({ restart: { minMs: 10, maxMs: 40, limit: 3 } });
    await supervisor.start(node("console.error('hm'); throw new RangeError('no bananas')"));
    await until(async () => (await stateOf('k'))?.status === 'failed');
    const state = await stateOf('k');
    expect(state).to.include({ restarts: 2 });
    expect(state?.stderrTail?.[0]).to.equal('RangeError: no bananas');
    const said = log.lines.at(-1) ?? '';
    expect(said).to.match(
      /^role 'worker' failed: exited with code 1 too often \(RangeError: no bananas\), not started again: /,
    );
    expect(said).not.to.include('\n');
  });

  it('takes exit code 0 for the end, and runs it again only after a stop', async () => {
    const { supervisor, stateOf, output } = supervise();
    await supervisor.start(script('echo done'));
    await until(async () => (await stateOf('k'))?.status === 'ended');
    await supervisor.start(script('echo done'));
    expect(output).to.have.length(1);
    await supervisor.stop('k');
    await supervisor.start(script('echo done'));
    await until(() => output.length === 2);
  });

  it('stops one that waits for its next try', async () => {
    const { supervisor, stateOf } = supervise({ restart: { minMs: 60_000, maxMs: 60_000 } });
    await supervisor.start(script('exit 1'));
    await until(async () => (await stateOf('k'))?.status === 'backoff');
    await supervisor.stop('k');
    expect(await supervisor.list()).to.deep.equal([]);
  });

  describe('what cannot be started', () => {
    let folder: string;
    beforeEach(async () => {
      folder = await mkdtemp(join(tmpdir(), 'msgflo-process-'));
    });
    afterEach(() => rm(folder, { recursive: true, force: true }));

    async function saidOf(spec: Partial<ProcessSpec>): Promise<readonly string[]> {
      const { supervisor, stateOf, log } = supervise();
      await supervisor.start({ key: 'k', role: 'worker', argv: ['true'], ...spec });
      await until(async () => (await stateOf('k'))?.status === 'failed');
      return log.lines;
    }

    it('is said in one line: no such command', async () => {
      expect(await saidOf({ argv: ['no-such-program', '-x'] })).to.deep.equal([
        "role 'worker' cannot be started (the command 'no-such-program' was not found): no-such-program -x",
      ]);
    });

    it('is said in one line: not executable, no interpreter', async () => {
      const path = join(folder, 'program');
      await writeFile(path, '#!/no/such/interpreter\n');
      expect(await saidOf({ argv: [path] })).to.deep.equal([
        `role 'worker' cannot be started ('${path}' is not executable): ${path}`,
      ]);
      await chmod(path, 0o755);
      expect((await saidOf({ argv: [path] })).join()).to.include(
        `the interpreter that the first line of '${path}' names`,
      );
    });

    it('is said in one line: no such folder', async () => {
      const cwd = join(folder, 'none');
      expect((await saidOf({ cwd })).join()).to.include(`(its working directory ${cwd} does not exist)`);
    });

    it('is said in one line: an argument with a NUL', async () => {
      expect(await saidOf({ argv: ['echo', 'a\0b'] })).to.have.length(1);
    });
  });

  it('refuses a spec without a command', async () => {
    const failure = await supervise()
      .supervisor.start({ key: 'k', role: 'r', argv: [] })
      .catch((error: unknown) => error);
    expect(failure).to.have.property('code', 'MSGFLO_USAGE');
  });

  it('starts nothing after close()', async () => {
    const { supervisor } = supervise();
    const starting = supervisor.start(script('exec sleep 1000'));
    await supervisor.close();
    await starting.catch(() => undefined);
    expect(await supervisor.list()).to.deep.equal([]);
    const failure = await supervisor.start(script('true')).catch((error: unknown) => error);
    expect(failure).to.have.property('code', 'MSGFLO_SUPERVISOR_CLOSED');
  });
});
