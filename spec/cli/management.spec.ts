import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { bindings } from '../../src/cli/bindings.js';
import type { BindingsReport } from '../../src/cli/bindings-report.js';
import { dead } from '../../src/cli/dead.js';
import { top } from '../../src/cli/top.js';
import type { TopReport } from '../../src/cli/top-report.js';
import { announcementOf, DISCOVERY_NOTICE } from '../../src/discovery/index.js';
import { asParticipantId, asPortName, asQueueName, asRole } from '../../src/names.js';
import { silentLogger } from '../../src/support/index.js';
import { builtinTransports } from '../../src/transport/builtin/index.js';
import type { Broker } from '../../src/transport/index.js';
import { until } from '../participant/network.js';
import { type Rabbit, startRabbit } from '../support/rabbitmq.js';
import { startInProcess } from './run-in-process.js';

describe("tools that ask RabbitMQ's management interface", function () {
  this.timeout(45_000);
  let rabbit: Rabbit;
  let broker: Broker;
  let dir: string;
  let announcing: NodeJS.Timeout;
  before(async function () {
    this.timeout(90_000);
    dir = await mkdtemp(join(tmpdir(), 'msgflo-management-'));
    rabbit = await startRabbit({ management: true });
    broker = await builtinTransports().open(rabbit.url, { id: 'hand' }, silentLogger);
    await broker.connect();
    for (const role of ['a', 'b', 'x']) {
      await broker.declare('outqueue', asQueueName(`${role}.OUT`));
      await broker.declare('inqueue', asQueueName(`${role}.IN`));
    }
    await announce();
    announcing = setInterval(() => void announce(), 200);
  });
  after(async function () {
    this.timeout(20_000);
    clearInterval(announcing);
    await broker.close();
    await rabbit.stop();
    await rm(dir, { recursive: true });
  });

  /** As participants of older libraries do, which count nothing. */
  async function announce(): Promise<void> {
    for (const role of ['a', 'b', 'x']) {
      const body = announcementOf({
        id: asParticipantId(`${role}-1`),
        role: asRole(role),
        component: 'Older',
        inports: [{ id: asPortName('in'), queue: asQueueName(`${role}.IN`) }],
        outports: [{ id: asPortName('out'), queue: asQueueName(`${role}.OUT`) }],
      });
      await broker.notify({ name: DISCOVERY_NOTICE, body });
    }
  }

  async function look(management: string, ...args: readonly string[]) {
    const path = join(dir, 'g.fbp');
    await writeFile(path, 'a(A) OUT -> IN b(B)\nb OUT -> IN a\n');
    const all = [path, '--broker', rabbit.url, '--wait', '0.5', '--management', management, ...args];
    const one = startInProcess(bindings, all, { cwd: dir });
    return { code: await one.ended, lines: one.printed, complaint: one.complaint() };
  }

  it('msgflo-bindings shows what is bound, missing, and foreign, and that it has seen all', async () => {
    const out = asQueueName('a.OUT');
    await broker.bind({ kind: 'pubsub', source: out, target: asQueueName('b.IN') });
    await broker.bind({ kind: 'roundrobin', source: out, target: asQueueName('x.IN') });
    const { code, lines, complaint } = await look(rabbit.managementUrl, '--json');
    const report = JSON.parse(lines[0] ?? '') as BindingsReport & { readonly notes: readonly string[] };
    const rows = [...report.bindings, ...report.foreign].map(({ state, kind, source, target }) =>
      [state, kind, source, target].join(' '),
    );
    expect(rows).to.deep.equal([
      'bound pubsub a.OUT b.IN',
      'missing pubsub b.OUT a.IN',
      'foreign roundrobin a.OUT x.IN',
    ]);
    expect([report.complete, report.notes]).to.deep.equal([true, []]);
    expect([code, complaint]).to.deep.equal([1, 'msgflo-bindings: not bound as the graph wants: 1 missing\n']);
    await broker.bind({ kind: 'pubsub', source: asQueueName('b.OUT'), target: asQueueName('a.IN') });
    const table = await look(rabbit.managementUrl);
    expect([table.code, table.lines.at(-1)]).to.deep.equal([
      0,
      'shown is all that the broker has bound, whoever made it',
    ]);
    expect(table.lines.some((line) => /^foreign +roundrobin +a\.OUT -> x\.IN /.test(line))).to.equal(true);
  });

  it('msgflo-bindings says without it that it cannot tell', async () => {
    const { code, lines, complaint } = await look('off');
    expect([code, complaint]).to.deep.equal([1, 'msgflo-bindings: not bound as the graph wants: 2 unknown\n']);
    expect(lines.at(-1)).to.match(/^this broker does not tell what is bound: .* management plugin \(--management\)$/);
    const wrong = await look('http://guest:hidden@127.0.0.1:1');
    expect(wrong.code).to.equal(1);
    expect([...wrong.lines, wrong.complaint].join('\n')).not.to.include('hidden');
  });

  it('msgflo-dead lists what is kept of participants that are away', async () => {
    const queue = asQueueName('away.IN');
    await broker.declare('inqueue', queue);
    const dying = await broker.consume(queue, async () => ({ verdict: { deadLetter: 'it is broken' }, outputs: [] }));
    await broker.send('inqueue', queue, { data: 1 });
    const list = async (management: string) => {
      const args = ['list', '--broker', rabbit.url, '--wait', '0.5', '--management', management];
      const one = startInProcess(dead, args, { cwd: dir });
      expect(await one.ended, one.complaint()).to.equal(0);
      return { last: one.printed.at(-1), logged: one.logged.join() };
    };
    await until(async () => (await list(rabbit.managementUrl)).last === '1 dead letter');
    const without = await list('off');
    expect(without.last).to.equal('no dead letters');
    expect(without.logged).to.include('asked for: a, b, x; this broker does not tell of others');
    await dying.cancel();
  });

  it('msgflo-top shows what those have in hand who count nothing', async () => {
    const queue = asQueueName('x.IN');
    let letGo = (): void => undefined;
    const held = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    const settle = async () => {
      await held;
      return { verdict: 'ack', outputs: [] } as const;
    };
    const consumer = await broker.consume(queue, settle, { prefetch: 3 });
    for (let n = 0; n < 5; n += 1) await broker.send('inqueue', queue, { data: n });
    const rowWith = async (management: string) => {
      const args = ['--broker', rabbit.url, '--once', '--json', '--interval', '500ms', '--role', 'x'];
      const one = startInProcess(top, [...args, '--management', management], { cwd: dir });
      expect(await one.ended, one.complaint()).to.equal(0);
      return (JSON.parse(one.printed[0] ?? '') as TopReport).rows[0];
    };
    expect(await rowWith('off'))
      .to.include({ ready: 2, consumers: 1 })
      .and.not.have.property('unacked');
    await until(async () => (await rowWith(rabbit.managementUrl))?.unacked === 3);
    expect(await rowWith(rabbit.managementUrl)).to.include.keys('inPerSecond', 'outPerSecond');
    letGo();
    await consumer.cancel();
  });
});
