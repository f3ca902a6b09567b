import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import { Coordinator } from '../../src/coordinator/index.js';
import { announcementOf, DISCOVERY_NOTICE } from '../../src/discovery/index.js';
import { asPortName, asQueueName, asRole } from '../../src/names.js';
import { type Component, participant } from '../../src/participant/index.js';
import { silentLogger } from '../../src/support/index.js';
import { builtinTransports } from '../../src/transport/builtin/index.js';
import { type Network, until } from '../participant/network.js';
import { startMosquitto } from '../support/mosquitto.js';
import { InProcessLauncher } from './in-process-launcher.js';
import { aRole } from './network-fixture.js';
import { complete, graphOf, repeat, Scene, sink } from './scene.js';

const port = (role: string, name: string) => ({ role: asRole(role), port: asPortName(name) });

const fails = participant({
  component: 'Fails',
  inports: { in: {} },
  process: () => {
    throw new Error('no such file');
  },
});

/** Sends 0, 1, 2 ... every millisecond or so; `sent` counts what the broker has confirmed. */
function counter(): { readonly component: Component; readonly sent: () => number } {
  let sent = 0;
  const component = participant({
    component: 'Count',
    outports: { out: {} },
    produce: async ({ send, signal }) => {
      while (!signal.aborted) {
        await send('out', sent);
        sent += 1;
        await delay(1);
      }
    },
  });
  return { component, sent: () => sent };
}

