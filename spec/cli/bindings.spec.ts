import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { bindings } from '../../src/cli/bindings.js';
import type { BindingsReport } from '../../src/cli/bindings-report.js';
import { Coordinator } from '../../src/coordinator/index.js';
import { readFbp } from '../../src/graph/index.js';
import { asQueueName } from '../../src/names.js';
import { newParticipantId, Participant, participant, participantClientOptions } from '../../src/participant/index.js';
import { contentHash, silentLogger } from '../../src/support/index.js';
import { builtinTransports } from '../../src/transport/builtin/index.js';
import { Router } from '../../src/transport/mqtt/index.js';
import { until } from '../participant/network.js';
import { threeBrokers } from '../support/three-brokers.js';
import { startCommand } from './from-source.js';
import { unique } from './run-executable.js';
import { startInProcess } from './run-in-process.js';

const repeat = participant({
  component: 'Repeat',
  inports: { in: {} },
  outports: { out: {} },
  process: ({ in: data }, { send }) => send('out', data),
});

describe('msgflo-bindings', function () {
  this.timeout(45_000);
  const { urls, dir, stops, connect: hand } = threeBrokers();

  async function begin(url: string, ...roles: readonly string[]): Promise<void> {
    for (const role of roles) {
      const id = newParticipantId(role);
      const broker = await builtinTransports().open(url, participantClientOptions({ id, role }), silentLogger);
      const one = new Participant(repeat, { role, id, broker, wiringWaitMs: 50, log: silentLogger });
      stops.push(() => one.stop({ graceMs: 0 }));
      await one.start();
    }
  }

  /** Has a graph bound as it wants, by a coordinator that is then gone. */
  async function bindAll(url: string, text: string): Promise<void> {
    const { graph } = readFbp(text, { path: 'main.fbp' });
    const broker = await hand(url);
    const coordinator = new Coordinator({ graph, broker, log: silentLogger });
    await coordinator.start();
    await until(() => coordinator.isIdle && coordinator.report().edges.every(({ state }) => state === 'live'));
    await coordinator.stop();
  }

  async function look(url: string, text: string | undefined, ...args: readonly string[]) {
    const path = join(dir, `${unique('g')}.fbp`);
    if (text !== undefined) await writeFile(path, text);
    const graph = text === undefined ? [] : [path];
    const one = startInProcess(bindings, [...graph, '--broker', url, '--wait', '0.4', ...args], { cwd: dir });
    const code = await one.ended;
    return { code, lines: one.printed, complaint: one.complaint() };
  }

  async function lookAsJson(url: string, text?: string) {
    const { code, lines, complaint } = await look(url, text, '--json');
    expect(lines).to.have.length(1);
    const report = JSON.parse(lines[0] ?? '') as BindingsReport & { readonly notes: readonly string[] };
    const rows = [...report.bindings, ...report.foreign].map(({ state, source, target }) =>
      [state, source, target].join(' '),
    );
    return { code, complaint, report, rows };
  }

  for (const name of ['AMQP', 'MQTT', 'the embedded broker']) {
    it(`finds a graph bound as it wants on ${name}, and what drifted`, async () => {
      const url = urls[name] ?? '';
      const [a, b, c] = [unique('a'), unique('b'), unique('c')];
      const made = `${a}(Repeat) OUT -> IN ${b}(Repeat)\n${b} OUT -> IN ${c}(Repeat)\n`;
      const broker = await hand(url);
      const { binds, foreignBindings } = broker.capabilities;
      await begin(url, a, b, c);
      await bindAll(url, made);
      const canTell = foreignBindings || !binds;
      const same = await lookAsJson(url, made);
      const states = canTell ? ['bound', 'bound'] : ['unknown', 'unknown'];
      expect(same.rows.slice(0, 2)).to.deep.equal([`${states[0]} ${a}.OUT ${b}.IN`, `${states[1]} ${b}.OUT ${c}.IN`]);
      expect(same.report.unconnected.map(({ queue }) => queue)).to.deep.equal([`${a}.IN`, `${c}.OUT`]);
      expect(same.code, same.complaint).to.equal(canTell ? 0 : 1);
      expect(same.report.complete).to.equal(foreignBindings);
      expect(same.report.notes).to.have.length(foreignBindings ? 0 : 1);

      const wanted = `${a}(Repeat) OUT -> IN ${b}(Repeat)\n${a} OUT -> IN ${c}(Repeat)\n`;
      const drifted = await lookAsJson(url, wanted);
      expect(drifted.code).to.equal(1);
      const drift = canTell
        ? [`bound ${a}.OUT ${b}.IN`, `missing ${a}.OUT ${c}.IN`, `left-over ${b}.OUT ${c}.IN`]
        : [`unknown ${a}.OUT ${b}.IN`, `unknown ${a}.OUT ${c}.IN`];
      expect(drifted.rows.slice(0, drift.length)).to.deep.equal(drift);
      expect(drifted.complaint).to.equal(
        `msgflo-bindings: not bound as the graph wants: ${canTell ? '1 missing, 1 left-over' : '2 unknown'}\n`,
      );
      const again = await lookAsJson(url, made);
      expect(again.rows, 'it changed something').to.deep.equal(same.rows);
    });
  }

  it('prints a table, with what is foreign, and exits 0 in spite of that', async () => {
    const url = urls['the embedded broker'] ?? '';
    const [a, b, x] = [unique('a'), unique('b'), unique('x')];
    await begin(url, a, b, x);
    await bindAll(url, `${a}(Repeat) OUT -> IN ${b}(Repeat)\n${b} OUT -> IN ${x}(Repeat)`);
    const { code, lines, complaint } = await look(url, `${a}(Repeat) OUT -> IN ${b}(Repeat)`);
    expect({ code, complaint }).to.deep.equal({ code: 0, complaint: '' });
    const shown = lines.map((line) => line.replace(/ {2,}/g, '  '));
    expect(shown).to.include.members([
      'STATE  KIND  QUEUES  EDGE',
      `bound  pubsub  ${a}.OUT -> ${b}.IN  ${a} OUT -> IN ${b}`,
      `foreign  pubsub  ${b}.OUT -> ${x}.IN  ${b} OUT -> IN ${x}`,
      `unconnected inport: ${a} IN (${a}.IN)`,
      `not in the graph: ${x} (Repeat)`,
    ]);
  });

  it('shows without a graph what is bound and who is there', async () => {
    const url = urls['the embedded broker'] ?? '';
    const [a, b] = [unique('a'), unique('b')];
    await begin(url, a, b, b);
    await bindAll(url, `${a}(Repeat) OUT -> IN ${b}(Repeat)`);
    const { code, lines } = await look(url, undefined);
    expect(code).to.equal(0);
    expect(lines.map((line) => line.replace(/ {2,}/g, '  '))).to.include.members([
      `bound  pubsub  ${a}.OUT -> ${b}.IN  ${a} OUT -> IN ${b}`,
      `there: ${a} (Repeat)`,
      `there: ${b} (Repeat) x 2`,
    ]);
  });

  it('finds a route on MQTT missing until a router carries it out', async () => {
    const url = urls['MQTT'] ?? '';
    const [a, b] = [unique('a'), unique('b')];
    const graph = `${a}(Repeat) OUT -> IN ${b}(Repeat)`;
    const ends = { source: asQueueName(`${a}.OUT`), target: asQueueName(`${b}.IN`) };
    const broker = await hand(url);
    await begin(url, a, b);
    // What bind() leaves at the broker; it would wait some seconds for a router.
    const name = `msgflo/routes/${contentHash(ends)}`;
    const route = Buffer.from(JSON.stringify({ route: 1, kind: 'pubsub', ...ends }));
    await broker.notify({ name, body: route, retain: true });
    stops.push(() => broker.notify({ name, body: Buffer.alloc(0), retain: true }));
    const idle = await lookAsJson(url, graph);
    expect(idle.report.bindings[0]).to.include({ state: 'missing', via: 'router' });
    expect(idle.report.bindings[0]?.why).to.match(/no msgflo-router is at work$/);
    expect(idle.report.notes[0]).to.match(/^this broker binds nothing: .* cannot be seen$/);
    const router = new Router({ address: new URL(url), log: silentLogger });
    stops.push(() => router.stop());
    await router.start();
    const routed = await lookAsJson(url, graph);
    expect(routed.report.bindings).to.have.length(1);
    expect(routed.report.bindings[0]).to.include({ state: 'bound', via: 'router' });
    expect(routed.code).to.equal(0);
  });

  it('declares no queue for what nobody has announced, on AMQP', async () => {
    const url = urls['AMQP'] ?? '';
    const [a, b] = [unique('a'), unique('b')];
    const { rows } = await lookAsJson(url, `${a}(Repeat) OUT -> IN ${b}(Repeat)`);
    expect(rows).to.deep.equal(['unknown  ']);
    const broker = await hand(url);
    const missing = await broker
      .consume(asQueueName(`${b}.IN`), async () => ({ verdict: 'requeue', outputs: [] }))
      .then(
        () => undefined,
        (error: unknown) => error,
      );
    expect(missing).to.have.property('code', 'MSGFLO_QUEUE_NOT_FOUND');
  });

  it('answers bad input with one line each, and explains itself', async () => {
    const cases: readonly (readonly [readonly string[], number, RegExp])[] = [
      [['absent.fbp'], 2, /^msgflo-bindings: cannot read the graph absent\.fbp: there is no such file$/],
      [['--wait', 'soon'], 2, /^msgflo-bindings: --wait is a number of seconds, not 'soon'$/],
      [['a.fbp', 'b.fbp'], 2, /^msgflo-bindings: too many arguments/],
      [['--broker', 'gopher://x'], 2, /^msgflo-bindings: no transport for the broker address 'gopher:\/\/x'/],
      [[], 1, /^msgflo-bindings: no broker: give --broker URL/],
    ];
    const outside = await mkdtemp(join(tmpdir(), 'msgflo-nothing-'));
    const help = startCommand('bindings.ts#bindings', ['--help']);
    for (const [args, code, words] of cases) {
      const one = startInProcess(bindings, args, { cwd: outside });
      expect({ code: await one.ended, printed: one.printed }, args.join(' ')).to.deep.equal({ code, printed: [] });
      expect(one.complaint().replace(/\n$/, '')).to.match(words).and.not.include('\n');
    }
    expect(await help.ended).to.equal(0);
    expect(help.stdout())
      .to.match(/^Usage: .*\[graph\]/)
      .and.to.include('Exit code 0')
      .and.to.include('Example:');
    await rm(outside, { recursive: true });
  });
});
