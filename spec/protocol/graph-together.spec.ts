import { expect } from 'chai';
import fc from 'fast-check';
import { applyEdit, type Edit, edgeKey, emptyGraph, type Graph, type Metadata } from '../../src/graph/index.js';
import { EDIT_REQUESTS } from '../../src/protocol/edit-requests.js';
import { createPayloadCheck } from '../../src/protocol/payload-check.js';
import { fakeNetwork, type Told } from './fake-network.js';
import { openAnother, openSession, type TestClient } from './session.js';

const check = createPayloadCheck();

/** What a client makes of all it was told: a graph of its own. */
function graphOf(told: readonly Told[], initial: Graph): Graph {
  return told.reduce((graph, { protocol, command, payload }) => {
    if (protocol !== 'graph' || command === 'error') return graph;
    if (command === 'clear') return emptyGraph(String(payload['id']));
    const request = EDIT_REQUESTS[command];
    if (!request) throw new Error(`no client knows graph:${command}`);
    return applyEdit(graph, asTold(request(payload, check, graph), graph)).graph;
  }, initial);
}

/** Metadata that are told are all there are. Asked for, the same would be laid over those there were. */
function asTold(edit: Edit, { nodes, edges, groups }: Graph): Edit {
  if (edit.do === 'change-node')
    return replacing(
      edit,
      nodes.find(({ role }) => role === edit.role),
    );
  if (edit.do === 'change-edge')
    return replacing(
      edit,
      edges.find((edge) => edgeKey(edge) === edgeKey(edit)),
    );
  if (edit.do === 'change-group')
    return replacing(
      edit,
      groups.find((group) => group.name === edit.name),
    );
  return edit;
}

function replacing<E extends { readonly metadata: Metadata }>(edit: E, before?: { readonly metadata?: Metadata }): E {
  const gone = Object.fromEntries(Object.keys(before?.metadata ?? {}).map((key) => [key, null]));
  return { ...edit, metadata: { ...gone, ...edit.metadata } };
}

const node = fc.constantFrom('read', 'count', 'a', 'b');
const port = fc.constantFrom('in', 'OUT', 'x');
const name = fc.constantFrom('g', 'h');
const end = fc.record({ node, port, index: fc.constantFrom(0, 1) }, { requiredKeys: ['node', 'port'] });
const metadata = fc.dictionary(fc.constantFrom('x', 'y', 'label', 'route'), fc.oneof(fc.integer(), fc.constant(null)));
const data = fc.oneof(fc.integer({ min: 0, max: 3 }), fc.constant(null), fc.constant({ a: [] }));
const iip = fc.record({ data });
const exported = fc.record({ public: name, node, port });

const payloads: Readonly<Record<string, fc.Arbitrary<object>>> = {
  addnode: fc.record({ id: node, component: fc.constantFrom('A', 'files/Read'), metadata }),
  removenode: fc.record({ id: node }),
  renamenode: fc.record({ from: node, to: node }),
  changenode: fc.record({ id: node, metadata }),
  addedge: fc.record({ src: end, tgt: end, metadata }),
  removeedge: fc.record({ src: end, tgt: end }),
  changeedge: fc.record({ src: end, tgt: end, metadata }),
  addinitial: fc.record({ src: iip, tgt: end, metadata }),
  removeinitial: fc.record({ src: iip, tgt: end }, { requiredKeys: ['tgt'] }),
  addinport: exported,
  removeinport: fc.record({ public: name }),
  renameinport: fc.record({ from: name, to: name }),
  addoutport: exported,
  removeoutport: fc.record({ public: name }),
  renameoutport: fc.record({ from: name, to: name }),
  addgroup: fc.record({ name, nodes: fc.array(node, { maxLength: 2 }), metadata }),
  removegroup: fc.record({ name }),
  renamegroup: fc.record({ from: name, to: name }),
  changegroup: fc.record({ name, metadata }),
};

type Step = readonly [request: string, payload: object];

const edit: fc.Arbitrary<Step> = fc
  .constantFrom(...Object.entries(payloads))
  .chain(([command, payload]) => payload.map((fields): Step => [`graph:${command}`, { ...fields, graph: 'main' }]));
/** A request whose answer takes its time, and a new graph that takes the place of all that was done. */
const other: fc.Arbitrary<Step> = fc.constantFrom<Step>(
  ['component:getsource', { name: 'main' }],
  ['network:getstatus', { graph: 'main' }],
  ['graph:clear', { id: 'main', main: true }],
);
const step = fc.oneof({ weight: 20, arbitrary: edit }, { weight: 1, arbitrary: other });
/** Who does it, and whether something else gets a turn before the next. */
const script = fc.array(fc.tuple(step, fc.boolean(), fc.boolean()), { minLength: 1, maxLength: 60 });

describe('protocol graph, edited by two at once', () => {
  it('is the same for both as it is for the network, whatever they do', async () => {
    await fc.assert(
      fc.asyncProperty(script, async (steps) => {
        const network = fakeNetwork();
        const initial = network.graph();
        const first = openSession(network);
        const clients: [TestClient, TestClient] = [first, openAnother(first.protocol)];
        for (const client of clients) await client.ask('runtime:getruntime');
        const answered: Promise<unknown>[] = [];
        for (const [[request, payload], isFirst, isPause] of steps) {
          answered.push(clients[isFirst ? 0 : 1].ask(request, payload));
          if (isPause) await new Promise((resolve) => setImmediate(resolve));
        }
        await Promise.all(answered);
        for (const { told } of clients) expect(graphOf(told, initial)).to.deep.equal(network.graph());
      }),
      { numRuns: 300 },
    );
  }).timeout(60_000);

  it('has everything in its source that its reader was told before', async () => {
    let release = (): void => {};
    const network = fakeNetwork();
    const made: string[] = [];
    network.graphSource = async () => {
      const text = JSON.stringify({
        processes: Object.fromEntries(network.graph().nodes.map(({ role }) => [role, {}])),
      });
      made.push(text);
      await new Promise<void>((resolve) => {
        release = resolve;
      });
      return text;
    };
    const reader = openSession(network);
    const editor = openAnother(reader.protocol);
    await reader.ask('runtime:getruntime');
    const source = reader.ask('component:getsource', { name: 'main' });
    while (made.length < 1) await new Promise((resolve) => setImmediate(resolve));
    await editor.ask('graph:addnode', { id: 'late', component: 'A', graph: 'main' });
    release();
    while (made.length < 2) await new Promise((resolve) => setImmediate(resolve));
    release();
    const answer = (await source).at(-1);
    expect(answer?.command).to.equal('source');
    expect(answer?.payload['code']).to.contain('late');
    expect(reader.told.map(({ command }) => command)).to.deep.equal(['runtime', 'ports', 'addnode', 'source']);
  });
});
