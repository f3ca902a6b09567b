import { expect } from 'chai';
import type { Edit } from '../../src/graph/index.js';
import { asPortName, asRole } from '../../src/names.js';
import type { NewGraph } from '../../src/protocol/index.js';
import { fakeNetwork, names, type Told } from './fake-network.js';
import { openAnother, openSession, type TestClient } from './session.js';

const graph = 'main';
const src = { node: 'read', port: 'out' };
const tgt = { node: 'count', port: 'in' };

/** What it is answered with, and what comes before the answer, without the graph's name. */
type Case = readonly [name: string, payload: object, answer: object, before?: readonly (readonly [string, object])[]];

const cases: readonly Case[] = [
  [
    'addnode',
    { id: 'demo/Repeat_x2', component: 'core/Repeat', metadata: { x: 3, label: 'again' } },
    { id: 'demo/Repeat_x2', component: 'core/Repeat', metadata: { x: 3, label: 'again' } },
  ],
  ['addnode', { id: 'c', component: '' }, { id: 'c', component: '', metadata: {} }],
  [
    'removenode',
    { id: 'read' },
    { id: 'read' },
    [
      ['removeedge', { src, tgt }],
      ['removeinport', { public: 'path' }],
    ],
  ],
  ['renamenode', { from: 'read', to: 'load' }, { from: 'read', to: 'load' }],
  ['changenode', { id: 'count', metadata: { sort: 1 } }, { id: 'count', metadata: { sort: 1 } }],
  [
    'addedge',
    { src: { ...src, index: 2 }, tgt: { ...tgt, index: '0' }, metadata: { route: 5 } },
    { src: { ...src, index: 2 }, tgt: { ...tgt, index: 0 }, metadata: { route: 5 } },
  ],
  [
    'addedge',
    { src: { node: 'read', port: 'ERROR', index: null }, tgt },
    { src: { node: 'read', port: 'error' }, tgt, metadata: {} },
  ],
  ['removeedge', { src, tgt }, { src, tgt }],
  ['changeedge', { src, tgt, metadata: { route: 1 } }, { src, tgt, metadata: { route: 1 } }],
  ['changeedge', { src, tgt }, { src, tgt, metadata: {} }],
  ['addinitial', { src: { data: null }, tgt }, { src: { data: null }, tgt, metadata: {} }],
  [
    'addinitial',
    { src: { data: [false] }, tgt, metadata: { secure: true } },
    { src: { data: [false] }, tgt, metadata: { secure: true } },
  ],
  ['addinport', { public: 'more', node: 'count', port: 'in' }, { public: 'more', node: 'count', port: 'in' }],
  [
    'addinport',
    { public: 'More', node: 'count', port: 'IN', metadata: { x: 1 } },
    { public: 'more', node: 'count', port: 'in', metadata: { x: 1 } },
  ],
  ['removeinport', { public: 'path' }, { public: 'path' }],
  ['renameinport', { from: 'path', to: 'file' }, { from: 'path', to: 'file' }],
  ['addoutport', { public: 'done', node: 'read', port: 'out' }, { public: 'done', node: 'read', port: 'out' }],
  ['removeoutport', { public: 'failed' }, { public: 'failed' }],
  ['renameoutport', { from: 'failed', to: 'broken' }, { from: 'failed', to: 'broken' }],
  [
    'addgroup',
    { name: 'io', nodes: ['read'], metadata: { description: 'files' } },
    { name: 'io', nodes: ['read'], metadata: { description: 'files' } },
  ],
];

