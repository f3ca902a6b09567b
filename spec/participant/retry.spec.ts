import { expect } from 'chai';
import { asQueueName } from '../../src/names.js';
import { type InportSpec, PermanentError, participant, type RetrySpec } from '../../src/participant/index.js';
import { Pauses, Retry } from '../../src/participant/retry.js';
import { HEADER } from '../../src/transport/index.js';
import { dataOf, keepingLogger, Network, until } from './network.js';

const QUICK: RetrySpec = { attempts: 3, delayMs: 5, jitter: 0 };

/** Sends what it is given, and then fails as often as it is told. */
function failing(spec: InportSpec, fails: (attempt: number, data: unknown) => Error | undefined) {
  const attempts = new Map<unknown, number>();
  return participant({
    component: 'Failing',
    inports: { in: spec },
    outports: { out: {} },
    async process({ in: data }, { send }) {
      const attempt = (attempts.get(data) ?? 0) + 1;
      attempts.set(data, attempt);
      await send('out', `${String(data)} at ${attempt}`);
      const error = fails(attempt, data);
      if (error) throw error;
    },
  });
}

describe('pauses between attempts', () => {
  it('grow by the factor up to the longest', () => {
    const retry = new Retry({ attempts: 5, delayMs: 100, factor: 3, maxDelayMs: 500, jitter: 0 });
    const error = new Error('busy');
    expect([1, 2, 3, 4, 5].map((failed) => retry.pauseMs(failed, error))).to.deep.equal([
      100,
      300,
      500,
      500,
      undefined,
    ]);
  });

  it('are 1 s doubling to a minute, a fifth shorter or longer, unless said otherwise', () => {
    const shortest = new Retry({ attempts: 100 }, () => 0);
    const longest = new Retry({ attempts: 100 }, () => 1);
    const pauses = [shortest, longest].map((retry) => [1, 2, 20].map((failed) => retry.pauseMs(failed, undefined)));
    expect(pauses).to.deep.equal([
      [800, 1600, 48_000],
      [1200, 2400, 72_000],
    ]);
  });

  it('are not made after an error that says it is permanent', () => {
    const retry = new Retry(QUICK);
    for (const error of [new PermanentError('no'), Object.assign(new Error('no'), { retryable: false })])
      expect(retry.pauseMs(1, error)).to.equal(undefined);
    for (const error of [new Error('busy'), 'busy', null, Object.assign(new Error('busy'), { retryable: true })])
      expect(retry.pauseMs(1, error)).to.equal(5);
  });

  it('end all at once when told to stop', async () => {
    const pauses = new Pauses();
    const waiting = [pauses.wait(60_000), pauses.wait(60_000)];
    pauses.stop();
    expect(await Promise.all([...waiting, pauses.wait(60_000)])).to.deep.equal([false, false, false]);
  });
});

