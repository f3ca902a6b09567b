import { expect } from 'chai';
import fc from 'fast-check';
import {
  applyEdit,
  diffGraphs,
  type Edit,
  type Graph,
  isEmptyDiff,
  mergeGraphs,
  readFbp,
  sameGraph,
  validateGraph,
} from '../../src/graph/index.js';
import { asPortName, asRole } from '../../src/names.js';
import { edited, grownGraph, someEdits } from './arbitrary-edits.js';

const read = (text: string): Graph => readFbp(text, { path: 'x.fbp' }).graph;
const merged = (base: string, ours: string, theirs: string) => mergeGraphs(read(base), read(ours), read(theirs));
const conflicts = (base: string, ours: string, theirs: string): string[] =>
  merged(base, ours, theirs).conflicts.map(({ what }) => what);

function expectSame(actual: Graph, expected: Graph): void {
  const diff = diffGraphs(expected, actual);
  if (!isEmptyDiff(diff)) expect.fail(JSON.stringify(diff));
}

/** A change at nodes that no generated edit names. */
const aside = (role: string): Edit[] => [
  { do: 'add-node', node: { role: asRole(`${role}1`), component: 'Aside' } },
  { do: 'add-node', node: { role: asRole(`${role}2`), component: 'Aside' } },
  {
    do: 'add-edge',
    edge: {
      from: { role: asRole(`${role}1`), port: asPortName('out') },
      to: { role: asRole(`${role}2`), port: asPortName('in') },
    },
  },
  { do: 'add-iip', iip: { data: role, to: { role: asRole(`${role}1`), port: asPortName('in') } } },
  { do: 'add-group', group: { name: role, roles: [asRole(`${role}1`)] } },
];
const withAside = (graph: Graph, role: string): Graph =>
  aside(role).reduce((now, edit) => applyEdit(now, edit).graph, graph);

