import { expect } from 'chai';
import { asPortName, asRole } from '../../src/names.js';
import { until } from '../participant/network.js';
import { addEdge, addNode, graphOf, removeEdge, repeat, Scene } from './scene.js';

describe('a runtime that is edited', () => {
  let scene: Scene;
  afterEach(() => scene.close());

  const roles = (): string[] => scene.runtime.graph().nodes.map(({ role }) => role);
  const nodeOf = (role: string) => scene.runtime.nodes().find((node) => node.role === role);

  it('changes the graph in the call, keeps it, and tells everybody in the same turn who asked for it', async () => {
    scene = await Scene.open('a(Repeat) OUT -> IN b(Repeat)');
    const by = {};
    const changes = scene.runtime.edit(addNode('c', 'Repeat'), by);
    expect(changes).to.deep.equal([addNode('c', 'Repeat')]);
    expect(scene.told).to.deep.equal([{ kind: 'edited', changes, by }]);
    expect(scene.told[0]).to.have.property('by', by);
    expect(roles()).to.deep.equal(['a', 'b', 'c']);
    expect(scene.store.live).to.deep.include({ graph: scene.runtime.graph(), isStarted: true, graphId: 'main' });
  });

  it('has made what the edits want: processes run, messages go the new way', async () => {
    scene = await Scene.open('a(Repeat) OUT -> IN b(Repeat)');
    scene.runtime.edit(addNode('c', 'Keep'));
    scene.runtime.edit(addEdge('b.out -> c.in'));
    await until(() => scene.runtime.edges().every(({ state }) => state === 'live'));
    await scene.network.send('a.IN', 'through');
    await until(() => scene.kept.length > 0);
    expect(scene.kept).to.deep.equal(['through']);
    scene.runtime.edit(removeEdge('b.out -> c.in'));
    scene.runtime.edit({ do: 'remove-node', role: asRole('c') });
    await until(
      () => !scene.coordinator.report().nodes.some(({ role, participants }) => role === 'c' && participants > 0),
    );
  });

  it('refuses what cannot be, with the reason, and then nothing has changed and nobody is told', async () => {
    scene = await Scene.open('a(Repeat) OUT -> IN b(Repeat)');
    const before = scene.runtime.graph();
    expect(() => scene.runtime.edit(addNode('a', 'Repeat'))).to.throw("a node 'a' already");
    expect(() => scene.runtime.edit(addEdge('a.out -> ghost.in'))).to.throw("no node 'ghost'");
    const many = { do: 'change-node', role: asRole('a'), metadata: { instances: 'many' } } as const;
    expect(() => scene.runtime.edit(many)).to.throw("metadata 'instances' is a whole number");
    expect(scene.runtime.graph()).to.equal(before);
    expect(scene.coordinator.graph).to.equal(before);
    expect(scene.told).to.deep.equal([]);
  });

  it('takes components that nobody knows, and says at the node that they are missing', async () => {
    scene = await Scene.open('a(Repeat) OUT -> IN b(Repeat)');
    scene.runtime.edit(addNode('c', 'Repet'));
    expect(nodeOf('c')).to.deep.include({ state: 'pending', participants: 0 });
    expect(nodeOf('c')?.why).to.contain("unknown component 'Repet' of role 'c'; did you mean 'Repeat'?");
  });

  it('shows roles that run elsewhere among the nodes, and takes one into the graph when an edit names it', async () => {
    scene = await Scene.open('a(Repeat) OUT -> IN b(Repeat)');
    await scene.network.start(repeat, 'outside');
    await until(() => nodeOf('outside')?.state === 'foreign');
    expect(JSON.parse(scene.runtime.graphSource())).to.have.nested.property('processes.outside.component', 'Repeat');
    expect(roles()).to.not.include('outside');
    const changes = scene.runtime.edit(addEdge('outside.out -> a.in'));
    expect(changes).to.deep.equal([addNode('outside', 'Repeat'), addEdge('outside.out -> a.in')]);
    expect(scene.ofKind('edited')).to.deep.equal([{ kind: 'edited', changes }]);
    await scene.complete();
    await until(() => scene.runtime.edges().every(({ state }) => state === 'live'));
    expect(scene.launcher.started).to.not.include('outside');
    expect(scene.store.live.others, 'for the next coordinator').to.deep.equal(['outside']);
  });

  it('removes and renames only its own roles', async () => {
    scene = await Scene.open('a(Repeat) OUT -> IN b(Repeat), device(Lamp) OUT -> IN a');
    await scene.network.start(repeat, 'outside');
    await scene.network.start(repeat, 'device');
    await until(() => nodeOf('outside')?.state === 'foreign' && nodeOf('device')?.state === 'live');
    expect(() => scene.runtime.edit({ do: 'remove-node', role: asRole('outside') })).to.throw(
      "role 'outside' is played by participants that run elsewhere: it is no part of the graph",
    );
    const rename = { do: 'rename-node', from: asRole('device'), to: asRole('lamp') } as const;
    expect(() => scene.runtime.edit(rename)).to.throw("role 'device' is played by participants that run elsewhere");
    expect(scene.told.filter(({ kind }) => kind === 'edited')).to.deep.equal([]);
  });

  it('takes a role of its own that was removed for no foreign one while its process ends', async () => {
    scene = await Scene.open('a(Repeat) OUT -> IN b(Keep)');
    await scene.complete();
    let finish = (): void => undefined;
    scene.launcher.inHand = new Promise((resolve) => {
      finish = resolve;
    });
    scene.runtime.edit({ do: 'remove-node', role: asRole('a') });
    const heard = () => scene.coordinator.report().nodes.find(({ role }) => role === 'a');
    for (const state of ['live', 'foreign']) {
      await until(() => heard()?.state === state);
      expect(() => scene.runtime.edit(addEdge('a.out -> b.in'))).to.throw("no node 'a'");
      expect(nodeOf('a')).to.equal(undefined);
      expect(JSON.parse(scene.runtime.graphSource()).processes).to.have.keys('b');
    }
    finish();
    await until(() => heard() === undefined && scene.coordinator.isIdle);
    await scene.network.start(repeat, 'a');
    await until(() => nodeOf('a')?.state === 'foreign');
  });

  it('renames a role that we run, and what waits for it follows', async () => {
    scene = await Scene.open('a(Repeat) OUT -> IN b(Keep)');
    await scene.complete();
    scene.runtime.setStarted(false);
    await until(() => scene.coordinator.report().nodes.every(({ participants }) => participants === 0));
    await scene.network.send('b.IN', 'waiting');
    scene.runtime.edit({ do: 'rename-node', from: asRole('b'), to: asRole('c') });
    scene.runtime.setStarted(true);
    await until(() => scene.kept.length > 0);
    expect(scene.kept).to.deep.equal(['waiting']);
    expect(scene.runtime.graph().edges[0]?.to.role).to.equal('c');
  });

  it('begins an empty graph that is not started when it is cleared', async () => {
    scene = await Scene.open('INPORT=a.IN:GO\na(Repeat) OUT -> IN b(Repeat)', { file: 'main.fbp' });
    await scene.complete();
    const by = {};
    scene.told.length = 0;
    scene.runtime.clear({ id: 'main', isMain: false, description: 'anew' }, by);
    expect(scene.told.map(({ kind }) => kind)).to.deep.equal(['stopped', 'cleared', 'ports']);
    for (const event of scene.told.slice(0, 2)) expect(event).to.have.property('by', by);
    expect(scene.runtime.graph()).to.deep.include({ name: 'main', nodes: [], properties: { description: 'anew' } });
    expect(await scene.runtime.status()).to.deep.include({ started: false, running: false, uptimeSeconds: 0 });
    expect(scene.store.live).to.deep.equal({ graph: scene.runtime.graph(), graphId: 'main', isStarted: false });
    await until(() => scene.coordinator.report().nodes.every(({ participants }) => participants === 0));
  });

  it('begins a graph of another name only as the main one, where the graph is of a file', async () => {
    scene = await Scene.open('a(Repeat) OUT -> IN b(Repeat)', {
      file: 'main.fbp',
      files: { 'package.json': '{"msgflo":{"namespace":"ours"}}' },
    });
    expect(scene.runtime.graphId).to.equal('ours/main');
    expect(() => scene.runtime.clear({ id: 'other', isMain: false })).to.throw(
      "this runtime runs the graph 'ours/main' of main.fbp; a graph 'other' takes its place only as the main one (main: true)",
    );
    expect(roles()).to.deep.equal(['a', 'b']);
    scene.runtime.clear({ id: 'ours/other', isMain: true });
    expect(scene.runtime.graph().name).to.equal('other');
    expect(scene.runtime.graphId).to.equal('ours/other');
  });

  it('begins any graph where there is no file', async () => {
    scene = await Scene.open('');
    scene.runtime.clear({ id: 'default/other', isMain: false });
    expect(scene.runtime).to.deep.include({ graphId: 'default/other' });
    expect(scene.runtime.graph().name).to.equal('default/other');
  });

  it('starts and stops once, tells it, and keeps it', async () => {
    scene = await Scene.open('a(Repeat) OUT -> IN b(Repeat)');
    await scene.complete();
    scene.told.length = 0;
    scene.runtime.setStarted(false);
    scene.runtime.setStarted(false);
    expect(scene.store.live.isStarted).to.equal(false);
    await until(() => scene.coordinator.report().nodes.every(({ participants }) => participants === 0));
    scene.runtime.setStarted(true);
    const told = scene.told.filter(({ kind }) => kind === 'started' || kind === 'stopped');
    expect(told.map(({ kind }) => kind)).to.deep.equal(['stopped', 'started']);
    expect(told[0]).to.have.property('uptimeSeconds').above(0);
    await scene.complete();
    expect(await scene.runtime.status()).to.include({ started: true, debug: false });
  });

  it('takes over what others write into the file', async () => {
    scene = await Scene.open('a(Repeat) OUT -> IN b(Repeat)');
    const graph = graphOf('a(Repeat) OUT -> IN b(Repeat) OUT -> IN c(Repeat:instances=0)');
    const edits = [addNode('c', 'Repeat'), addEdge('b.out -> c.in')];
    scene.store.editOutside({ graph, edits });
    expect(scene.told).to.deep.equal([{ kind: 'edited', changes: edits }]);
    expect(scene.coordinator.graph).to.equal(graph);
    expect(scene.store.live.graph).to.equal(graph);
    expect(nodeOf('c')?.why).to.contain("'instances' is a whole number");
    scene.store.fail('main.fbp cannot be read');
    expect(scene.ofKind('error')).to.deep.equal([{ kind: 'error', message: 'main.fbp cannot be read' }]);
  });

  it('lets those exported ports be known anew that an edit touches', async () => {
    scene = await Scene.open('a(Repeat) OUT -> IN b(Repeat)');
    const port = { name: asPortName('go'), target: { role: asRole('a'), port: asPortName('in') } };
    scene.runtime.edit({ do: 'add-port', side: 'inport', port });
    scene.runtime.edit(addNode('c', 'Repeat'));
    expect(scene.told.map(({ kind }) => kind)).to.deep.equal(['edited', 'ports', 'edited']);
    scene.runtime.edit({ do: 'remove-node', role: asRole('a') });
    expect(scene.told.map(({ kind }) => kind).slice(3)).to.deep.equal(['edited', 'ports']);
  });
});
