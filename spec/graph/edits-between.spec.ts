import { expect } from 'chai';
import fc from 'fast-check';
import {
  applyEdit,
  diffGraphs,
  type Edit,
  editsBetween,
  type Graph,
  isEmptyDiff,
  readFbp,
} from '../../src/graph/index.js';
import { asRole } from '../../src/names.js';
import { edited, grownGraph, someEdits } from './arbitrary-edits.js';

const read = (text: string): Graph => readFbp(text, { path: 'x.fbp' }).graph;
const apply = (graph: Graph, edits: readonly Edit[]): Graph =>
  edits.reduce((now, edit) => applyEdit(now, edit).graph, graph);
const steps = (before: string, after: string): string[] =>
  editsBetween(read(before), read(after)).map((edit) => edit.do);

function expectSame(actual: Graph, expected: Graph): void {
  const diff = diffGraphs(expected, actual);
  if (!isEmptyDiff(diff)) expect.fail(JSON.stringify(diff));
}

describe('editsBetween', () => {
  it('gives edits that make the one graph of the other, whichever they are', () => {
    fc.assert(
      fc.property(grownGraph, grownGraph, (before, after) => {
        expectSame(apply(before, editsBetween(before, after)), after);
      }),
      { numRuns: 500 },
    );
  });

  it('gives edits that make the edited graph of the graph', () => {
    fc.assert(
      fc.property(grownGraph, someEdits(6), (before, edits) => {
        const after = edited(before, edits);
        expectSame(apply(before, editsBetween(before, after)), after);
        expectSame(apply(after, editsBetween(after, before)), before);
      }),
      { numRuns: 500 },
    );
  });

  it('has nothing to say of equal graphs', () => {
    const text = "a(A) OUT -> IN b(B)\na OUT -> IN b\n'1' -> IN a";
    expect(steps(text, text)).to.deep.equal([]);
  });

  it('adds before it removes, so that a moved edge is never gone', () => {
    expect(steps('a(A) OUT -> IN b(B)', 'a(A) OUT -> IN c(C)')).to.deep.equal([
      'add-node',
      'add-edge',
      'remove-edge',
      'remove-node',
    ]);
  });

  it('removes an edge between pass-through nodes first where it would close a circle', () => {
    const nodes = 'p(msgflo/PubSub), q(msgflo/PubSub), a(A) OUT -> IN b(B)\n';
    expect(steps(`${nodes}p OUT -> IN q`, `${nodes}q OUT -> IN p\nb OUT -> IN a`)).to.deep.equal([
      'remove-edge',
      'add-edge',
      'add-edge',
    ]);
  });

  it('takes a node of another component out and puts it in again with all that led to it', () => {
    const before = 'INPORT=a.IN:X\na(A) OUT -> IN b(B)\n\'1\' -> IN a\n# @group {"name":"g","nodes":["a"]}';
    expect(steps(before, before.replace('(A)', '(Z)'))).to.deep.equal([
      'remove-node',
      'add-node',
      'add-edge',
      'add-iip',
      'add-port',
      'add-group',
    ]);
  });

  it('leaves IIPs alone but those that differ', () => {
    const edits = editsBetween(read("a(A), '1' -> IN a, '2' -> IN a"), read("a(A), '1' -> IN a, '3' -> IN a"));
    expect(edits.map((edit) => [edit.do, 'data' in edit ? edit.data : 'iip' in edit && edit.iip.data])).to.deep.equal([
      ['remove-iip', '2'],
      ['add-iip', '3'],
    ]);
  });

  it('makes one of an edge that stood twice, and does not mind one that is to', () => {
    const once = read('a(A) OUT -> IN b(B)');
    const twice = read('a(A) OUT -> IN b(B)\na OUT -> IN b');
    expectSame(apply(twice, editsBetween(twice, once)), once);
    expectSame(apply(once, editsBetween(once, twice)), once);
  });

  it('passes over members of a group that are no nodes, and metadata that are null', () => {
    const before = read('a(A)');
    const after: Graph = {
      ...before,
      nodes: [{ role: asRole('a'), component: 'A', metadata: { x: null, y: 1 } }],
      groups: [{ name: 'g', roles: [asRole('a'), asRole('gone')] }],
    };
    const made = apply(before, editsBetween(before, after));
    expect(made.nodes[0]?.metadata).to.deep.equal({ y: 1 });
    expect(made.groups[0]?.roles).to.deep.equal(['a']);
  });

  it('makes one group of those that a file gives one name', () => {
    const before = read('a(A)\n# @group {"name":"g","nodes":["a"]}');
    const [group] = before.groups;
    const after: Graph = { ...before, groups: [...before.groups, { name: 'g', roles: [] }] };
    expectSame(apply(before, editsBetween(before, after)), before);
    expect(apply(after, editsBetween(after, before)).groups).to.deep.equal([group]);
  });
});
