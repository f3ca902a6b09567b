import { expect } from 'chai';
import fc from 'fast-check';
import {
  applyEdit,
  diffGraphs,
  type Edit,
  emptyGraph,
  type Graph,
  GraphNotWritableError,
  isEmptyDiff,
  patchFbp,
  readFbp,
  readJson,
  writeFbp,
  writeJson,
} from '../../src/graph/index.js';
import { asPortName, asRole } from '../../src/names.js';
import { edited, grownGraph, someEdits } from './arbitrary-edits.js';

const source = { path: 'any.fbp' };

function expectSame(actual: Graph, expected: Graph): void {
  const diff = diffGraphs(expected, actual);
  if (!isEmptyDiff(diff)) expect.fail(JSON.stringify(diff));
}

describe('files of edited graphs', () => {
  it('say the same as JSON', () => {
    fc.assert(
      fc.property(grownGraph, (graph) => {
        expectSame(readJson(writeJson(graph), { path: 'any.json' }).graph, graph);
      }),
      { numRuns: 300 },
    );
  });

  it('say the same as .fbp, patched after every edit, and keep the comments', () => {
    fc.assert(
      fc.property(grownGraph, someEdits(8), (graph, edits) => {
        let now = graph;
        let text = `# by hand\n${writeFbp(graph)}# the end\n`;
        for (const edit of edits) {
          now = edited(now, [edit]);
          text = patchFbp(text, now, source);
          expectSame(readFbp(text, source).graph, now);
        }
        expect(text)
          .to.match(/^# by hand\n/)
          .and.to.include('# the end\n');
      }),
      { numRuns: 200 },
    );
  });

  it('say the same where the text has chains, nodes without names and several statements on a line', () => {
    const text = `INPORT=a.IN:X, OUTPORT=b.OUT:Y
'1' -> IN a(A:label=old) OUT -> IN b(lib/B) ERROR[1] -> IN[0] c(msgflo/PubSub) # a chain
(A) OUT -> (A) OUT -> IN c, a ERROR -> IN c  # two
c OUT -> IN (lib/B), {"deep": [1,
  2]} -> IN a, d()
`;
    fc.assert(
      fc.property(someEdits(8), (edits) => {
        const after = edited(readFbp(text, source).graph, edits);
        const patched = patchFbp(text, after, source);
        expectSame(readFbp(patched, source).graph, after);
        for (const comment of ['# a chain', '# two']) expect(patched).to.include(comment);
      }),
      { numRuns: 500 },
    );
  });

  const grow = (...edits: readonly Edit[]): Graph =>
    edits.reduce((now, edit) => applyEdit(now, edit).graph, readFbp('a(A) OUT -> IN (B)', source).graph);
  const node = (role: string, component = 'A'): Edit => ({ do: 'add-node', node: { role: asRole(role), component } });
  const to = (port: string) => ({ role: asRole('a'), port: asPortName(port) });

  it('give a node without a name the name that it goes on under', () => {
    const graph = grow(node('b'), { do: 'rename-node', from: asRole('_B_1'), to: asRole('second') });
    expect(patchFbp('a(A) OUT -> IN (B)\n', graph, source)).to.equal('a(A) OUT -> IN second(B)\nb(A)\n');
  });

  const beyond: readonly (readonly [what: string, graph: Graph, message: string])[] = [
    ['a role as editors make them up', grow(node('demo/Repeat_x2lk8')), "role 'demo/Repeat_x2lk8'"],
    [
      'a role with a slash by renaming',
      grow({ do: 'rename-node', from: asRole('a'), to: asRole('demo/a') }),
      "role 'demo/a'",
    ],
    ['a role that starts with a digit', grow(node('2nd')), "role '2nd'"],
    ['a component with a dot', grow(node('b', 'lib/b.js')), "component 'lib/b.js' of 'b'"],
    ['a port with a dash', grow({ do: 'add-iip', iip: { data: 1, to: to('in-put') } }), "port 'in-put'"],
    [
      'an exported port with a blank',
      grow({ do: 'add-port', side: 'inport', port: { name: asPortName('my port'), target: to('in') } }),
      "port 'my port'",
    ],
    [
      'a case-sensitive graph that no longer is',
      grow(
        { do: 'add-iip', iip: { data: 1, to: to('newIn') } },
        { do: 'change-graph', head: { name: 'any', properties: {}, caseSensitive: false } },
      ),
      "port 'newIn'",
    ],
  ];
  for (const [what, graph, message] of beyond) {
    it(`cannot be .fbp, only JSON: ${what}`, () => {
      expect(() => patchFbp('a(A) OUT -> IN (B)\n', graph, source)).to.throw(GraphNotWritableError, message);
      expect(() => writeFbp(graph)).to.throw(GraphNotWritableError, message);
    });
  }

  it('are JSON for any role', () => {
    const graph = ['demo/Repeat_x2lk8', '1', 'my role', 'constructor', '__proto__'].reduce(
      (now, role) => applyEdit(now, node(role)).graph,
      emptyGraph('any'),
    );
    expectSame(readJson(writeJson(graph), { path: 'any.json' }).graph, graph);
  });
});