describe('a message whose process() fails', () => {
  let network: Network;
  beforeEach(async () => {
    network = await Network.open();
  });
  afterEach(() => network.close());

  it('is tried again, and what failed attempts sent is thrown away', async () => {
    const [out, dead] = [await network.collect('f.OUT'), await network.collect('dead-f.IN')];
    const log = keepingLogger();
    const component = failing({ retry: QUICK }, (attempt) => (attempt < 3 ? new Error('busy') : undefined));
    const running = await network.start(component, 'f', { log });
    await network.wire('f', { out: 'ready' });
    await network.send('f.IN', 'a');
    await network.send('f.IN', 'b');
    await until(() => running.counters.inports.in?.settled === 2);
    expect(dataOf(out)).to.deep.equal(['a at 3', 'b at 3']);
    expect(dead).to.have.length(0);
    expect(running.counters.inports.in).to.include({ taken: 2, retried: 4, dead: 0 });
    expect(log.lines).to.deep.equal(["a message on inport 'in' failed and is tried again, up to 3 times in all: busy"]);
  });

  it('is a dead letter after the last attempt, with all of them and their times', async () => {
    const dead = await network.collect('dead-f.IN');
    const running = await network.start(
      failing({ retry: QUICK }, (attempt) => new Error(`busy ${attempt}`)),
      'f',
    );
    await network.wire('f', { out: 'ready' });
    await network.send('f.IN', 1);
    await until(() => dead.length === 1 && running.counters.inports.in?.dead === 1);
    const headers = dead[0]?.headers ?? {};
    expect(headers[HEADER.deadReason]).to.equal('busy 3');
    const attempts = JSON.parse(headers[HEADER.deadAttempts] ?? '[]') as { at: number; error: string }[];
    expect(attempts.map(({ error }) => error)).to.deep.equal(['busy 1', 'busy 2', 'busy 3']);
    const [first = 0, second = 0, third = 0] = attempts.map(({ at }) => at);
    expect(second - first).to.be.at.least(4);
    expect(third - second).to.be.at.least(9);
  });

  it('stays in hand while it waits, but others are worked on', async () => {
    const out = await network.collect('f.OUT');
    const slow: RetrySpec = { attempts: 2, delayMs: 60_000 };
    const component = failing({ retry: slow, prefetch: 2 }, (_attempt, data) =>
      data === 'bad' ? new Error('busy') : undefined,
    );
    const running = await network.start({ ...component, concurrency: 1 }, 'f');
    await network.wire('f', { out: 'ready' });
    for (const data of ['bad', 1, 2]) await network.send('f.IN', data);
    await until(() => out.length === 2);
    expect(running.counters.inports.in).to.include({ taken: 3, settled: 2 });
  });

  it('is given back at once when the participant stops in the pause', async () => {
    const slow: RetrySpec = { attempts: 2, delayMs: 60_000 };
    const running = await network.start(
      failing({ retry: slow }, () => new Error('busy')),
      'f',
    );
    await network.wire('f', { out: 'ready' });
    await network.send('f.IN', 1);
    await until(() => running.counters.inports.in?.retried === 1);
    await running.stop({ graceMs: 30_000 });
    expect(await network.ready('f.IN')).to.equal(1);
  });

  it('is not tried again where it never can do', async () => {
    const dead = await network.collect('dead-f.IN');
    const component = failing({ type: 'int', retry: QUICK }, () => new PermanentError('no such order'));
    const running = await network.start(component, 'f');
    await network.wire('f', { out: 'ready' });
    await network.send('f.IN', 1);
    await network.send('f.IN', 'text');
    await until(() => dead.length === 2);
    expect(dead.map(({ headers }) => headers[HEADER.deadError])).to.deep.equal(['PermanentError', 'PortTypeError']);
    expect(running.counters.inports.in?.retried).to.equal(0);
  });

  it('is tried again when it is an IIP, and a dead letter with the same facts in the end', async () => {
    const [out, dead] = [await network.collect('f.OUT'), await network.collect('dead-f.IN')];
    const component = failing({ retry: QUICK }, (attempt, data) =>
      data === 'bad' || attempt < 2 ? new Error('busy') : undefined,
    );
    await network.hand.declare('inqueue', asQueueName('f.IN'));
    await network.start(component, 'f');
    await network.wire('f', { out: 'ready' }, [
      ['in', 'good'],
      ['in', 'bad'],
    ]);
    await until(() => out.length === 1 && dead.length === 1);
    expect(dataOf(out)).to.deep.equal(['good at 2']);
    expect(dataOf(dead)).to.deep.equal(['bad']);
    expect(dead[0]?.headers).to.include({
      [HEADER.deadReason]: 'busy',
      [HEADER.deadQueue]: 'f.IN',
      [HEADER.deadComponent]: 'Failing',
    });
    expect(JSON.parse(dead[0]?.headers[HEADER.deadAttempts] ?? '[]')).to.have.length(3);
  });
});
