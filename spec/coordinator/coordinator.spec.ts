import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import type { Coordinator, CoordinatorOptions } from '../../src/coordinator/index.js';
import { DISCOVERY_NOTICE, ROLL_CALL_NOTICE } from '../../src/discovery/index.js';
import { silentLogger } from '../../src/support/index.js';
import { keepingLogger, type Network, until } from '../participant/network.js';
import { graphOf, repeat, Scene, sink } from './scene.js';

describe('Coordinator', () => {
  let scene: Scene;
  let network: Network;

  beforeEach(async () => {
    scene = await Scene.open();
    network = scene.network;
  });
  afterEach(() => scene.close());

  const coordinate = async (text: string, options?: Partial<CoordinatorOptions>): Promise<Coordinator> =>
    (await scene.coordinate(text, options)).coordinator;

  const stateOf = (coordinator: Coordinator, role: string) =>
    coordinator.report().nodes.find((node) => node.role === role)?.state;

  it('binds what the graph wants, whoever comes first, and hands out the IIPs', async () => {
    const { got, component } = sink();
    await network.start(repeat, 'a');
    const coordinator = await coordinate("'hello' -> IN a(Repeat) OUT -> IN b(Repeat) OUT -> IN c(Keep)");
    await network.start(component, 'c');
    await network.start(repeat, 'b');
    await until(() => got.length > 0);
    expect(got).to.deep.equal(['hello']);
    await until(() => coordinator.report().isComplete);
  });

  it('starts with participants missing, and says which and why', async () => {
    await network.start(repeat, 'a');
    const coordinator = await coordinate('a(Repeat) OUT -> IN b(Repeat)');
    await until(() => stateOf(coordinator, 'a') === 'live');
    expect(stateOf(coordinator, 'b')).to.equal('pending');
    expect(coordinator.report().edges[0]?.why).to.equal("nobody has announced the role 'b'");
  });

  it('shows discovered roles that the graph does not name, until they go', async () => {
    const coordinator = await coordinate('a(Repeat) OUT -> IN b(Repeat)');
    const stranger = await network.start(repeat, 'stranger');
    await until(() => stateOf(coordinator, 'stranger') === 'foreign');
    expect(coordinator.graph.nodes.map(({ role }) => role)).to.deep.equal(['a', 'b']);
    await stranger.stop();
    await until(() => stateOf(coordinator, 'stranger') === undefined);
  });

  it('keeps a participant that fell silent bound, shows it as lost, and has it back when heard', async () => {
    const coordinator = await coordinate('a(Old) OUT -> IN b(Old)', { lapseMs: 400 });
    const announce = (role: string) => {
      const ports = { inports: [{ id: 'in', queue: `${role}.IN` }], outports: [{ id: 'out', queue: `${role}.OUT` }] };
      const payload = { id: `${role}-1`, role, component: 'Old', ...ports };
      return network.notify(
        DISCOVERY_NOTICE,
        JSON.stringify({ protocol: 'discovery', command: 'participant', payload }),
      );
    };
    for (const role of ['a', 'b']) {
      await network.hand.declare('inqueue', `${role}.IN` as never);
      await network.hand.declare('outqueue', `${role}.OUT` as never);
      await announce(role);
    }
    await until(() => coordinator.report().isComplete);
    await until(() => stateOf(coordinator, 'b') === 'lost');
    await network.hand.send('outqueue', 'a.OUT' as never, { data: 1 });
    await until(async () => (await network.ready('b.IN')) === 1);
    await announce('b');
    await until(() => stateOf(coordinator, 'b') === 'live');
  });

  it('calls the roll again when its connection comes back', async () => {
    let calls = 0;
    await network.hand.watch(ROLL_CALL_NOTICE, () => {
      calls += 1;
    });
    const real = await network.registry.open(network.address, { id: 'away' }, silentLogger);
    await real.connect();
    network.own(() => real.close());
    let isAway = false;
    const broker = new Proxy(real, {
      get(target, key) {
        if (key === 'status' && isAway) return 'reconnecting';
        const value = Reflect.get(target, key, target);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
    await coordinate('a(Repeat)', { broker });
    await until(() => calls === 4);
    isAway = true;
    await new Promise((later) => setTimeout(later, 600));
    expect(calls).to.equal(4);
    isAway = false;
    await until(() => calls > 4);
  });

  it('killed and started again: binds nothing twice, sends no IIP again, knows everybody within 2 s', async () => {
    const { got, component } = sink();
    const text = "'once' -> IN a(Repeat) OUT -> IN b(Keep)";
    await network.start(repeat, 'a');
    await network.start(component, 'b');
    const first = await coordinate(text);
    await until(() => got.length === 1 && first.report().isComplete && first.isIdle);
    await first.stop();
    const begin = performance.now();
    const second = await coordinate(text);
    await until(() => second.report().isComplete && second.isIdle);
    expect(performance.now() - begin).to.be.below(2000);
    await network.send('a.IN', 'marker');
    await until(() => got.includes('marker'));
    expect(got).to.deep.equal(['once', 'marker']);
  });

  it('sends an IIP to a participant that knows no wiring once per instance, also over its own restart', async () => {
    const announce = (id: string) => {
      const payload = { id, role: 'old', component: 'Old', inports: [{ id: 'in', queue: 'old.IN' }], outports: [] };
      return network.notify(
        DISCOVERY_NOTICE,
        JSON.stringify({ protocol: 'discovery', command: 'participant', payload }),
      );
    };
    await network.hand.declare('inqueue', 'old.IN' as never);
    const first = await coordinate("'data' -> IN old(Old)");
    await announce('old-1');
    await until(async () => (await network.ready('old.IN')) === 1);
    await until(() => first.isIdle);
    await first.stop();
    const second = await coordinate("'data' -> IN old(Old)");
    await announce('old-1');
    await until(() => second.isIdle);
    await announce('old-2');
    await until(async () => (await network.ready('old.IN')) === 2);
    await until(() => second.isIdle);
    expect(await network.ready('old.IN')).to.equal(2);
  });

  it('gives the IIPs to a new instance after a crash', async () => {
    const { got, component } = sink();
    await network.start(component, 'b');
    const first = await network.start(repeat, 'a');
    await coordinate("'again' -> IN a(Repeat) OUT -> IN b(Keep)");
    await until(() => got.length === 1);
    await first.stop();
    await network.start(repeat, 'a');
    await until(() => got.length === 2);
  });

  it('moves an edge when the graph changes, sees bindings of others, and takes away only what it made itself', async () => {
    const before = sink();
    const after = sink();
    await network.start(repeat, 'a');
    await network.start(before.component, 'b');
    await network.start(after.component, 'c');
    const coordinator = await coordinate('a(Repeat) OUT -> IN b(Keep)');
    await until(() => coordinator.report().isComplete && coordinator.isIdle);
    await network.hand.declare('inqueue', 'others' as never);
    await network.hand.bind({ kind: 'pubsub', source: 'a.OUT', target: 'others' } as never);
    expect(await coordinator.foreignBindings()).to.deep.equal([{ kind: 'pubsub', source: 'a.OUT', target: 'others' }]);
    coordinator.setGraph(graphOf('a(Repeat) OUT -> IN c(Keep)'));
    await until(async () => {
      const bindings = await network.hand.bindings();
      return coordinator.isIdle && !bindings.some(({ target }) => target === 'b.IN');
    });
    await network.send('a.IN', 'moved');
    await until(() => after.got.length === 1);
    expect(before.got).to.deep.equal([]);
    expect(await network.ready('others')).to.equal(1);
  });

  it('puts garbage on the discovery notice aside, counts it, says it once, and goes on', async () => {
    const log = keepingLogger();
    const coordinator = await coordinate('a(Repeat) OUT -> IN b(Repeat)', { log });
    for (const body of ['hello', 'hello', '{"protocol":"discovery","command":"participant","payload":{"id":"x"}}']) {
      await network.notify(DISCOVERY_NOTICE, body);
    }
    await network.start(repeat, 'a');
    await until(() => stateOf(coordinator, 'a') === 'live');
    expect(coordinator.rejectedAnnouncements).to.equal(3);
    expect(log.lines).to.have.length(2);
    expect(log.lines[0]).to.match(/^a discovery message is not JSON .*"hello"; it is ignored$/);
    expect(log.lines[1]).to.include("of participant 'x' is wrong: it must have required property 'role'");
  });

  it('taking over within one run, it never tells a source to wait', async () => {
    const { got, component } = sink();
    const text = "'once' -> IN a(Repeat) OUT -> IN b(Keep)";
    await network.start(repeat, 'a');
    await network.start(component, 'b');
    const first = await coordinate(text);
    await until(() => got.length === 1 && first.report().isComplete && first.isIdle);
    await first.stop();
    const told: string[] = [];
    await network.hand.watch('fbp.wiring.a', (body, { retained }) => {
      if (!retained) told.push(body.toString());
    });
    const second = await coordinate(text);
    await until(() => second.report().isComplete && second.isIdle);
    expect(told).to.deep.equal([]);
  });

  it('in another run of the keeper, nothing counts as bound before it is bound again', async () => {
    await network.start(repeat, 'a', { run: 'r2' });
    const records = join(scene.folder, 'records.json');
    const binding = { kind: 'pubsub', source: 'a.OUT', target: 'b.IN' };
    const edge = 'some edge';
    const stored = { version: 1, broker: '', run: 'r1', bindings: [{ binding, edge }], iips: {}, wiredRoles: [] };
    const b = { id: 'b-1', role: 'b', component: 'Keep', inports: [{ id: 'in', queue: 'b.IN' }], outports: [] };
    await writeFile(records, JSON.stringify({ ...stored, participants: [b] }));
    const coordinator = await coordinate('a(Repeat) OUT -> IN b(Keep)', { run: 'r2' });
    await until(() => stateOf(coordinator, 'a') === 'live' && network.last('a')?.wired !== undefined);
    expect(coordinator.report().edges[0]?.state).to.equal('pending');
  });

  it('in another run of the keeper, what a target listened to before does not count on a broker that cannot bind', async () => {
    await network.start(repeat, 'a', { run: 'r2' });
    const b = {
      id: 'b-1',
      role: 'b',
      component: 'Keep',
      inports: [{ id: 'in', queue: 'b.IN', sources: ['a.OUT'] }],
      outports: [],
      wiring: 1,
    };
    const stored = { version: 1, broker: '', run: 'r1', bindings: [], iips: {}, wiredRoles: [], participants: [b] };
    await writeFile(join(scene.folder, 'records.json'), JSON.stringify(stored));
    const broker = await network.registry.open(network.address, { id: 'cannot-bind' }, silentLogger);
    await broker.connect();
    Object.defineProperty(broker, 'capabilities', { value: { ...broker.capabilities, binds: false } });
    network.own(() => broker.close());
    const coordinator = await coordinate('a(Repeat) OUT -> IN b(Keep)', { run: 'r2', broker });
    await until(() => stateOf(coordinator, 'a') === 'live');
    expect(coordinator.report().edges[0]?.state).to.equal('pending');
  });

  it('takes nothing over from records made at another broker', async () => {
    const payload = { id: 'ghost-1', role: 'ghost', component: 'Old', inports: [], outports: [] };
    const message = JSON.stringify({ protocol: 'discovery', command: 'participant', payload });
    const first = await coordinate('ghost(Old) OUT -> IN b(Keep)', { brokerName: 'amqp://here' });
    await network.notify(DISCOVERY_NOTICE, message);
    await until(() => stateOf(first, 'ghost') === 'live');
    await first.stop();
    const there = await coordinate('ghost(Old) OUT -> IN b(Keep)', { brokerName: 'mqtt://there' });
    expect(there.definitions()).to.deep.equal([]);
  });

  it('goes on with new records when their file cannot be read, and keeps the old one', async () => {
    const log = keepingLogger();
    await writeFile(join(scene.folder, 'records.json'), '{"version":1,');
    const { got, component } = sink();
    await network.start(component, 'b');
    await coordinate("'x' -> IN b(Keep)", { log });
    await until(() => got.length === 1);
    expect(log.lines[0]).to.include('records.json cannot be read').and.include('records.json.bad');
  });

  it('takes nothing over from records of which a part does not fit', async () => {
    const records = join(scene.folder, 'records.json');
    const whole = { version: 1, broker: '', bindings: [], iips: {}, wiredRoles: [], participants: [] };
    const wrong = [
      { participants: [{}] },
      { participants: [{ id: 'b-1', role: 'b', component: 'Keep', inports: 5 }] },
      { participants: 'b-1' },
      { bindings: [{ binding: {}, edge: 'some edge' }] },
      { iips: { 'b-1': 5 } },
      { wiredRoles: [null] },
    ];
    for (const part of wrong) {
      const log = keepingLogger();
      await writeFile(records, JSON.stringify({ ...whole, ...part }));
      const coordinator = await coordinate('a(Repeat) OUT -> IN b(Keep)', { log });
      expect(log.lines[0], JSON.stringify(part)).to.include('records.json cannot be read');
      await coordinator.stop();
    }
  });

  it('goes on when records cannot be written, says so once, and writes them when they can be', async () => {
    const log = keepingLogger();
    const path = join(scene.folder, 'no-folder', 'records.json');
    await writeFile(join(scene.folder, 'no-folder'), 'in the way');
    const { got, component } = sink();
    await network.start(component, 'b');
    await network.start(repeat, 'a');
    const coordinator = await coordinate("'x' -> IN a(Repeat) OUT -> IN b(Keep)", { log, recordsPath: path });
    await until(() => got.length === 1 && coordinator.report().isComplete);
    await rm(join(scene.folder, 'no-folder'));
    await coordinator.stop();
    expect(JSON.parse(await readFile(path, 'utf8')).bindings).to.have.length(1);
    expect(log.lines.filter((line) => line.includes('cannot be written'))).to.have.length(1);
    expect(log.lines.join()).not.to.include('a pass failed');
  });
});
