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

  it('are JSON and .fbp for any role', () => {
    const graph = ['demo/Repeat_x2lk8', '1', 'my role', 'constructor', '__proto__'].reduce(
      (now, role) => applyEdit(now, node(role)).graph,
      emptyGraph('any'),
    );
    expectSame(readJson(writeJson(graph), { path: 'any.json' }).graph, graph);
    expectSame(readFbp(writeFbp(graph), source).graph, graph);
    expectSame(readFbp(patchFbp('# @name any\n', graph, source), source).graph, graph);
  });

  it('keep every line of .fbp that an edit does not concern', () => {
    const names = (text: string): ReadonlyMap<string, string> => {
      const written = [...text.matchAll(/^# @role (\{.*\})$/gm)].flatMap(([, json = '{}']) =>
        Object.entries<unknown>(JSON.parse(json)),
      );
      return new Map(written.map(([alias, name]) => [String(name), alias]));
    };
    const roles = ['a', 'x/y', 'x_y', 'x y', 'x_y_2', '2nd', 'constructor', 'long/enough', 'quite other'];
    const anyRole = fc.constantFrom(...roles).map(asRole);
    const anyEdit = fc.oneof(
      anyRole.map((role): Edit => ({ do: 'add-node', node: { role, component: 'A' } })),
      anyRole.map((role): Edit => ({ do: 'remove-node', role })),
      fc.tuple(anyRole, anyRole).map(([from, role]): Edit => ({ do: 'rename-node', from, to: role })),
    );
    fc.assert(
      fc.property(grownGraph, fc.array(anyEdit, { maxLength: 6 }), anyEdit, (graph, growth, edit) => {
        const before = edited(graph, growth);
        const text = writeFbp(before);
        const after = edited(before, [edit]);
        const patched = patchFbp(text, after, source);
        const [was, is] = [names(text), names(patched)];
        const concerned = [...before.nodes, ...after.nodes]
          .filter(({ role }) => was.get(role) !== is.get(role) || touches(edit, role))
          .map(({ role }) => was.get(role) ?? role);
        // What nobody has any more takes its notes with it.
        const kept = text
          .split('\n')
          .filter(
            (line) =>
              !/^# @(component|port|inport|outport) /.test(line) && !concerned.some((role) => line.includes(role)),
          );
        const lines = patched.split('\n');
        let at = 0;
        for (const line of kept) {
          const found = lines.indexOf(line, at);
          if (found < 0) expect.fail(`lost: ${line}\n${text}\n${patched}`);
          at = found + 1;
        }
      }),
      { numRuns: 500 },
    );
  });
});

function touches(edit: Edit, role: string): boolean {
  if (edit.do === 'rename-node') return edit.from === role || edit.to === role;
  return edit.do === 'remove-node' && edit.role === role;
}
