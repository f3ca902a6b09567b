import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { asQueueName, type QueueName } from '../../src/names.js';
import { AttemptLedger } from '../../src/participant/attempt-ledger.js';
import { participant, permitsOfProcess } from '../../src/participant/index.js';
import { silentLogger } from '../../src/support/index.js';
import { type ConsumeOptions, type Delivery, type Handler, HEADER } from '../../src/transport/index.js';
import { keepingLogger, Network, until } from './network.js';

const QUEUE = asQueueName('w.IN');

/** A message as it comes again, by its id. */
const again = (id: string): Delivery => ({ data: 1, headers: { [HEADER.messageId]: id }, redelivered: true });

describe('messages that came again', () => {
  let folder: string;
  let attemptsIn: string;
  let network: Network;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'msgflo-ledger-'));
    attemptsIn = join(folder, 'attempts');
    network = await Network.open();
  });
  afterEach(async () => {
    await network.close();
    await rm(folder, { recursive: true, force: true });
  });

  const ledger = (): AttemptLedger => new AttemptLedger({ folder: attemptsIn, participant: 'w-1', log: silentLogger });
  /** A process died while it worked on it. */
  const die = (id: string, alone: boolean): void => ledger().look(QUEUE, again(id)).begin(alone);
  const notes = (): string[] => (existsSync(attemptsIn) ? readdirSync(attemptsIn) : []);

  /** Has messages delivered for the first time to somebody who gives them back. */
  async function giveBack(ids: readonly string[]): Promise<void> {
    await network.hand.declare('inqueue', QUEUE);
    for (const id of ids) await network.send('w.IN', id, { [HEADER.messageId]: id });
    let seen = 0;
    const consumer = await network.hand.consume(
      QUEUE,
      async () => {
        seen += 1;
        await until(() => seen >= ids.length);
        return { verdict: 'requeue', outputs: [] };
      },
      { prefetch: ids.length },
    );
    await until(() => seen >= ids.length);
    await consumer.cancel();
  }

  it('are noted while process() works on them, and not when they come for the first time', async () => {
    const noted: [unknown, boolean, number][] = [];
    const component = participant({
      component: 'W',
      inports: { in: {} },
      process: ({ in: data }, { redelivered }) => void noted.push([data, redelivered, notes().length]),
    });
    await giveBack(['a']);
    const running = await network.start(component, 'w', { attemptsIn });
    await network.wire('w');
    await network.send('w.IN', 'b');
    await until(() => running.counters.inports.in?.settled === 2);
    expect(noted).to.deep.equal([
      ['a', true, 1],
      ['b', false, 0],
    ]);
    expect(notes()).to.deep.equal([]);
  });

  it('are no more noted when process() has failed', async () => {
    const component = participant({
      component: 'W',
      inports: { in: {} },
      process: () => {
        throw new Error('no');
      },
    });
    await giveBack(['a']);
    const running = await network.start(component, 'w', { attemptsIn });
    await network.wire('w');
    await until(() => running.counters.inports.in?.dead === 1);
    expect(notes()).to.deep.equal([]);
  });

  it('are worked on alone when a process died with them in hand, and live when it does not die again', async () => {
    let atOnce = 0;
    const most = new Map<unknown, number>();
    const component = participant({
      component: 'W',
      inports: { in: {} },
      prefetch: 4,
      async process({ in: data }) {
        atOnce += 1;
        await new Promise((resolve) => setTimeout(resolve, 10));
        most.set(data, Math.max(most.get(data) ?? 0, atOnce));
        atOnce -= 1;
      },
    });
    for (const id of ['b', 'c']) die(id, false);
    await giveBack(['a', 'b', 'c', 'd']);
    const running = await network.start(component, 'w', { attemptsIn });
    await network.wire('w');
    await until(() => running.counters.inports.in?.settled === 4);
    expect(running.counters.inports.in?.dead).to.equal(0);
    expect([most.get('b'), most.get('c')]).to.deep.equal([1, 1]);
    expect(notes()).to.deep.equal([]);
  });

  it('are worked on alone in the whole process where others share it', async () => {
    const processPermits = permitsOfProcess();
    const inWork: string[] = [];
    const beside: string[][] = [];
    const works = (name: string) =>
      participant({
        component: 'W',
        inports: { in: {} },
        prefetch: 2,
        async process({ in: data }) {
          inWork.push(name);
          await new Promise((resolve) => setTimeout(resolve, 10));
          if (data === 'b') beside.push([...inWork]);
          inWork.splice(inWork.indexOf(name), 1);
        },
      });
    die('b', false);
    await giveBack(['b']);
    const other = await network.start(works('other'), 'o', { attemptsIn, processPermits });
    const running = await network.start(works('w'), 'w', { attemptsIn, processPermits });
    await network.wire('o');
    for (let n = 0; n < 8; n += 1) await network.send('o.IN', n);
    await network.wire('w');
    await until(() => running.counters.inports.in?.settled === 1 && other.counters.inports.in?.settled === 8);
    expect(beside).to.deep.equal([['w']]);
  });

  it('are dead letters, without process(), after so many deaths of which one was alone', async () => {
    const begun: unknown[] = [];
    const component = participant({
      component: 'W',
      inports: { in: { crashes: 2 } },
      process: ({ in: data }) => void begun.push(data),
    });
    die('poison', false);
    die('poison', true);
    die('innocent', false);
    die('innocent', false);
    const dead = await network.collect('dead-w.IN');
    await giveBack(['poison', 'innocent']);
    const running = await network.start(component, 'w', { attemptsIn });
    await network.wire('w');
    await until(() => running.counters.inports.in?.settled === 2 && dead.length === 1);
    expect(begun).to.deep.equal(['innocent']);
    expect(dead[0]?.headers).to.include({
      [HEADER.deadReason]: 'its process died 2 times while it worked on this message',
      [HEADER.deadError]: 'ProcessDied',
    });
    const attempts = JSON.parse(dead[0]?.headers[HEADER.deadAttempts] ?? '[]') as { error: string }[];
    expect(attempts.map(({ error }) => error)).to.deep.equal([
      'the process of w-1 died',
      'the process of w-1 died with nothing else in hand',
    ]);
    expect(notes(), 'its acknowledgement may still be lost').to.have.length(1);
    await running.stop();
    expect(notes(), 'it may be sent back').to.deep.equal([]);
  });

  it('become dead letters with nothing else in hand: the next may be of the kind, too', async () => {
    const begun: unknown[] = [];
    const component = participant({
      component: 'W',
      prefetch: 5,
      inports: { in: {} },
      process: ({ in: data }) => void begun.push(data),
    });
    for (let n = 0; n < 3; n += 1) die('poison', true);
    die('suspect', false);
    let take: Handler = () => Promise.reject(new Error('it does not consume'));
    const real = await network.registry.open(network.address, { id: 'w-2' }, silentLogger);
    const broker = new Proxy(real, {
      get(target, name) {
        if (name === 'consume') {
          return async (inqueue: QueueName, handler: Handler, options: ConsumeOptions) => {
            take = handler;
            return target.consume(inqueue, handler, options);
          };
        }
        const value: unknown = Reflect.get(target, name);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
    const running = await network.start(component, 'w', { attemptsIn, broker });
    await network.wire('w');
    await network.send('w.IN', 'first');
    await until(() => begun.length === 1);
    const burial = await take(again('poison'));
    const others = [take(again('suspect')), take(again('another'))];
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(begun).to.deep.equal(['first']);
    burial.settled?.(true);
    for (const other of others) (await other).settled?.(true);
    expect(begun).to.have.length(3);
    expect(notes()).to.have.length(1);
    await until(() => notes().length === 0);
    await running.stop();
  });

  it('have died of nothing when the participant is stopped in good order before they end', async () => {
    const component = participant({
      component: 'W',
      inports: { in: {} },
      process: () => new Promise(() => undefined),
    });
    await giveBack(['a']);
    const running = await network.start(component, 'w', { attemptsIn });
    await network.wire('w');
    await until(() => notes().length === 1);
    await running.stop({ graceMs: 0 });
    expect(notes()).to.deep.equal([]);
  });

  it('are known by their bytes where they have no id, each inqueue for itself', () => {
    const bare = (data: unknown): Delivery => ({ data, headers: {}, redelivered: true });
    const [one, same, other] = [bare({ a: 1 }), bare(Buffer.from('{"a":1}')), bare({ a: 2 })];
    ledger().look(QUEUE, one).begin(true);
    expect(ledger().look(QUEUE, same).isSuspect).to.equal(true);
    expect(ledger().look(QUEUE, other).isSuspect).to.equal(false);
    expect(ledger().look(asQueueName('other.IN'), one).isSuspect).to.equal(false);
  });

  it('never name a file: ids come from anybody', () => {
    die('../../evil', true);
    die('\0', true);
    expect(notes()).to.have.length(2);
    for (const name of notes()) expect(name).to.match(/^[\da-f]{64}\.json$/);
  });

  it('are worked on all the same where nothing can be written, which is said once', async () => {
    const log = keepingLogger();
    writeFileSync(attemptsIn, 'a file where the folder would be');
    await giveBack(['a', 'b']);
    const component = participant({ component: 'W', inports: { in: {} }, process: () => undefined });
    const running = await network.start(component, 'w', { attemptsIn, log });
    await network.wire('w');
    await until(() => running.counters.inports.in?.settled === 2);
    expect(log.lines).to.have.length(1);
    expect(log.lines[0]).to.match(/^messages that kill this process cannot be told from others: /);
  });

  it('are forgotten after a day, and what cannot be read or be true counts for nothing', async () => {
    die('old', true);
    const [name = ''] = notes();
    const text = readFileSync(join(attemptsIn, name), 'utf8');
    const longAgoMs = Date.now() - 25 * 3600 * 1000;
    writeFileSync(join(attemptsIn, name), text.replace(/"atMs":\d+/, `"atMs":${longAgoMs}`));
    expect(ledger().look(QUEUE, again('old')).isSuspect).to.equal(false);
    for (const never of ['1e999', '1e300', String(2 * Date.now() - longAgoMs)]) {
      writeFileSync(join(attemptsIn, name), text.replace(/"atMs":\d+/, `"atMs":${never}`));
      expect(ledger().look(QUEUE, again('old')).isSuspect, never).to.equal(false);
    }
    for (const broken of ['', '{', 'null', '{"attempts":7}', '{"attempts":[null,{"atMs":"x"}]}']) {
      writeFileSync(join(attemptsIn, name), broken);
      expect(ledger().look(QUEUE, again('old')).crashes, broken).to.deep.equal([]);
    }
    utimesSync(join(attemptsIn, name), longAgoMs / 1000, longAgoMs / 1000);
    die('new', true);
    mkdirSync(join(attemptsIn, 'kept'));
    await ledger().sweep();
    expect(notes()).to.have.length(2).and.include('kept').and.not.include(name);
  });

  it('that cannot be removed are no reason to fail', () => {
    die('a', true);
    const own = ledger();
    const note = own.look(QUEUE, again('a'));
    const [name = ''] = notes();
    rmSync(join(attemptsIn, name));
    mkdirSync(join(attemptsIn, name));
    note.bury();
    note.begin(true);
    note.end();
    own.close();
    expect(notes()).to.deep.equal([name]);
  });
});