describe('Coordinator, edited', () => {
  let scene: Scene;
  let network: Network;

  beforeEach(async () => {
    scene = await Scene.open();
    network = scene.network;
  });
  afterEach(() => scene.close());

  it('an edge taken away and led elsewhere a moment later loses nothing', async () => {
    const source = counter();
    const [first, second] = [sink(), sink()];
    await network.start(source.component, 'a', { run: 'r1' });
    await network.start(first.component, 'b', { run: 'r1' });
    await network.start(second.component, 'c', { run: 'r1' });
    const nodes = 'a(Count) b(Keep) c(Keep)'.split(' ').join('\n');
    const ways = [`${nodes}\na OUT -> IN b`, `${nodes}\na OUT -> IN c`];
    const { coordinator } = await scene.coordinate(ways[0] ?? '');
    await until(() => first.got.length > 20);
    for (let n = 1; n <= 4; n += 1) {
      coordinator.setGraph(graphOf(nodes));
      await delay(20);
      coordinator.setGraph(graphOf(ways[n % 2] ?? ''));
      await complete(coordinator);
      const { got } = n % 2 ? second : first;
      const before = got.length;
      await until(() => got.length > before + 20);
    }
    const confirmed = source.sent();
    const seen = () => new Set([...first.got, ...second.got]);
    await until(() => seen().has(confirmed - 1));
    for (let n = 0; n < confirmed; n += 1) expect(seen().has(n), `message ${n}`).to.equal(true);
    await until(async () => (await network.hand.bindings()).length === 1);
  });

  it('plans together what is edited together', async () => {
    await network.start(repeat, 'a', { run: 'r1' });
    await network.start(repeat, 'b', { run: 'r1' });
    const text = 'a(Repeat) OUT -> IN b(Repeat)';
    const { coordinator } = await scene.coordinate(text);
    await complete(coordinator);
    const made = async () => (await network.hand.bindings()).map(({ source, target }) => `${source} -> ${target}`);
    const seen: number[] = [];
    const look = setInterval(() => void made().then(({ length }) => seen.push(length)), 5);
    coordinator.setGraph(graphOf('a(Repeat)\nb(Repeat)'));
    await delay(200);
    coordinator.setGraph(graphOf(text));
    expect(coordinator.graph.edges).to.have.length(1);
    await delay(700);
    clearInterval(look);
    expect(new Set(seen), 'bindings at any time').to.deep.equal(new Set([1]));
    expect(await made()).to.deep.equal(['a.OUT -> b.IN']);
    coordinator.setGraph(graphOf('a(Repeat)\nb(Repeat)'));
    await until(async () => (await made()).length === 0);
  });

  it('stops the processes that it runs, leaves queues and bindings, and brings them back', async () => {
    const { component, got } = sink();
    const launcher = new InProcessLauncher(network, { Keep: component });
    await network.start(repeat, 'a', { run: 'r1' });
    const { coordinator } = await scene.coordinate('a(Elsewhere) OUT -> IN b(Keep)', {
      launcher,
      launches: launcher.launches,
    });
    await complete(coordinator);
    coordinator.setStarted(false);
    await until(() => launcher.done.includes('stop b'));
    expect(coordinator.liveSinceMs).to.equal(undefined);
    await network.hand.send('outqueue', asQueueName('a.OUT'), { data: 'waits' });
    expect(await network.ready('b.IN')).to.equal(1);
    expect(got).to.deep.equal([]);
    coordinator.setStarted(true);
    await until(() => got.length === 1);
    expect(launcher.done).to.deep.equal(['start b', 'stop b', 'start b']);
    await until(() => coordinator.liveSinceMs !== undefined);
  });

  it('binds new edges while a process that was removed still finishes what it has in hand', async () => {
    const busy = participant({ component: 'Busy', inports: { in: {} }, process: () => delay(60_000) });
    const { component, got } = sink();
    const launcher = new InProcessLauncher(network, { Busy: busy, Keep: component });
    await network.start(repeat, 'a', { run: 'r1' });
    const text = 'a(Elsewhere) OUT -> IN slow(Busy)';
    const { coordinator } = await scene.coordinate(text, { launcher, launches: launcher.launches });
    await complete(coordinator);
    await network.hand.send('inqueue', asQueueName('slow.IN'), { data: 'long work' });
    await until(async () => (await network.ready('slow.IN')) === 0);
    coordinator.setGraph(graphOf('a(Elsewhere) OUT -> IN b(Keep)'));
    await until(() => launcher.done.includes('start b'));
    await network.hand.send('inqueue', asQueueName('a.IN'), { data: 'at once' });
    await until(() => got.length === 1);
    expect(launcher.done).to.not.include('stop slow');
  });

  it('begins stopped if it is told to', async () => {
    const launcher = new InProcessLauncher(network, { Repeat: repeat });
    const { coordinator } = await scene.coordinate('b(Repeat)', {
      launcher,
      launches: launcher.launches,
      isStarted: false,
    });
    await until(() => coordinator.isIdle);
    expect(launcher.done).to.deep.equal([]);
    coordinator.setStarted(true);
    await until(() => launcher.done.length > 0);
  });

  it('starts the processes of a changed component again, and no others', async () => {
    const launcher = new InProcessLauncher(network, { Repeat: repeat, Keep: sink().component });
    const { coordinator } = await scene.coordinate('a(Repeat) OUT -> IN b(Keep)', {
      launcher,
      launches: launcher.launches,
    });
    await complete(coordinator);
    coordinator.relaunch(new Set([asRole('b')]));
    await until(() => launcher.done.length === 4);
    expect(launcher.done.slice(2)).to.deep.equal(['stop b', 'start b']);
    await complete(coordinator);
  });

  it('copies what somebody looks at, from the first message on, and nothing else', async () => {
    const { component, got } = sink();
    const { coordinator, events } = await scene.coordinate('1 -> IN a(Repeat) OUT -> IN b(Repeat) OUT -> IN c(Keep)');
    coordinator.wish({ outports: [port('a', 'OUT')], exported: false, deadLetters: false });
    await network.start(repeat, 'a', { run: 'r1' });
    await network.start(repeat, 'b', { run: 'r1' });
    await network.start(component, 'c', { run: 'r1' });
    await until(() => got.length === 1);
    const seen = () =>
      events.flatMap((event) => {
        if (event.kind === 'copy') return `${event.from.role}.${event.from.port} ${event.data}`;
        return event.kind === 'iip' ? `iip ${event.to.role}.${event.to.port} ${event.data}` : [];
      });
    await until(() => seen().length === 2);
    expect(seen()).to.deep.equal(['iip a.in 1', 'a.out 1']);
    coordinator.wish({ outports: [], exported: false, deadLetters: false });
    await until(() => coordinator.isIdle);
    await network.hand.send('inqueue', asQueueName('a.IN'), { data: 2 });
    await until(() => got.length === 2);
    expect(seen()).to.have.length(2);
  });

  it('tells of dead letters with their reason while somebody looks', async () => {
    const { coordinator, events } = await scene.coordinate('a(Fails)');
    coordinator.wish({ outports: [], exported: false, deadLetters: true });
    await network.start(fails, 'a', { run: 'r1' });
    await complete(coordinator);
    await network.hand.send('inqueue', asQueueName('a.IN'), { data: 'x' });
    await until(() => events.some(({ kind }) => kind === 'dead-letter'));
    const letter = events.find((event) => event.kind === 'dead-letter');
    expect(letter).to.deep.include({ of: port('a', 'in'), data: 'x' });
    expect(letter?.reason).to.include('no such file');
  });

  it('leads dead letters on, with their reason, for as long as the graph has an edge from DEAD_IN', async () => {
    const headers: Readonly<Record<string, string>>[] = [];
    const keep = participant({
      component: 'Keep',
      inports: { in: {} },
      process: (_, { headers: of }) => void headers.push(of),
    });
    const { coordinator } = await scene.coordinate('a(Fails), b(Keep)');
    await network.start(fails, 'a', { run: 'r1' });
    await network.start(keep, 'b', { run: 'r1' });
    await complete(coordinator);
    const bindings = async () => (await network.hand.bindings()).map(({ source, target }) => `${source} -> ${target}`);
    coordinator.setGraph(graphOf('a(Fails) DEAD_IN -> IN b(Keep)'));
    await until(async () => (await bindings()).includes('dead-a.IN -> b.IN'));
    await network.hand.send('inqueue', asQueueName('a.IN'), { data: 'x' });
    await until(() => headers.length === 1);
    expect(headers[0]?.['msgflo-dead-reason']).to.include('no such file');
    expect(headers[0]).to.include({ 'msgflo-dead-role': 'a', 'msgflo-dead-port': 'in' });
    coordinator.setGraph(graphOf('a(Fails), b(Keep)'));
    await until(async () => !(await bindings()).includes('dead-a.IN -> b.IN'));
  });

  it('sends to an inport from outside as soon as somebody has announced it', async () => {
    const { component, got } = sink();
    const { coordinator } = await scene.coordinate('a(Repeat) OUT -> IN b(Keep)');
    const { signal } = new AbortController();
    const sent = coordinator.send(port('a', 'IN'), 'hello', { signal });
    await network.start(component, 'b', { run: 'r1' });
    await network.start(repeat, 'a', { run: 'r1' });
    await sent;
    await until(() => got.length === 1);
    expect(got).to.deep.equal(['hello']);
    const nobody = coordinator.send(port('a', 'nosuch'), 1, { signal: AbortSignal.timeout(50) });
    await nobody.then(
      () => expect.fail('there is no such port'),
      (error: Error) => expect(error.name).to.equal('TimeoutError'),
    );
  });

  it('knows whether messages wait or are in hand, and how many', async () => {
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    const waits = participant({ component: 'Waits', inports: { in: {} }, process: () => held });
    const { coordinator } = await scene.coordinate('a(Repeat) OUT -> IN b(Waits)');
    await network.start(repeat, 'a', { run: 'r1' });
    await network.start(waits, 'b', { run: 'r1' });
    await complete(coordinator);
    expect(await coordinator.instruments.isBusy()).to.equal(false);
    for (let n = 0; n < 3; n += 1) await network.hand.send('inqueue', asQueueName('a.IN'), { data: n });
    await until(() => coordinator.instruments.isBusy());
    const report = async () => (await coordinator.instruments.queues())[0];
    await until(async () => (await report())?.unacked === 1);
    expect(await report()).to.deep.include({ queue: 'b.IN', ready: 2, consumers: 1 });
    release();
    await until(async () => !(await coordinator.instruments.isBusy()));
  });

  it('stops within seconds while the broker is away, though a pass waits for it', async () => {
    const server = await startMosquitto();
    const broker = await builtinTransports().open(server.url, { id: 'coordinator' }, silentLogger);
    await broker.connect();
    const graph = graphOf('a(Repeat) OUT -> IN b(Keep)');
    const coordinator = new Coordinator({ graph: { ...graph, edges: [] }, broker, log: silentLogger });
    await coordinator.start();
    for (const role of ['a', 'b'])
      await broker.notify({ name: DISCOVERY_NOTICE, body: announcementOf(aRole(role).definition) });
    await until(() => coordinator.definitions().length === 2);
    await server.kill();
    await until(() => broker.status === 'reconnecting');
    coordinator.setGraph(graph);
    coordinator.setStarted(true);
    await until(() => !coordinator.isIdle);
    await delay(100);
    const beganMs = performance.now();
    await coordinator.stop();
    expect(performance.now() - beganMs).to.be.below(3000);
    await broker.close({ graceMs: 0 });
  });
});
