import { expect } from 'chai';
import fc from 'fast-check';
import {
  diffGraphs,
  edgeKey,
  emptyGraph,
  type Graph,
  iipKey,
  isEmptyDiff,
  portKey,
  portNameIn,
  readFbp,
  sameGraph,
} from '../../src/graph/index.js';
import { editsOf, graphOver, jsonAlphabet } from './arbitrary.js';

const read = (text: string): Graph => readFbp(text, { path: 'x.fbp' }).graph;

/** Carries a diff out, in no particular order. */
function applied(before: Graph, after: Graph): Graph {
  const diff = diffGraphs(before, after);
  const apply = <T>(
    items: readonly T[],
    {
      added,
      removed,
      changed,
    }: { added: readonly T[]; removed: readonly T[]; changed: readonly { before: T; after: T }[] },
  ): T[] => {
    const gone = new Set([...removed, ...changed.map((change) => change.before)]);
    return [...changed.map((change) => change.after), ...added, ...items.filter((item) => !gone.has(item))];
  };
  return {
    ...before,
    ...diff.graph?.after,
    nodes: apply(before.nodes, diff.nodes),
    edges: apply(before.edges, diff.edges),
    iips: apply(before.iips, diff.iips),
    inports: apply(before.inports, diff.inports),
    outports: apply(before.outports, diff.outports),
    groups: apply(before.groups, diff.groups),
  };
}

describe('diffGraphs', () => {
  it('is empty for equal graphs, whatever their order, and empty metadata say nothing', () => {
    const graph = read("a(A:x=1) OUT -> IN b(B)\n'x' -> IN a");
    const same = {
      ...graph,
      nodes: [...graph.nodes].reverse(),
      edges: graph.edges.map((edge) => ({ ...edge, metadata: {} })),
    };
    expect(isEmptyDiff(diffGraphs(graph, same))).to.equal(true);
    expect(sameGraph(graph, same)).to.equal(true);
  });

  it('tells what was added, removed and changed', () => {
    const diff = diffGraphs(
      read('INPORT=a.IN:X\na(A), b(B) OUT -> IN a, \'1\' -> IN a\n# @group {"name":"g","nodes":[]}\n'),
      read(
        '# @name y\nINPORT=a.OTHER:X\na(Z), c(C) OUT -> IN a, \'2\' -> IN a\n# @edge {"src":{"process":"c","port":"out"},"tgt":{"process":"a","port":"in"},"metadata":{"r":1}}\n',
      ),
    );
    expect(diff.graph?.after.name).to.equal('y');
    expect(diff.nodes.changed.map(({ before, after }) => [before.component, after.component])).to.deep.equal([
      ['A', 'Z'],
    ]);
    expect([diff.nodes.added[0]?.role, diff.nodes.removed[0]?.role]).to.deep.equal(['c', 'b']);
    expect([diff.edges.added[0]?.metadata, diff.edges.removed[0]?.from.role]).to.deep.equal([{ r: 1 }, 'b']);
    expect([diff.iips.added[0]?.data, diff.iips.removed[0]?.data]).to.deep.equal(['2', '1']);
    expect(diff.inports.changed[0]?.after.target.port).to.equal('other');
    expect(diff.groups.removed[0]?.name).to.equal('g');
  });

  it('counts equal IIPs', () => {
    const { iips } = diffGraphs(read("a(A), '1' -> IN a"), read("a(A), '1' -> IN a, '1' -> IN a"));
    expect(iips).to.deep.include({ removed: [], changed: [] });
    expect(iips.added).to.have.length(1);
  });

  it('holds everything that is needed to get from one graph to the other', () => {
    const pair = graphOver(jsonAlphabet).chain((before) =>
      fc.tuple(fc.constant(before), editsOf(before, jsonAlphabet)),
    );
    fc.assert(
      fc.property(pair, ([before, after]) => {
        expect(sameGraph(applied(before, after), after)).to.equal(true);
        expect(isEmptyDiff(diffGraphs(after, before))).to.equal(sameGraph(before, after));
      }),
      { numRuns: 200 },
    );
  });
});

describe('keys', () => {
  it('are equal exactly for equal ends and data', () => {
    const [plain, indexed, other] = read('a(A) OUT -> IN b(B), a OUT -> IN[0] b, a OUT.I -> N b').edges;
    const keys = [plain, indexed, other].flatMap((edge) => (edge ? [edgeKey(edge), portKey(edge.to)] : []));
    expect(new Set(keys).size).to.equal(6);
    const [one, same, differs] = read('{"x":1,"y":2} -> IN a(A), {"y":2,"x":1} -> IN a, "1" -> IN a').iips.map(iipKey);
    expect(one).to.equal(same);
    expect(one).not.to.equal(differs);
  });

  it('lower-cases port names unless the graph is case-sensitive', () => {
    expect(portNameIn(emptyGraph('g'), 'NewValue')).to.equal('newvalue');
    expect(portNameIn({ caseSensitive: true }, 'NewValue')).to.equal('NewValue');
  });
});
