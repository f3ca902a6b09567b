import { expect } from 'chai';
import fc from 'fast-check';
import {
  applyEdit,
  diffGraphs,
  type EdgeEnd,
  type Edit,
  EditRefusedError,
  emptyGraph,
  type Graph,
  isEmptyDiff,
  type Metadata,
  readFbp,
  sameGraph,
  validateGraph,
} from '../../src/graph/index.js';
import { asPortName, asRole } from '../../src/names.js';
import { anyEdit, edited, grownGraph, someEdits } from './arbitrary-edits.js';

const read = (text: string): Graph => readFbp(text, { path: 'x.fbp' }).graph;
const end = (role: string, port: string, index?: number): EdgeEnd => ({
  role: asRole(role),
  port: asPortName(port),
  ...(index !== undefined && { index }),
});
const ends = (from: string, to: string) => {
  const [fromRole = '', fromPort = ''] = from.split('.');
  const [toRole = '', toPort = ''] = to.split('.');
  return { from: end(fromRole, fromPort), to: end(toRole, toPort) };
};
const addEdge = (from: string, to: string): Edit => ({ do: 'add-edge', edge: ends(from, to) });

function expectSame(actual: Graph, expected: Graph): void {
  const diff = diffGraphs(expected, actual);
  if (!isEmptyDiff(diff)) expect.fail(JSON.stringify(diff));
}

/** What a client that keeps a graph of its own does with what it is told: told metadata are all there are. */
function follow(graph: Graph, told: Edit): Graph {
  if (!('metadata' in told)) return applyEdit(graph, told).graph;
  const emptied = Object.fromEntries(keysOf(graph).map((key) => [key, null]));
  return applyEdit(graph, { ...told, metadata: { ...emptied, ...told.metadata } }).graph;
}

const keysOf = ({ nodes, edges, groups }: Graph): string[] =>
  [...nodes, ...edges, ...groups].flatMap(({ metadata = {} }: { readonly metadata?: Metadata }) =>
    Object.keys(metadata),
  );

