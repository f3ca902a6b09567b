import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import { log } from '../../src/cli/log.js';
import { parsePlace } from '../../src/cli/log-replay.js';
import { EmbeddedBroker } from '../../src/embedded/index.js';
import { asQueueName } from '../../src/names.js';
import { silentLogger } from '../../src/support/index.js';
import { builtinTransports } from '../../src/transport/builtin/index.js';
import type { Broker, Delivery } from '../../src/transport/index.js';
import { startInProcess } from './run-in-process.js';

const ORDERS = asQueueName('orders');
const AGAIN = asQueueName('again');
const BYTES = Buffer.from([0, 255, 10, 13, 34]);

interface Kept {
  readonly id: string;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

describe('msgflo-log replay', () => {
  let dir: string;
  let node: EmbeddedBroker;
  let broker: Broker;

  async function start(): Promise<void> {
    node = await EmbeddedBroker.listen({ dir, location: join(dir, 'log'), workers: 0, log: silentLogger });
    broker = await builtinTransports().open(node.address, { id: 'spec' }, silentLogger);
    await broker.connect();
  }

  beforeEach(async () => {
    dir = join(mkdtempSync(join(tmpdir(), 'msgflo-replay-')), '.msgflo');
    await start();
    for (const queue of [ORDERS, AGAIN]) await broker.declare('inqueue', queue);
  });
  afterEach(async () => {
    await broker.close();
    await node.stop();
    rmSync(join(dir, '..'), { recursive: true, force: true });
  });

  async function send(count: number, from = 0): Promise<void> {
    for (let at = from; at < from + count; at++)
      await broker.send('inqueue', ORDERS, { data: { at }, headers: { 'x-at': `${at}`, 'message-id': `m${at}` } });
  }

  async function keptOf(queue = ORDERS): Promise<Kept[]> {
    const all: Kept[] = [];
    for await (const page of broker.browse?.(queue) ?? [])
      for (const { id, body, headers } of page) all.push({ id, body: body.toString('latin1'), headers });
    return all;
  }

  const contentsOf = (kept: readonly Kept[]) => kept.map(({ body, headers }) => ({ body, headers }));

  function begin(...args: string[]) {
    return startInProcess(log, ['replay', join(dir, 'log'), ...args]);
  }

  async function run(...args: string[]) {
    const command = begin(...args);
    const code = await command.ended;
    return { code, lines: [...command.printed], complaint: command.complaint(), logged: command.logged };
  }

  it('sends a range again, bytes and headers as they were, once each, also to the queue that it reads', async () => {
    await send(5);
    await broker.send('inqueue', ORDERS, { data: BYTES, headers: { 'x-at': 'bytes' } });
    const before = await keptOf();
    const { code, lines } = await run('--queue', 'orders', '--from', before[2]?.id ?? '', '--rate', 'max');
    expect({ code, lines }).to.deep.equal({ code: 0, lines: ['replayed 4 of 4 messages of orders'] });
    const after = await keptOf();
    expect(after.slice(0, 6)).to.deep.equal(before);
    expect(contentsOf(after.slice(6))).to.deep.equal(contentsOf(before.slice(2)));
  });

  it('lets consumers of another queue have them', async () => {
    await send(3);
    const got: Delivery[] = [];
    await broker.consume(AGAIN, async (delivery) => {
      got.push(delivery);
      return { verdict: 'ack', outputs: [] };
    });
    const { code, lines } = await run('--queue', 'orders', '--from', '1h', '--into', 'again', '--limit', '2', '--json');
    expect(code).to.equal(0);
    const [first] = await keptOf();
    expect(lines.map((line) => JSON.parse(line))[0]).to.deep.include({
      ...{ action: 'replayed', queue: 'orders', into: 'again', id: first?.id, bytes: 8 },
    });
    expect(lines).to.have.length(2);
    while (got.length < 2) await delay(5);
    expect(got.map(({ data, headers }) => [data, headers['message-id']])).to.deep.equal([
      [{ at: 0 }, 'm0'],
      [{ at: 1 }, 'm1'],
    ]);
  });

  it('takes what was sent between two times', async () => {
    await send(2);
    await delay(5);
    const fromMs = Date.now();
    await send(2, 2);
    const toMs = Date.now();
    await delay(5);
    await send(2, 4);
    const [from, to] = [fromMs, toMs].map((ms) => new Date(ms).toISOString());
    const { lines } = await run('--queue', 'orders', '--from', from ?? '', '--to', to ?? '', '--into', 'again');
    expect(lines).to.deep.equal(['replayed 2 of 2 messages of orders']);
    expect((await keptOf(AGAIN)).map(({ headers }) => headers['x-at'])).to.deep.equal(['2', '3']);
  });

  it('only tells what it would do with --dry-run', async () => {
    await send(3);
    const [first, , last] = await keptOf();
    const { code, lines } = await run('--queue', 'orders', '--from', '0', '--into', 'again', '--dry-run');
    expect(code).to.equal(0);
    expect(lines).to.have.length(1);
    expect(lines[0]).to.match(
      new RegExp(`^would replay 3 messages of orders into again, 24 B, from ${first?.id} .* to ${last?.id} `),
    );
    expect(await keptOf(AGAIN).catch((error: Error) => error.message)).to.include("there is no queue 'again'");
    const json = await run('--queue', 'orders', '--from', '0', '--dry-run', '--json');
    expect(json.lines.map((line) => JSON.parse(line).action)).to.deep.equal(Array(3).fill('would-replay'));
    expect((await run('--queue', 'orders', '--from', '0', '--to', '5')).lines).to.deep.equal([
      'nothing is kept of orders in that range',
    ]);
  });

  it('keeps to the rate; interrupted, it says where to go on, and nothing goes twice', async () => {
    await send(12);
    const command = begin('--queue', 'orders', '--from', '0', '--rate', '50');
    const startMs = performance.now();
    while ((await keptOf()).length < 16) await delay(5);
    expect(performance.now() - startMs).to.be.above(50);
    command.interrupt();
    expect(await command.ended).to.equal(1);
    expect(command.printed[0]).to.match(/^replayed \d+ of 12 messages of orders$/);
    const [, from = '', to = ''] = /^to go on: --from (\S+) --to (\S+)$/.exec(command.printed[1] ?? '') ?? [];
    expect((await run('--queue', 'orders', '--from', from, '--to', to, '--rate', '0')).code).to.equal(0);
    const after = await keptOf();
    expect(contentsOf(after.slice(12))).to.deep.equal(contentsOf(after.slice(0, 12)));
  });

  it('ends although the queue is full and takes nothing, and says what is not certain', async () => {
    await broker.declare('inqueue', asQueueName('small'), { maxLength: 1 });
    await send(3);
    const command = begin('--queue', 'orders', '--from', '0', '--into', 'small', '--rate', 'max');
    while ((await keptOf(asQueueName('small')).catch(() => [])).length < 1) await delay(5);
    command.interrupt();
    expect(await command.ended).to.equal(1);
    const [, second] = await keptOf();
    expect(command.printed[0]).to.equal('replayed 1 of 3 messages of orders');
    expect(command.printed[1]).to.match(new RegExp(`^to go on: --from ${second?.id} `));
    expect(command.logged.join()).to.include(`${second?.id} may have been sent`);
  });

  it('starts the node where none runs', async function () {
    this.timeout(20_000);
    await send(2);
    await broker.close();
    await node.stop();
    const { code, lines, complaint } = await run('--queue', 'orders', '--from', '0', '--into', 'again');
    const { pid } = JSON.parse(readFileSync(join(dir, 'broker.json'), 'utf8'));
    try {
      expect({ code, lines, complaint }).to.deep.equal({
        ...{ code: 0, lines: ['replayed 2 of 2 messages of orders'], complaint: '' },
      });
    } finally {
      process.kill(pid, 'SIGTERM');
    }
    for (let isAlive = true; isAlive; await delay(20))
      try {
        process.kill(pid, 0);
      } catch {
        isAlive = false;
      }
    await start();
    expect(await keptOf(AGAIN)).to.have.length(2);
  });

  it('refuses what makes no sense', async () => {
    for (const [args, complaint] of [
      [['--from', '0'], /--queue says which queue/],
      [['--queue', 'orders'], /--from says where to begin/],
      [['--queue', 'orders', '--from', 'noon'], /--from is an id .*, not 'noon'/],
      [['--queue', 'orders', '--from', '0', '--topic', 'a'], /--topic is for dump, not for replay/],
      [['--queue', 'orders', '--from', '0', '--rate', 'fast'], /--rate is so many a second/],
    ] as const) {
      const ended = await run(...args);
      expect(ended).to.include({ code: 2 });
      expect(ended.complaint).to.match(complaint);
    }
    const unknown = await run('--queue', 'never', '--from', '0');
    expect(unknown).to.include({ code: 1 });
    expect(unknown.complaint).to.match(/never/);
    await send(1);
    const untaken = await run('--queue', 'orders', '--from', '0', '--into', 'nobody');
    expect(untaken).to.include({ code: 1 });
    expect(untaken.complaint).to.match(/nobody takes what is sent to 'nobody'/);
  });

  it('reads ids, times and durations', () => {
    const parse = parsePlace('--from', () => 10_000_000);
    expect(parse('1795351795990-7')).to.equal('1795351795990-7');
    expect(parse('1795351795990')).to.equal('1795351795990');
    expect(parse('90m')).to.equal(String(10_000_000 - 5_400_000));
    expect(parsePlace('--from', () => 90 * 86_400_000)('40d')).to.equal(String(50 * 86_400_000));
    expect(parse('40d'), 'before the clocks began').to.equal('0');
    expect(parse('1.5s')).to.equal(String(10_000_000 - 1500));
    expect(parse('2026-11-22T09:00:00.250Z')).to.equal(String(Date.UTC(2026, 10, 22, 9, 0, 0, 250)));
    expect(parse('2026-11-22')).to.equal(String(Date.UTC(2026, 10, 22)));
    for (const wrong of ['', 'now', '-5m', '2026-13-45', ':7']) expect(() => parse(wrong)).to.throw(/--from is/);
  });
});