describe('protocol graph', () => {
  describe('answers with what came of', () => {
    for (const [name, payload, answer, before = []] of cases) {
      it(`${name} ${JSON.stringify(payload).slice(0, 70)}`, async () => {
        const answers = await editor().ask(`graph:${name}`, { ...payload, graph }, { requestId: 'r' });
        const last = answers.at(-1);
        expect(last).to.deep.equal({
          protocol: 'graph',
          command: name,
          payload: { ...answer, graph },
          responseTo: 'r',
        });
        const told = before.map(([command, fields]) => ({
          protocol: 'graph',
          command,
          payload: { ...fields, graph },
        }));
        for (const message of told) expect(answers).to.deep.include(message);
        for (const earlier of answers.slice(0, -1)) expect(earlier).not.to.have.property('responseTo');
      });
    }

    it('removeinitial, with the data that were removed', async () => {
      const client = editor();
      await client.ask('graph:addinitial', { src: { data: { a: 1 } }, tgt, graph });
      await client.ask('graph:addinitial', { src: { data: 'later' }, tgt, graph });
      const [first] = await client.ask('graph:removeinitial', { src: { data: { a: 1 } }, tgt, graph });
      const [second] = await client.ask('graph:removeinitial', { tgt, graph });
      expect(first?.payload).to.deep.equal({ src: { data: { a: 1 } }, tgt, graph });
      expect(second?.payload).to.deep.equal({ src: { data: 'later' }, tgt, graph });
    });

    it('groups that are renamed, changed and removed', async () => {
      const client = editor();
      await client.ask('graph:addgroup', { name: 'io', nodes: [], graph });
      const answers = [
        await client.ask('graph:renamegroup', { from: 'io', to: 'files', graph }),
        await client.ask('graph:changegroup', { name: 'files', metadata: { description: 'read' }, graph }),
        await client.ask('graph:removegroup', { name: 'files', graph }),
      ].flat();
      expect(answers.map(({ payload }) => payload)).to.deep.equal([
        { from: 'io', to: 'files', graph },
        { name: 'files', metadata: { description: 'read' }, graph },
        { name: 'files', graph },
      ]);
    });
  });

  it('lays new metadata over what there is, and takes away what is null', async () => {
    const client = editor();
    const change = async (metadata: object): Promise<unknown> => {
      const [answer] = await client.ask('graph:changenode', { id: 'count', metadata, graph });
      return answer?.payload['metadata'];
    };
    expect(await change({ sort: 1 })).to.deep.equal({ sort: 1 });
    expect(await change({ tag: 'a' })).to.deep.equal({ sort: 1, tag: 'a' });
    expect(await change({})).to.deep.equal({ sort: 1, tag: 'a' });
    expect(await change({ sort: null, tag: null })).to.deep.equal({});
  });

  it('tells metadata as the protocol types them, whatever a graph file says', async () => {
    const network = fakeNetwork();
    const client = openSession(network);
    const metadata = { x: 1.6, y: 'left', label: 1.6 };
    const [node] = await client.ask('graph:changenode', { id: 'read', metadata, graph });
    expect(node?.payload['metadata']).to.deep.equal({ x: 2, label: 1.6 });
    const [edge] = await client.ask('graph:changeedge', {
      src,
      tgt,
      metadata: { route: true, schema: 'no address', secure: 'yes', kept: null, other: [] },
      graph,
    });
    expect(edge?.payload['metadata']).to.deep.equal({ other: [] });
  });

  it('passes on the edit that was asked for, its ports as the graph spells them', async () => {
    const edits: Edit[] = [];
    const base = fakeNetwork();
    const caseSensitive = { ...base.graph(), caseSensitive: true };
    const edit = (one: Edit): readonly Edit[] => {
      edits.push(one);
      return [one];
    };
    const payload = { src: { node: 'a', port: 'Out' }, tgt: { node: 'b', port: 'In' }, graph };
    await openSession(fakeNetwork({ edit })).ask('graph:addedge', payload);
    await openSession(fakeNetwork({ edit, graph: () => caseSensitive })).ask('graph:addedge', payload);
    const edge = (from: string, to: string): Edit => ({
      do: 'add-edge',
      edge: {
        from: { role: asRole('a'), port: asPortName(from) },
        to: { role: asRole('b'), port: asPortName(to) },
      },
    });
    expect(edits).to.deep.equal([edge('out', 'in'), edge('Out', 'In')]);
  });

  it('answers with what was asked for where the network has nothing to tell of it', async () => {
    const network = fakeNetwork({ edit: () => [{ do: 'change-graph', head: fakeNetwork().graph() }] });
    const answers = await openSession(network).ask('graph:removenode', { id: 'read', graph });
    expect(answers.map(({ payload }) => payload)).to.deep.equal([{ id: 'read', graph }]);
  });

  describe('clear', () => {
    it('begins another graph, and answers with the fields it knows of those that were sent', async () => {
      const asked: NewGraph[] = [];
      const client = openSession(fakeNetwork({ clear: (graph) => asked.push(graph) }));
      const known = { id: 'foo', main: true, name: 'Foo', library: 'files', icon: 'cog', description: 'all of it' };
      const [answer] = await client.ask('graph:clear', { ...known, baseDir: '/srv', secret: 's' }, { secret: 's' });
      const [short] = await client.ask('graph:clear', { id: 'bar', name: null, icon: null });
      expect(answer?.payload).to.deep.equal(known);
      expect(short?.payload).to.deep.equal({ id: 'bar' });
      expect(asked).to.deep.equal([
        { id: 'foo', isMain: true, library: 'files', icon: 'cog', description: 'all of it' },
        { id: 'bar', isMain: false },
      ]);
    });

    it('is followed by edits of the new graph, while the old one is not found', async () => {
      const client = editor();
      await client.ask('graph:clear', { id: 'foo', main: true });
      const answers = [
        await client.ask('graph:addnode', { id: 'a', component: 'A', graph: 'foo' }),
        await client.ask('graph:addnode', { id: 'b', component: 'A', graph }),
      ].flat();
      expect(names(answers)).to.deep.equal(['graph:addnode', 'graph:error']);
    });
  });

  describe('refuses, with the graph as it was,', () => {
    for (const [what, name, payload, message] of [
      ['no graph', 'addnode', { id: 'a', component: 'A' }, 'No graph specified'],
      ['no graph, whatever else is wrong', 'addedge', {}, 'No graph specified'],
      ['a graph there is not', 'addnode', { id: 'a', component: 'A', graph: 'other' }, 'Requested graph not found'],
      ['no id', 'addnode', { component: 'A', graph }, "payload must have required property 'id'"],
      ['an id that is no text', 'removenode', { id: 7, graph }, 'id must be string'],
      ['an empty id', 'addnode', { id: '', component: 'A', graph }, 'id must NOT have fewer than 1 characters'],
      [
        'a name beyond all sense',
        'addnode',
        { id: 'x'.repeat(1001), component: 'A', graph },
        'id must NOT have more than 1000 characters',
      ],
      ['no component', 'addnode', { id: 'a', graph }, "payload must have required property 'component'"],
      [
        'metadata that are a list',
        'addnode',
        { id: 'a', component: 'A', metadata: [1], graph },
        'metadata must be object',
      ],
      ['metadata that are null', 'changenode', { id: 'read', metadata: null, graph }, 'metadata must be object'],
      ['no source of an edge', 'addedge', { tgt, graph }, "payload must have required property 'src'"],
      ['null as source of an edge', 'removeedge', { src: null, tgt, graph }, 'src must be object'],
      ['no target of an edge', 'changeedge', { src, graph }, "payload must have required property 'tgt'"],
      ['null as target of an IIP', 'addinitial', { src: { data: 1 }, tgt: null, graph }, 'tgt must be object'],
      ['an IIP without data', 'addinitial', { src: {}, tgt, graph }, "src must have required property 'data'"],
      ['no target of an IIP', 'removeinitial', { graph }, "payload must have required property 'tgt'"],
      [
        'an end without a port',
        'addedge',
        { src: { node: 'a' }, tgt, graph },
        "src must have required property 'port'",
      ],
      [
        'an index that is none',
        'addedge',
        { src: { ...src, index: 'x' }, tgt, graph },
        'the index of a port must be a whole number',
      ],
      [
        'half an index',
        'addedge',
        { src, tgt: { ...tgt, index: 0.5 }, graph },
        'the index of a port must be a whole number',
      ],
      [
        'an index before the first',
        'addedge',
        { src, tgt: { ...tgt, index: -1 }, graph },
        'the index of a port must be a whole number',
      ],
      ['nodes of a group that are no list', 'addgroup', { name: 'g', nodes: 'read', graph }, 'nodes must be array'],
      ['a node of a group that is no text', 'addgroup', { name: 'g', nodes: [1], graph }, 'nodes.0 must be string'],
      ['a group without a name', 'removegroup', { graph }, "payload must have required property 'name'"],
      [
        'a port without a node',
        'addinport',
        { public: 'p', port: 'in', graph },
        "payload must have required property 'node'",
      ],
      ['no new name', 'renameoutport', { from: 'failed', graph }, "payload must have required property 'to'"],
      ['a clear without an id', 'clear', { main: true }, "payload must have required property 'id'"],
      ['a main that is no yes or no', 'clear', { id: 'a', main: 'yes' }, 'main must be boolean'],
    ] as const) {
      it(what, async () => {
        const network = fakeNetwork();
        const before = network.graph();
        const [answer] = await openSession(network).ask(`graph:${name}`, payload);
        expect(answer).to.deep.equal({ protocol: 'graph', command: 'error', payload: { message } });
        expect(network.graph()).to.equal(before);
      });
    }

    it('what the network refuses, in its words, to the one who asked only', async () => {
      const [asking, other] = await twoEditors();
      const [answer] = await asking.ask('graph:removenode', { id: 'nobody', graph });
      expect(answer?.command).to.equal('error');
      expect(answer?.payload['message']).to.contain("no node 'nobody'");
      expect(asking.protocol.counts).to.include({ refused: 1, failed: 0 });
      expect(other.told).to.deep.equal([]);
    });
  });

  describe('tells the other clients', () => {
    it('of each change, in the name that the runtime gives the graph, and not the one who made it', async () => {
      const network = fakeNetwork({ namespace: 'files' });
      const [asking, other] = await twoEditors(network);
      const answers = await asking.ask('graph:removenode', { id: 'count', graph: 'main' });
      expect(answers.map(({ payload }) => payload)).to.deep.equal([
        { src, tgt, graph: 'main' },
        { id: 'count', graph: 'main' },
      ]);
      expect(other.told).to.deep.equal([
        { protocol: 'graph', command: 'removeedge', payload: { src, tgt, graph: 'files/main' } },
        { protocol: 'graph', command: 'removenode', payload: { id: 'count', graph: 'files/main' } },
      ]);
    });

    it('of a new graph, and of what somebody else did to the one there is', async () => {
      const network = fakeNetwork();
      const [asking, other] = await twoEditors(network);
      await asking.ask('graph:clear', { id: 'foo', main: true, name: 'Foo graph' });
      network.emit({ kind: 'edited', changes: [{ do: 'remove-group', name: 'g' }] });
      network.emit({ kind: 'edited', changes: [{ do: 'change-graph', head: network.graph() }] });
      const clear = { protocol: 'graph', command: 'clear', payload: { id: 'foo', main: true, name: 'foo' } };
      const removed = { protocol: 'graph', command: 'removegroup', payload: { name: 'g', graph: 'foo' } };
      expect(other.told.filter(isOfGraph)).to.deep.equal([clear, removed]);
      expect(names(asking.told.filter(isOfGraph))).to.deep.equal(['graph:clear', 'graph:removegroup']);
    });
  });
});

const isOfGraph = ({ protocol }: Told): boolean => protocol === 'graph';

function editor(): TestClient {
  return openSession();
}

/** Two that have introduced themselves, with nothing told since. */
async function twoEditors(network = fakeNetwork()): Promise<[TestClient, TestClient]> {
  const one = openSession(network);
  const clients: [TestClient, TestClient] = [one, openAnother(one.protocol)];
  for (const client of clients) {
    await client.ask('runtime:getruntime');
    client.told.length = 0;
  }
  return clients;
}