describe('applyEdit', () => {
  it('leaves nothing to say against a graph, whatever edits came', () => {
    fc.assert(
      fc.property(grownGraph, someEdits(10), (graph, edits) => {
        expect(validateGraph(graph)).to.deep.equal([]);
        expect(validateGraph(edited(graph, edits))).to.deep.equal([]);
      }),
      { numRuns: 500 },
    );
  });

  it('refuses a circle where there would be one, and nowhere else', () => {
    fc.assert(
      fc.property(grownGraph, someEdits(10), (graph, edits) => {
        for (const edit of edits) {
          if (edit.do !== 'add-edge') continue;
          const problems = validateGraph({ ...graph, edges: [...graph.edges, edit.edge] });
          const isRefused = /form a cycle/.test(refusalOf(graph, edit) ?? '');
          expect(isRefused).to.equal(problems.length > 0 && problems.every(({ kind }) => kind === 'cycle'));
        }
      }),
      { numRuns: 500 },
    );
  });

  it('tells what leads others to the same graph', () => {
    fc.assert(
      fc.property(grownGraph, someEdits(10), (graph, edits) => {
        let [ours, theirs] = [graph, graph];
        for (const edit of edits) {
          const { graph: after, changes } = attempt(ours, edit);
          ours = after;
          theirs = changes.reduce(follow, theirs);
          expectSame(theirs, ours);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('never touches the graph it was given, and gives it back where nothing changes', () => {
    fc.assert(
      fc.property(grownGraph, anyEdit, (graph, edit) => {
        const before = JSON.stringify(graph);
        const { graph: after } = attempt(graph, edit);
        expect(JSON.stringify(graph)).to.equal(before);
        if (edit.do.startsWith('change') && sameGraph(after, graph)) expect(after).to.equal(graph);
      }),
      { numRuns: 500 },
    );
  });

  it('tells of what goes with a node before the node', () => {
    const graph = read(`INPORT=b.IN:FILE
      OUTPORT=b.OUT:RESULT
      a(A) OUT -> IN b(B) OUT -> IN a, '1' -> IN b, '2' -> IN b
# @group {"name":"both","nodes":["a","b"]}
# @group {"name":"only","nodes":["b"]}`);
    const { graph: after, changes } = applyEdit(graph, { do: 'remove-node', role: asRole('b') });
    expectSame(after, read('a(A)\n# @group {"name":"both","nodes":["a"]}'));
    expect(changes).to.deep.equal([
      { do: 'remove-edge', ...ends('a.out', 'b.in') },
      { do: 'remove-edge', ...ends('b.out', 'a.in') },
      { do: 'remove-iip', to: end('b', 'in'), data: '1' },
      { do: 'remove-iip', to: end('b', 'in'), data: '2' },
      { do: 'remove-port', side: 'inport', name: 'file' },
      { do: 'remove-port', side: 'outport', name: 'result' },
      { do: 'remove-group', name: 'only' },
      { do: 'remove-node', role: 'b' },
    ]);
  });

  it('renames a node wherever it stands and shares what does not name it', () => {
    const text = `INPORT=b.IN:FILE
      a(A) OUT -> IN b(B) OUT -> IN b, a ERR -> IN c(C), '1' -> IN b
# @group {"name":"g","nodes":["a","b"]}`;
    const graph = read(text);
    const { graph: after, changes } = applyEdit(graph, { do: 'rename-node', from: asRole('b'), to: asRole('z') });
    expectSame(after, read(text.replaceAll(/\bb\b/g, 'z')));
    expect(changes).to.deep.equal([{ do: 'rename-node', from: 'b', to: 'z' }]);
    expect(after.nodes[0]).to.equal(graph.nodes[0]);
    expect(after.edges[2]).to.equal(graph.edges[2]);
  });

  it('lays metadata over those there are, null takes a key away, and all of them are told', () => {
    const graph = read('a(A:x=1,l=old) OUT -> IN b(B)');
    const change = (metadata: Metadata) => applyEdit(graph, { do: 'change-node', role: asRole('a'), metadata });
    const told = (metadata: Metadata): Edit[] => [{ do: 'change-node', role: asRole('a'), metadata }];
    expect(change({ y: 2, l: null }).changes).to.deep.equal(told({ x: 1, y: 2 }));
    expect(change({ y: 2, l: null }).graph.nodes[0]?.metadata).to.deep.equal({ x: 1, y: 2 });
    const bare = change({ x: null, l: null });
    expect(bare.changes).to.deep.equal(told({}));
    expect(bare.graph.nodes[0]).not.to.have.property('metadata');
    expect(change({}).changes).to.deep.equal(told({ x: 1, l: 'old' }));
    const edge = applyEdit(graph, { do: 'change-edge', ...ends('a.out', 'b.in'), metadata: { route: 3 } });
    expect(edge.changes).to.deep.equal([{ do: 'change-edge', ...ends('a.out', 'b.in'), metadata: { route: 3 } }]);
  });

  it('removes the latest IIP of a port, or the one with the data', () => {
    const graph = read("a(A), '1' -> IN a, '2' -> IN a, '1' -> IN a, '9' -> OTHER a");
    const left = (data?: string): unknown[] =>
      applyEdit(graph, { do: 'remove-iip', to: end('a', 'in'), data }).graph.iips.map((iip) => iip.data);
    expect(left()).to.deep.equal(['1', '2', '9']);
    expect(left('2')).to.deep.equal(['1', '1', '9']);
    expect(left('1')).to.deep.equal(['1', '2', '9']);
    expect(applyEdit(graph, { do: 'remove-iip', to: end('a', 'in') }).changes).to.deep.equal([
      { do: 'remove-iip', to: end('a', 'in'), data: '1' },
    ]);
  });

  it('takes ends without index for those with one, unless the graph has them as they are', () => {
    const graph = read('a(A) OUT -> IN[0] b(B), a OUT -> IN[1] b, a OUT -> IN c(C), a OUT[2] -> IN c');
    const told = (from: string, to: string) => applyEdit(graph, { do: 'remove-edge', ...ends(from, to) }).changes[0];
    expect(told('a.out', 'b.in')).to.deep.include({ to: end('b', 'in', 1) });
    expect(told('a.out', 'c.in')).to.deep.equal({ do: 'remove-edge', ...ends('a.out', 'c.in') });
    const asked: Edit = { do: 'remove-edge', from: end('a', 'out'), to: end('b', 'in', 7) };
    expect(() => applyEdit(graph, asked)).to.throw(EditRefusedError, 'remove edge a.out -> b.in[7]');
  });

  it('takes the null among new metadata for nothing', () => {
    const node = { role: asRole('a'), component: '', metadata: { x: null } };
    expect(applyEdit(emptyGraph('g'), { do: 'add-node', node }).changes).to.deep.equal([
      { do: 'add-node', node: { role: 'a', component: '' } },
    ]);
  });

  it('does not take the name for a property of the graph', () => {
    const head = { name: 'new', properties: { name: 'other', limit: 1 }, caseSensitive: true };
    const { graph } = applyEdit(emptyGraph('g'), { do: 'change-graph', head });
    expect(graph).to.deep.equal({ ...emptyGraph('new'), properties: { limit: 1 }, caseSensitive: true });
  });

  it('builds a graph of 1,000 nodes and 2,000 edges in less than a second of processor time', () => {
    const start = process.cpuUsage();
    let graph = emptyGraph('big');
    for (let at = 0; at < 1000; at += 1) {
      const component = at < 300 ? 'msgflo/RoundRobin' : 'C';
      graph = applyEdit(graph, { do: 'add-node', node: { role: asRole(`n${at}`), component } }).graph;
    }
    for (let at = 0; at < 2000; at += 1) {
      const [from, to] = [at % 1000, (at % 1000) + (at < 1000 ? 1 : 10)];
      if (to < 1000) graph = applyEdit(graph, addEdge(`n${from}.out`, `n${to}.in`)).graph;
    }
    expect(graph.edges).to.have.length(1989);
    const { user, system } = process.cpuUsage(start);
    expect((user + system) / 1000).to.be.below(1000);
  });

  const GRAPH = `INPORT=a.IN:FILE
a(A) OUT -> IN b(B), p(msgflo/PubSub) OUT -> IN q(msgflo/RoundRobin), '1' -> IN a
# @group {"name":"g","nodes":["a"]}`;
  const a = asRole('a');
  const [x, file] = [asPortName('x'), asPortName('file')];
  const refused: readonly (readonly [edit: Edit, message: string])[] = [
    [{ do: 'add-node', node: { role: a, component: 'Z' } }, "cannot add node 'a': the graph has a node 'a' already"],
    [
      { do: 'add-node', node: { role: asRole(''), component: 'Z' } },
      "cannot add node '': '' can be no name of a node: it is empty or holds a line break, a tab or another control character",
    ],
    [
      { do: 'rename-node', from: a, to: asRole('two\nlines') },
      "cannot rename node 'a' to 'two\\u000alines': 'two\\u000alines' can be no name of a node: it is empty or holds a line break, a tab or another control character",
    ],
    [
      { do: 'add-node', node: { role: asRole('ü'.repeat(101)), component: 'Z' } },
      `cannot add node '${'ü'.repeat(80)}…': '${'ü'.repeat(80)}…' can be no name of a node: it has more than 200 bytes`,
    ],
    [
      { do: 'rename-node', from: a, to: asRole('\ud83c') },
      "cannot rename node 'a' to '\ud83c': '\ud83c' can be no name of a node: it holds half a character",
    ],
    [
      { do: 'rename-node', from: a, to: asRole('b') },
      "cannot rename node 'a' to 'b': the graph has a node 'b' already",
    ],
    [
      { do: 'rename-node', from: asRole('no'), to: asRole('z') },
      "cannot rename node 'no' to 'z': the graph has no node 'no'",
    ],
    [{ do: 'remove-node', role: asRole('no') }, "cannot remove node 'no': the graph has no node 'no'"],
    [{ do: 'change-node', role: asRole('no'), metadata: {} }, "cannot change node 'no': the graph has no node 'no'"],
    [
      { do: 'remove-node', role: asRole('long'.repeat(1000)) },
      `cannot remove node '${'long'.repeat(20)}…': the graph has no node '${'long'.repeat(20)}…'`,
    ],
    [addEdge('a.out', 'no.in'), "cannot add edge a.out -> no.in: the graph has no node 'no'"],
    [addEdge('no.out', 'a.in'), "cannot add edge no.out -> a.in: the graph has no node 'no'"],
    [addEdge('a.out', 'b.in'), 'cannot add edge a.out -> b.in: the graph has this edge already'],
    [addEdge('a.out', 'b.'), "cannot add edge a.out -> b.: it names no port of node 'b'"],
    [
      { do: 'add-edge', edge: { from: end('a', 'out'), to: end('b', 'in', -1) } },
      'cannot add edge a.out -> b.in[-1]: -1 is no index of a port, which is a whole number from 0',
    ],
    [addEdge('p.err', 'b.in'), "cannot add edge p.err -> b.in: msgflo/PubSub 'p' has no outport 'err'; it has: out"],
    [addEdge('q.out', 'p.in'), 'cannot add edge q.out -> p.in: pass-through nodes form a cycle: q -> p -> q'],
    [addEdge('p.out', 'p.in'), 'cannot add edge p.out -> p.in: pass-through nodes form a cycle: p -> p'],
    [{ do: 'remove-edge', ...ends('b.out', 'a.in') }, 'cannot remove edge b.out -> a.in: the graph has no such edge'],
    [
      { do: 'change-edge', ...ends('b.out', 'a.in'), metadata: {} },
      'cannot change edge b.out -> a.in: the graph has no such edge',
    ],
    [{ do: 'add-iip', iip: { data: 1, to: end('no', 'in') } }, "cannot add IIP for no.in: the graph has no node 'no'"],
    [{ do: 'add-iip', iip: { data: 1, to: end('a', '') } }, "cannot add IIP for a.: it names no port of node 'a'"],
    [{ do: 'add-iip', iip: { data: undefined, to: end('a', 'in') } }, 'cannot add IIP for a.in: it has no data'],
    [{ do: 'remove-iip', to: end('b', 'in') }, 'cannot remove IIP for b.in: the graph has no IIP there'],
    [
      { do: 'remove-iip', to: end('a', 'in'), data: 1 },
      'cannot remove IIP for a.in: the graph has no IIP of these data there',
    ],
    [
      { do: 'add-port', side: 'inport', port: { name: file, target: end('b', 'in') } },
      "cannot add exported inport 'file': the graph exports an inport 'file' already",
    ],
    [
      { do: 'add-port', side: 'outport', port: { name: asPortName(''), target: end('b', 'in') } },
      "cannot add exported outport '': the name is empty",
    ],
    [
      { do: 'add-port', side: 'inport', port: { name: x, target: end('no', 'in') } },
      "cannot add exported inport 'x': the graph has no node 'no'",
    ],
    [
      { do: 'add-port', side: 'inport', port: { name: x, target: end('q', 'out') } },
      "cannot add exported inport 'x': msgflo/RoundRobin 'q' has no inport 'out'; it has: in",
    ],
    [
      { do: 'remove-port', side: 'outport', name: file },
      "cannot remove exported outport 'file': the graph exports no outport 'file'",
    ],
    [
      { do: 'rename-port', side: 'inport', from: x, to: file },
      "cannot rename exported inport 'x' to 'file': the graph exports no inport 'x'",
    ],
    [
      { do: 'rename-port', side: 'inport', from: file, to: file },
      "cannot rename exported inport 'file' to 'file': the graph exports an inport 'file' already",
    ],
    [{ do: 'add-group', group: { name: 'g', roles: [] } }, "cannot add group 'g': the graph has a group 'g' already"],
    [
      { do: 'add-group', group: { name: 'h', roles: [asRole('no')] } },
      "cannot add group 'h': the graph has no node 'no'",
    ],
    [{ do: 'remove-group', name: 'h' }, "cannot remove group 'h': the graph has no group 'h'"],
    [{ do: 'rename-group', from: 'h', to: 'i' }, "cannot rename group 'h' to 'i': the graph has no group 'h'"],
    [{ do: 'rename-group', from: 'g', to: 'g' }, "cannot rename group 'g' to 'g': the graph has a group 'g' already"],
    [{ do: 'change-group', name: 'h', metadata: {} }, "cannot change group 'h': the graph has no group 'h'"],
  ];
  for (const [edit, message] of refused) {
    it(`refuses: ${message}`, () => {
      expect(() => applyEdit(read(GRAPH), edit))
        .to.throw(EditRefusedError)
        .that.includes({ code: 'MSGFLO_EDIT_REFUSED', message, edit });
    });
  }
});

function attempt(graph: Graph, edit: Edit): { readonly graph: Graph; readonly changes: readonly Edit[] } {
  try {
    return applyEdit(graph, edit);
  } catch (error) {
    if (error instanceof EditRefusedError) return { graph, changes: [] };
    throw error;
  }
}

function refusalOf(graph: Graph, edit: Edit): string | undefined {
  try {
    applyEdit(graph, edit);
    return undefined;
  } catch (error) {
    if (error instanceof EditRefusedError) return error.why;
    throw error;
  }
}
