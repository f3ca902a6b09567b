import { readdirSync, readFileSync } from 'node:fs';
import { expect } from 'chai';
import { scriptComponent } from '../../src/participant/index.js';
import { HEADER } from '../../src/transport/index.js';
import { dataOf, Network, until } from './network.js';

/** Processes whose command line contains `marker`. */
function running(marker: string): number {
  return readdirSync('/proc').filter((pid) => {
    if (!/^\d+$/.test(pid) || Number(pid) === process.pid) return false;
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(marker);
    } catch {
      return false;
    }
  }).length;
}

/** Seconds that no other process on this machine sleeps. */
const long = `86400.${process.pid}${Date.now()}`;

describe('a script participant', () => {
  let network: Network;
  beforeEach(async () => {
    network = await Network.open();
  });
  afterEach(() => network.close());

  it('runs the command for each message: stdin in, stdout out, as JSON where it is', async () => {
    const got = await network.collect('s.OUT');
    await network.start(scriptComponent({ cmd: `cat` }), 's');
    await network.wire('s', { out: 'ready', error: 'unconnected' });
    await network.send('s.IN', { a: [1, 'é'] });
    await network.send('s.IN', Buffer.from('plain text\n'));
    await network.send('s.IN', Buffer.from([0xff, 0xfe]));
    await until(() => got.length === 3);
    expect(dataOf(got).slice(0, 1)).to.deep.equal([{ a: [1, 'é'] }]);
    expect(got[1]?.data).to.deep.equal('plain text');
    expect(got[2]?.data).to.deep.equal(Buffer.from([0xff, 0xfe]));
  });

  it('splits arguments as a shell does, without one', async () => {
    const got = await network.collect('s.OUT');
    await network.start(scriptComponent({ cmd: `printf '%s|' "a b" 'c;d' e\\ f '$HOME'` }), 's');
    await network.wire('s', { out: 'ready', error: 'unconnected' });
    await network.send('s.IN', 1);
    await until(() => got.length === 1);
    expect(dataOf(got)).to.deep.equal(['a b|c;d|e f|$HOME|']);
  });

  for (const [what, cmd] of [
    ['a pipe', 'cat | sort'],
    ['two commands', 'a; b'],
    ['a variable', 'echo $HOME'],
    ['a pattern', 'ls *.js'],
  ] as const) {
    it(`refuses ${what} unless a shell is asked for`, () => {
      expect(() => scriptComponent({ cmd }))
        .to.throw(/needs a shell/)
        .with.property('code', 'MSGFLO_USAGE');
      expect(scriptComponent({ cmd, shell: true }).label).to.equal(cmd);
    });
  }

  it('runs a shell when asked', async () => {
    const got = await network.collect('s.OUT');
    await network.start(scriptComponent({ cmd: 'cat | tr a-z A-Z', shell: true }), 's');
    await network.wire('s', { out: 'ready', error: 'unconnected' });
    await network.send('s.IN', 'abc');
    await until(() => got.length === 1);
    expect(dataOf(got)).to.deep.equal(['ABC']);
  });

  it('sends what a failing command wrote to stderr on `error` where that is connected', async () => {
    const [out, error, dead] = await Promise.all(['s.OUT', 's.ERROR', 'dead-s.IN'].map((q) => network.collect(q)));
    await network.start(scriptComponent({ cmd: 'echo half; echo no good >&2; exit 3', shell: true }), 's');
    await network.wire('s', { out: 'ready', error: 'ready' });
    await network.send('s.IN', 1);
    await until(() => error?.length === 1);
    expect(dataOf(error ?? [])).to.deep.equal(['no good (exit code 3)']);
    expect([out, dead]).to.deep.equal([[], []]);
  });

  it('makes it the reason of a dead letter where `error` is not connected', async () => {
    const dead = await network.collect('dead-s.IN');
    await network.start(scriptComponent({ cmd: 'echo no good >&2; exit 3', shell: true }), 's');
    await network.wire('s', { out: 'ready', error: 'unconnected' });
    await network.send('s.IN', 1);
    await until(() => dead.length === 1);
    expect(dead[0]?.headers).to.include({
      [HEADER.deadReason]: 'no good (exit code 3)',
      [HEADER.deadError]: 'ScriptError',
    });
  });

  const failures: readonly (readonly [string, Parameters<typeof scriptComponent>[0], string])[] = [
    ['is not there', { cmd: 'no-such-command-here' }, "cannot run 'no-such-command-here': there is no such command"],
    ['takes too long', { cmd: `sleep ${long}`, timeoutMs: 50 }, 'sleep took longer than 50 ms'],
    ['writes too much', { cmd: 'yes', maxBytes: 10_000 }, 'yes wrote more than 10000 bytes to stdout'],
    [
      'takes too long with all it started',
      { cmd: `sleep ${long} | cat`, shell: true, timeoutMs: 50 },
      '/bin/sh took longer',
    ],
  ];
  for (const [what, options, words] of failures) {
    it(`makes a dead letter when the command ${what}, and leaves no process`, async () => {
      const dead = await network.collect('dead-s.IN');
      await network.start(scriptComponent(options), 's');
      await network.wire('s', { out: 'ready', error: 'unconnected' });
      await network.send('s.IN', 1);
      await until(() => dead.length === 1);
      expect(dead[0]?.headers[HEADER.deadReason]).to.contain(words);
      await until(() => running(long) === 0);
    });
  }

  it('reaps its commands when it stops, and gives the message back', async () => {
    const participant = await network.start(scriptComponent({ cmd: `sleep ${long}` }), 's');
    await network.wire('s', { out: 'ready', error: 'unconnected' });
    await network.send('s.IN', 1);
    await until(() => running(long) === 1);
    await participant.stop({ graceMs: 10 });
    await until(() => running(long) === 0);
    expect(await network.ready('s.IN')).to.equal(1);
  });

  it('does not mind a command that does not read its input', async () => {
    const got = await network.collect('s.OUT');
    await network.start(scriptComponent({ cmd: 'echo 1' }), 's');
    await network.wire('s', { out: 'ready', error: 'unconnected' });
    await network.send('s.IN', 'x'.repeat(1_000_000));
    await until(() => got.length === 1);
    expect(dataOf(got)).to.deep.equal([1]);
  });
});
