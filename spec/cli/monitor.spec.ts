import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import { monitor } from '../../src/cli/monitor.js';
import { EmbeddedBroker } from '../../src/embedded/index.js';
import { asQueueName, type QueueName } from '../../src/names.js';
import { silentLogger } from '../../src/support/index.js';
import { builtinTransports } from '../../src/transport/builtin/index.js';
import type { Broker } from '../../src/transport/index.js';
import { until } from '../participant/network.js';
import { sharedMosquitto } from '../support/mosquitto.js';
import { sharedRabbit } from '../support/rabbitmq.js';
import { type Started, startCommand } from './from-source.js';
import { linesOf, unique } from './run-executable.js';
import { startInProcess } from './run-in-process.js';

describe('msgflo-monitor', function () {
  this.timeout(45_000);
  let dir: string;
  let embedded: EmbeddedBroker;
  let hand: Broker;
  const started: Started[] = [];
  const senders: (() => Promise<void>)[] = [];
  const brokers: Broker[] = [];
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'msgflo-monitor-'));
    embedded = await EmbeddedBroker.listen({ dir, log: silentLogger });
    hand = await connect(embedded.address);
  });
  afterEach(async () => {
    for (const { child } of started) child.kill('SIGKILL');
    await Promise.all([...started.splice(0).map(({ ended }) => ended), ...senders.splice(0).map((stop) => stop())]);
  });
  after(async () => {
    await Promise.all(brokers.map((broker) => broker.close()));
    await embedded.stop();
    await rm(dir, { recursive: true });
  });

  async function connect(url: string): Promise<Broker> {
    const broker = await builtinTransports().open(url, { id: unique('hand-') }, silentLogger);
    await broker.connect();
    brokers.push(broker);
    return broker;
  }

  function start(queues: readonly string[], args: readonly string[], env: NodeJS.ProcessEnv = {}): Started {
    const given = queues.flatMap((queue) => ['--queue', queue]);
    const one = startCommand('monitor.ts#monitor', [...given, ...args], {
      env: { MSGFLO_BROKER: embedded.address, ...env },
      cwd: dir,
    });
    started.push(one);
    return one;
  }

  const says = (one: Started, pattern: RegExp): Promise<void> => {
    return until(() => {
      if ((one.child.exitCode ?? one.child.signalCode) !== null && !pattern.test(one.stdout() + one.stderr())) {
        throw new Error(`ended without ${pattern}: ${one.stdout()}${one.stderr()}`);
      }
      return pattern.test(one.stdout() + one.stderr());
    });
  };

  async function outqueue(broker = hand): Promise<QueueName> {
    const queue = asQueueName(`${unique('sensor')}.NEWVALUE`);
    await broker.declare('outqueue', queue);
    return queue;
  }

  /** Sends every 100 ms until the function that it returns is called. */
  function sending(queue: QueueName, broker = hand): () => Promise<void> {
    let isOver = false;
    const sent = (async () => {
      for (; !isOver; await delay(100)) await broker.send('outqueue', queue, { data: 1 });
    })();
    const stop = (): Promise<void> => {
      isOver = true;
      return sent;
    };
    senders.push(stop);
    return stop;
  }

  for (const [name, server] of [
    ['AMQP', sharedRabbit],
    ['MQTT', sharedMosquitto],
    ['the embedded broker', async () => ({ url: embedded.address })],
  ] as const) {
    it(`tells when messages come on ${name}, and exits 1 when they stop`, async function () {
      this.timeout(90_000);
      const broker = await connect((await server()).url);
      const queue = await outqueue(broker);
      const url = (await server()).url;
      const one = start(
        [queue],
        ['--broker', url, '--expect-periodic', '400ms', '--fail-missed', '3', '--grace', '1m'],
      );
      await says(one, /: looking on; it fails after 3 periods of 400 ms without a message\n/);
      const stop = sending(queue, broker);
      await says(one, /: the first message\n/);
      await delay(800);
      await stop();
      expect(await one.ended, one.stderr()).to.equal(1);
      // Which of the misses is told depends on how busy this machine is.
      const [, first, ...missed] = linesOf(one.stdout());
      expect(first).to.equal(`${queue}: the first message`);
      for (const line of missed) expect(line).to.match(/: (missed [12] of 3 periods of 400 ms|back after .*s)$/);
      expect(one.stderr()).to.match(
        /^msgflo-monitor: \S+: failed: missed \d+ periods in a row, no message for \d+(\.\d)? s\n$/,
      );
    });
  }

  it('fails when nothing ever came, once the grace and the periods are over, also of a queue that is not there', async () => {
    const queue = await outqueue();
    const absent = unique('not.there');
    const args = ['--expect-periodic', '200ms', '--fail-missed', '2', '--grace', '300ms'];
    const { url } = await sharedRabbit();
    const [silent, missing] = [start([queue], args), start([absent], [...args, '--broker', url])];
    expect([await silent.ended, await missing.ended]).to.deep.equal([1, 1]);
    expect(silent.stderr()).to.match(
      /^msgflo-monitor: \S+: failed: missed \d+ periods in a row, no message for .*s\n$/,
    );
    expect(linesOf(missing.stderr())).to.have.length(2);
    expect(linesOf(missing.stderr())[0]).to.match(/^msgflo: there is no queue '.*not\.there.*' .*; waiting for it$/);
    expect(missing.stdout()).not.to.include('looking on');
  });

  it('takes up a queue that comes later, and several at once; one that fails is enough', async () => {
    const { url } = await sharedRabbit();
    const broker = await connect(url);
    const [late, other] = [asQueueName(unique('late')), await outqueue(broker)];
    const one = start(
      [late, other, other],
      ['--broker', url, '--expect-periodic', '600ms', '--grace', '30s', '--json'],
    );
    await says(one, /waiting for it/);
    await broker.declare('outqueue', late);
    await says(one, new RegExp(`"${late}","event":"tapped"`));
    const stop = sending(late, broker);
    await broker.send('outqueue', other, { data: 1 });
    expect(await one.ended, one.stderr()).to.equal(1);
    await stop();
    const events = linesOf(one.stdout()).map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(events.filter(({ event }) => event === 'tapped').map(({ queue }) => queue)).to.have.members([late, other]);
    expect(
      events.filter(({ queue, event }) => queue === late && event !== 'tapped').map(({ event }) => event),
    ).to.deep.equal(['first']);
    expect(events.at(-1)).to.include({ queue: other, event: 'failed' });
    expect(events.at(-1)?.['missed']).to.be.within(3, 10);
    expect(events.at(-1)?.['silentMs']).to.be.within(2000, 10_000);
    expect(Date.parse(String(events.at(-1)?.['time']))).to.be.closeTo(Date.now(), 60_000);
  });

  it('runs a command once an outage with --forever and goes on, until it is interrupted: exit 0', async () => {
    const queue = await outqueue();
    await writeFile(
      join(dir, 'alarm.mjs'),
      "console.log('ALARM', process.env.MSGFLO_QUEUE, process.env.MSGFLO_MISSED, ...process.argv.slice(2));",
    );
    const exec = `${process.execPath} alarm.mjs 'a b' "c" '$HOME;'`;
    const one = start([queue], ['--expect-periodic', '300ms', '--fail-missed', '2', '--forever', '--exec', exec]);
    await says(one, /looking on/);
    await hand.send('outqueue', queue, { data: 1 });
    const alarm = `ALARM ${queue} \\d+ a b c \\$HOME;\n`;
    await says(one, new RegExp(alarm));
    await hand.send('outqueue', queue, { data: 1 });
    await says(one, /: back after .*s\n/);
    await says(one, new RegExp(`${alarm}[\\s\\S]*${alarm}`));
    one.child.kill('SIGTERM');
    expect(await one.ended, one.stderr()).to.equal(0);
    expect(one.stdout().match(/: failed: missed \d+ periods in a row/g)).to.have.length(2);
  });

  it('waits for its command before it ends, and says how one ended that failed', async () => {
    const queue = await outqueue();
    const args = [
      '--expect-periodic',
      '200ms',
      '--fail-missed',
      '1',
      '--grace',
      '0',
      '--exec',
      "sh -c 'sleep 0.3; exit 3'",
    ];
    const one = start([queue], args);
    expect(await one.ended).to.equal(1);
    expect(linesOf(one.stderr()).map((line) => line.replace(/^(\S+ --exec: )\S*\/sh/, '$1sh'))).to.deep.equal([
      'msgflo: --exec: sh ended with exit code 3',
      linesOf(one.stderr()).at(-1),
    ]);
    expect(one.stderr()).to.match(/\nmsgflo-monitor: .* failed: /);
  });

  it('ends with 0 when --duration is over or it is interrupted, consuming nothing', async () => {
    const queue = await outqueue();
    await hand.declare('inqueue', queue);
    await hand.send('inqueue', queue, { data: 'kept' });
    const args = ['--expect-periodic', '1m'];
    const [short, long] = [start([queue], [...args, '--duration', '500ms']), start([queue], args)];
    expect(await short.ended, short.stderr()).to.equal(0);
    await says(long, /looking on/);
    const stop = sending(queue);
    await says(long, /first message/);
    await stop();
    long.child.kill('SIGINT');
    expect(await long.ended, long.stderr()).to.equal(0);
    const [{ ready } = { ready: 0 }] = await hand.depths([queue]);
    expect(ready).to.be.above(1);
    expect([short.stderr(), long.stderr()]).to.deep.equal(['', '']);
  });

  it('survives a broker that goes and comes, counting what it did not hear as missed', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'msgflo-monitor-'));
    const first = await EmbeddedBroker.listen({ dir: folder, log: silentLogger });
    const broker = await connect(first.address);
    const queue = await outqueue(broker);
    const args = ['--expect-periodic', '500ms', '--fail-missed', '2', '--grace', '20s', '--forever', '--json'];
    const one = start([queue], args, { MSGFLO_BROKER: first.address });
    await says(one, /"tapped"/);
    const stop = sending(queue, broker);
    await says(one, /"first"/);
    await first.stop();
    await says(one, /"failed"/);
    const second = await EmbeddedBroker.listen({ dir: folder, log: silentLogger });
    await says(one, /"back"/);
    await stop();
    await second.stop();
    await says(one, /"failed"[\s\S]*"back"[\s\S]*"failed"/);
    one.child.kill('SIGTERM');
    expect(await one.ended, one.stderr()).to.equal(0);
    await broker.close();
    await rm(folder, { recursive: true });
  });

  describe('under systemd', () => {
    /** A program in place of the real `systemd-notify`: it writes down what it is given. */
    async function fakeNotify(): Promise<{ readonly path: string; readonly told: () => Promise<string[]> }> {
      const folder = join(dir, unique('bin'));
      const log = join(folder, 'told');
      await mkdir(folder);
      await writeFile(join(folder, 'systemd-notify'), `#!/bin/sh\necho "$NOTIFY_SOCKET $*" >> '${log}'\n`);
      await chmod(join(folder, 'systemd-notify'), 0o755);
      const told = async () => (existsSync(log) ? linesOf(await readFile(log, 'utf8')) : []);
      return { path: folder, told };
    }
    const count = (lines: readonly string[], state: string): number =>
      lines.filter((line) => line === `@n ${state}`).length;

    it('says that it is ready, and then feeds the watchdog for as long as all queues are in time', async () => {
      const queue = await outqueue();
      const { path, told } = await fakeNotify();
      const env = { NOTIFY_SOCKET: '@n', WATCHDOG_USEC: '200000', PATH: `${path}:${process.env['PATH']}` };
      const one = start([queue], ['--expect-periodic', '600ms', '--fail-missed', '3', '--forever'], env);
      await says(one, /looking on/);
      await until(async () => count(await told(), 'READY=1') === 1 && count(await told(), 'WATCHDOG=1') > 3);
      await says(one, /: (missed|failed)/);
      await delay(300);
      const before = count(await told(), 'WATCHDOG=1');
      await delay(500);
      expect(count(await told(), 'WATCHDOG=1')).to.equal(before);
      await hand.send('outqueue', queue, { data: 1 });
      await until(async () => count(await told(), 'WATCHDOG=1') > before);
      one.child.kill('SIGTERM');
      expect(await one.ended, one.stderr()).to.equal(0);
      expect(count(await told(), 'READY=1')).to.equal(1);
      expect(one.stderr()).to.equal('');
    });

    it('says clearly that it cannot: no program, or a watchdog that waits for another process', async () => {
      const queue = await outqueue();
      const { path } = await fakeNotify();
      const args = ['--expect-periodic', '1m', '--duration', '300ms'];
      const without = start([queue], args, { NOTIFY_SOCKET: '@n', PATH: '' });
      const other = start([queue], args, { NOTIFY_SOCKET: '@n', PATH: path, WATCHDOG_USEC: '1000', WATCHDOG_PID: '1' });
      expect([await without.ended, await other.ended]).to.deep.equal([0, 0]);
      expect(without.stderr()).to.equal(
        'msgflo: NOTIFY_SOCKET is set, but there is no program systemd-notify: systemd is told nothing\n',
      );
      expect(other.stderr()).to.match(
        /^msgflo: the watchdog of systemd waits for process 1, which is not this one .*\n$/,
      );
    });
  });

  it('answers misuse with one line and exit code 2, and explains itself', async () => {
    const cases: readonly (readonly [readonly string[], RegExp])[] = [
      [['--queue', 'q'], /required option '--expect-periodic <duration>' not specified/],
      [['--expect-periodic', '1s'], /^msgflo-monitor: --queue is missing/],
      [['--expect-periodic', '1s', '--queue='], /^msgflo-monitor: --queue is the name of a queue; it is empty$/],
      [['--expect-periodic', 'often', '--queue', 'q'], /: --expect-periodic is a duration such as .*, not 'often'$/],
      [['--expect-periodic', '0', '--queue', 'q'], /: --expect-periodic is a duration above 0, not '0'$/],
      [
        ['--expect-periodic', '1s', '--queue', 'q', '--fail-missed', '0'],
        /: --fail-missed is a whole number above 0, not '0'$/,
      ],
      [
        ['--expect-periodic', '1s', '--queue', 'q', '--exec', 'a | b'],
        /: --exec: \| needs a shell: quote it, or give sh -c '\.\.\.': a \| b$/,
      ],
      [
        ['--expect-periodic', '1s', '--queue', 'q', '--exec', 'no-such-program x'],
        /: --exec: there is no program 'no-such-program'$/,
      ],
    ];
    const help = start([], ['--help']);
    for (const [args, words] of cases) {
      const one = startInProcess(monitor, args, { cwd: dir, env: { PATH: process.env['PATH'] ?? '' } });
      expect({ code: await one.ended, printed: one.printed }, String(words)).to.deep.equal({ code: 2, printed: [] });
      expect(one.complaint().replace(/\n$/, '')).to.match(words).and.not.include('\n');
    }
    expect(await help.ended).to.equal(0);
    expect(help.stdout()).to.include('Exit code 0').and.to.include('Example:').and.to.include('NotifyAccess=all');
  });
});