describe('mergeGraphs', () => {
  it('takes over what only one side changed', () => {
    fc.assert(
      fc.property(grownGraph, someEdits(8), (base, edits) => {
        const changed = edited(base, edits);
        expectSame(mergeGraphs(base, base, changed).graph, changed);
        expectSame(mergeGraphs(base, changed, base).graph, changed);
        expectSame(mergeGraphs(base, changed, changed).graph, changed);
      }),
      { numRuns: 200 },
    );
  });

  it('has both where the sides changed different things', () => {
    fc.assert(
      fc.property(grownGraph, someEdits(8), (base, edits) => {
        const changed = edited(base, edits);
        const both = withAside(changed, 'q');
        for (const result of [
          mergeGraphs(base, withAside(base, 'q'), changed),
          mergeGraphs(base, changed, withAside(base, 'q')),
        ]) {
          expectSame(result.graph, both);
          expect(result.conflicts).to.deep.equal([]);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('gives a valid graph of any two, and says so where it is not both', () => {
    fc.assert(
      fc.property(grownGraph, someEdits(10), someEdits(10), (base, here, there) => {
        const ours = edited(base, here);
        const theirs = edited(base, there);
        const { graph, conflicts: told } = mergeGraphs(base, ours, theirs);
        expect(validateGraph(graph)).to.deep.equal([]);
        for (const { what } of told) expect(what).to.match(/^[^\n]+$/);
        if (sameGraph(ours, theirs)) expect(told).to.deep.equal([]);
      }),
      { numRuns: 700 },
    );
  });

  it('keeps everything of ours', () => {
    fc.assert(
      fc.property(grownGraph, someEdits(5), someEdits(10), (base, here, there) => {
        const ours = edited(base, here);
        const { graph } = mergeGraphs(base, ours, edited(base, there));
        const own = diffGraphs(base, ours);
        const lost = diffGraphs(ours, graph);
        const roles = new Set(own.nodes.added.map(({ role }) => role));
        expect(lost.nodes.removed.filter(({ role }) => roles.has(role))).to.deep.equal([]);
        expect(lost.edges.removed.filter((edge) => own.edges.added.includes(edge))).to.deep.equal([]);
      }),
      { numRuns: 500 },
    );
  });

  const rows: readonly (readonly [base: string, ours: string, theirs: string, conflict: string, outcome: string])[] = [
    ['a(A)', 'a(B)', 'a(C)', `component of node 'a': "B" here, "C" there`, 'a(B)'],
    ['a(A:l=1)', 'a(A:l=2)', 'a(A:l=3)', `'l' of node 'a': "2" here, "3" there`, 'a(A:l=2)'],
    ['a(A:l=1)', 'a(A)', 'a(A:l=3)', `'l' of node 'a': nothing here, "3" there`, 'a(A)'],
    ['a(A), b(B)', 'a(A)', 'a(A), b(C)', "node 'b': removed here, changed there", 'a(A)'],
    ['a(A), b(B)', 'a(A), b(C)', 'a(A)', "node 'b': changed here, removed there", 'a(A), b(C)'],
    [
      'a(A), b(B)',
      'a(A), b(B), a OUT -> IN b',
      'a(A)',
      "node 'b': removed there, but needed here by edge a.out -> b.in",
      'a(A), b(B), a OUT -> IN b',
    ],
    [
      'a(A), b(B)',
      'a(A)',
      'a(A), b(B), a OUT -> IN b',
      "cannot add edge a.out -> b.in, as it is there: the graph has no node 'b'",
      'a(A)',
    ],
    ["'1' -> IN a(A)", "'2' -> IN a(A)", "'3' -> IN a(A)", 'IIP for a.in: "2" here, "3" there', "'2' -> IN a(A)"],
    ["'1' -> IN a(A)", 'a(A)', "'3' -> IN a(A)", 'IIP for a.in: nothing here, "3" there', 'a(A)'],
    [
      'a(A)\nINPORT=a.IN:X',
      'a(A)\nINPORT=a.ONE:X',
      'a(A)\nINPORT=a.OTHER:X',
      `target of exported inport 'x': {"role":"a","port":"one"} here, {"role":"a","port":"other"} there`,
      'a(A)\nINPORT=a.ONE:X',
    ],
    [
      'a(A), b(B), c(C)\n# @group {"name":"g","nodes":["a"]}',
      'a(A), b(B), c(C)\n# @group {"name":"g","nodes":["a","b"]}',
      'a(A), b(B), c(C)\n# @group {"name":"g","nodes":["a","c"]}',
      `roles of group 'g': ["a","b"] here, ["a","c"] there`,
      'a(A), b(B), c(C)\n# @group {"name":"g","nodes":["a","b"]}',
    ],
    ['# @name one', '# @name two', '# @name three', 'name of the graph: "two" here, "three" there', '# @name two'],
    ['a(A)', '# @limit 1\na(A)', '# @limit 2\na(A)', `'limit' of the graph: "1" here, "2" there`, '# @limit 1\na(A)'],
    [
      'p(msgflo/PubSub), q(msgflo/PubSub)',
      'p(msgflo/PubSub) OUT -> IN q(msgflo/PubSub)',
      'q(msgflo/PubSub) OUT -> IN p(msgflo/PubSub)',
      'cannot add edge q.out -> p.in, as it is there: pass-through nodes form a cycle: q -> p -> q',
      'p(msgflo/PubSub) OUT -> IN q(msgflo/PubSub)',
    ],
    [
      'a(A), b(B)',
      'a(A) RESULT -> IN b(B)',
      'a(msgflo/PubSub) OUT -> IN b(B)',
      `component of node 'a': "A" here, "msgflo/PubSub" there, which lacks ports used here`,
      'a(A) RESULT -> IN b(B)\na OUT -> IN b',
    ],
  ];
  for (const [base, ours, theirs, conflict, outcome] of rows) {
    it(`keeps ours and says ${conflict}`, () => {
      const { graph, conflicts: told } = merged(base, ours, theirs);
      expectSame(graph, read(outcome));
      expect(told).to.deep.equal([{ what: conflict }]);
    });
  }

  it('merges metadata key by key', () => {
    const result = merged('a(A:l=1,m=1)', 'a(A:l=2,m=1)', 'a(A:l=1,n=3)');
    expectSame(result.graph, read('a(A:l=2,n=3)'));
    expect(result.conflicts).to.deep.equal([]);
    const gone = merged('a(A:l=1)', 'a(A:l=1,m=2)', 'a(A)').graph.nodes[0];
    expect(gone).to.deep.equal({ role: 'a', component: 'A', metadata: { m: '2' } });
  });

  it('takes positions of ours without a word, and lets a node go that was only moved', () => {
    expect(conflicts('a(A:x=1)', 'a(A:x=2)', 'a(A:x=3)')).to.deep.equal([]);
    expectSame(merged('a(A:x=1)', 'a(A:x=2)', 'a(A:x=3)').graph, read('a(A:x=2)'));
    const result = merged('a(A:x=1), b(B)', 'a(A:x=2), b(B)', 'b(B), c(C)');
    expectSame(result.graph, read('b(B), c(C)'));
    expect(result.conflicts).to.deep.equal([]);
  });

  it('minds neither the order of the IIPs of a port nor where they are drawn', () => {
    const drawn = (at: number) =>
      `# @edge {"data":"1","tgt":{"process":"a","port":"in"},"metadata":{"x":${at}}}\n'1' -> IN a(A), b(B)`;
    expect(conflicts(drawn(1), drawn(2), drawn(3))).to.deep.equal([]);
    const result = merged("'1' -> IN a(A), '2' -> IN a", "'2' -> IN a(A), '1' -> IN a, b(B)", "'1' -> IN a(A)");
    expectSame(result.graph, read("'1' -> IN a(A), b(B)"));
    expect(result.conflicts).to.deep.equal([]);
  });

  it('takes a member out of groups with its node, whatever else was done to the group', () => {
    const group = (members: string) => `\n# @group {"name":"g","nodes":[${members}]}`;
    const result = merged(
      `a(A), b(B), c(C)${group('"a","b"')}`,
      `b(B), c(C)${group('"b"')}`,
      `a(A), b(B), c(C)${group('"a","b","c"')}`,
    );
    expectSame(result.graph, read(`b(B), c(C)${group('"b","c"')}`));
    expect(result.conflicts).to.deep.equal([]);
  });
});
