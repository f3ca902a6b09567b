import { expect } from 'chai';
import fbp from 'fbp';
import {
  applyEdit,
  type Edit,
  type Graph,
  GraphSyntaxError,
  patchFbp,
  readFbp,
  validateGraph,
  writeFbp,
} from '../../src/graph/index.js';
import { asPortName, asRole } from '../../src/names.js';

const source = { path: 'flow.fbp' };
const read = (text: string): Graph => readFbp(text, source).graph;
const rolesOf = (graph: Graph): readonly string[] => graph.nodes.map(({ role }) => role);

/** The text after these edits of its graph. */
const edit = (text: string, ...edits: readonly Edit[]): string => {
  const after = edits.reduce((now, one) => applyEdit(now, one).graph, read(text));
  return patchFbp(text, after, source);
};
const add = (role: string, component = 'A'): Edit => ({ do: 'add-node', node: { role: asRole(role), component } });
const remove = (role: string): Edit => ({ do: 'remove-node', role: asRole(role) });
const rename = (from: string, to: string): Edit => ({ do: 'rename-node', from: asRole(from), to: asRole(to) });
const ref = (role: string, port: string) => ({ role: asRole(role), port: asPortName(port) });
const connect = (from: readonly [string, string], to: readonly [string, string]): Edit => ({
  do: 'add-edge',
  edge: { from: ref(...from), to: ref(...to) },
});

const text = `# by hand
one(A) OUT -> IN demo_Repeat(demo/Repeat:x=1) # the middle
demo_Repeat OUT -> IN two(B)
# @role {"demo_Repeat":"demo/Repeat"}
# @node {"role":"demo_Repeat","metadata":{"y":-1}}
# the end
`;

describe('roles that .fbp has no letters for', () => {
  it('stand under an alias with a note behind what an editor adds', () => {
    const saved = edit('a(A)\n', add('demo/Repeat_x2lk8'), connect(['a', 'out'], ['demo/Repeat_x2lk8', 'in']));
    expect(saved).to.equal(
      'a(A)\ndemo_Repeat_x2lk8(A)\na OUT -> IN demo_Repeat_x2lk8\n# @role {"demo_Repeat_x2lk8":"demo/Repeat_x2lk8"}\n',
    );
    expect(rolesOf(read(saved))).to.deep.equal(['a', 'demo/Repeat_x2lk8']);
  });

  it('are read wherever a statement or a note of ours names a role', () => {
    const graph = read(`INPORT=a_b.IN:X
a_b(A:x=1) OUT -> IN a_b, '1' -> OTHER a_b
# @group {"name":"by alias","nodes":["a_b"]}
# @group {"name":"by name","nodes":["a/b"]}
# @node {"role":"a_b","metadata":{"y":2}}
# @edge {"src":{"process":"a_b","port":"out"},"tgt":{"process":"a_b","port":"in"},"metadata":{"route":1}}
# @role {"a_b":"a/b"}
`);
    const [end, from] = [ref('a/b', 'in'), ref('a/b', 'out')];
    expect(graph).to.deep.include({
      nodes: [{ role: 'a/b', component: 'A', metadata: { x: 1, y: 2 } }],
      edges: [{ from, to: end, metadata: { route: 1 } }],
      iips: [{ data: '1', to: ref('a/b', 'other') }],
      inports: [{ name: 'x', target: end }],
      groups: [
        { name: 'by alias', roles: ['a/b'] },
        { name: 'by name', roles: ['a/b'] },
      ],
    });
  });

  it('have their places in the text', () => {
    const { graph, positions } = readFbp(`${text}one ERR -> IN three\n`, source);
    expect(graph.nodes.map((node) => positions.where(node))).to.deep.equal([
      'flow.fbp:2:1',
      'flow.fbp:2:1',
      'flow.fbp:3:1',
    ]);
    expect(graph.edges.map((part) => positions.at(part)?.line)).to.deep.equal([2, 3, 7]);
    const stray = readFbp('x(A)\nx OUT -> IN y\n# @role {"y":"no/node"}\n', source);
    const [problem] = validateGraph(stray.graph, stray.positions);
    expect(problem?.message).to.match(/^flow\.fbp:2:1: edge x\.out -> no\/node\.in names node 'no\/node'/);
  });

  const aliases: readonly (readonly [what: string, roles: readonly string[], aliases: readonly string[]])[] = [
    ['other characters by _', ['a/b c', 'ü', '🎉x', 'a.b'], ['a_b_c', '_', '_x', 'a_b']],
    ['a _ before a digit or a dash', ['2nd', '-x'], ['_2nd', '_-x']],
    ['a number where names are alike', ['a/b', 'a b', 'a.b'], ['a_b', 'a_b_2', 'a_b_3']],
    ['a number where it is the role of another', ['a/b', 'a_b', 'a_b_2'], ['a_b_3', 'a_b', 'a_b_2']],
    ['a number where it is reserved', ['constructor', '__proto__'], ['constructor_2', '__proto___2']],
  ];
  for (const [what, roles, expected] of aliases) {
    it(`get ${what}`, () => {
      const graph = roles.reduce((now, role) => applyEdit(now, add(role)).graph, read(''));
      expect(Object.keys(fbp.parse(writeFbp(graph)).processes)).to.deep.equal(expected);
      expect(rolesOf(read(writeFbp(graph)))).to.deep.equal(roles);
    });
  }

  it('keep the alias that the text has, also one that people chose', () => {
    const given = 'mine(A) # first\n# @role {"mine":"demo/A"}\n';
    expect(edit(given, add('demo A'))).to.equal(`${given}demo_A(A)\n# @role {"demo_A":"demo A"}\n`);
    expect(edit('mine(A)\n# @role {"mine":"plain"}\n', add('b'))).to.equal('mine(A)\n# @role {"mine":"plain"}\nb(A)\n');
  });

  it('take their note with them when they go', () => {
    expect(edit(text, remove('demo/Repeat'))).to.equal('# by hand\none(A) # the middle\ntwo(B)\n# the end\n');
  });

  it('are renamed in place, with their notes', () => {
    const renamed = text
      .replace('one(A) OUT -> IN demo_Repeat', 'one(A) OUT -> IN other_name')
      .replace('\ndemo_Repeat OUT', '\nother_name OUT')
      .replace('{"demo_Repeat":"demo/Repeat"}', '{"other_name":"other name"}')
      .replace('"role":"demo_Repeat"', '"role":"other_name"');
    expect(edit(text, rename('demo/Repeat', 'other name'))).to.equal(renamed);
    const plain = renamed.replace('# @role {"other_name":"other name"}\n', '').replaceAll('other_name', 'plain');
    expect(edit(renamed, rename('other name', 'plain'))).to.equal(plain);
  });

  it('only lose their note when they take the name of their alias', () => {
    expect(edit(text, rename('demo/Repeat', 'demo_Repeat'))).to.equal(text.replace(/# @role .*\n/, ''));
  });

  it('give way in place where their alias becomes the role of another', () => {
    const moved = text.replaceAll(/demo_Repeat/g, 'demo_Repeat_2');
    expect(edit(text, add('demo_Repeat', 'demo/Repeat'))).to.equal(`${moved}demo_Repeat(demo/Repeat)\n`);
    expect(edit(text, rename('two', 'demo_Repeat'))).to.equal(moved.replace('two(B)', 'demo_Repeat(B)'));
  });

  it('leave the place of a node that goes to one that takes the name of its alias', () => {
    const given = 'p(A)\nx_y(B)\n# @role {"x_y":"x/y"}\n';
    expect(edit(given, remove('x/y'), rename('p', 'x_y'))).to.equal('x_y(A)\n');
  });

  it('do nothing to a text in which no alias stands, and their notes go with the next change', () => {
    const given = 'a(A)\n# @role {"b":"x/y"}\n';
    expect(rolesOf(read(given))).to.deep.equal(['a']);
    expect(patchFbp(given, read(given), source)).to.equal(given);
    expect(edit(given, add('c'))).to.equal('a(A)\nc(A)\n');
  });

  it('may say the same twice', () => {
    const given = 'a(A)\n# @role {"a":"x/y"}\n# @role {"a":"x/y"}\n';
    expect(rolesOf(read(given))).to.deep.equal(['x/y']);
    expect(edit(given, add('c'))).to.equal('a(A)\n# @role {"a":"x/y"}\nc(A)\n');
  });

  const refused: readonly (readonly [what: string, notes: string, message: string])[] = [
    ['an alias of two names', '{"a":"x"}\n# @role {"a":"y"}', "flow.fbp:3:1: 'a' already stands for the role 'x'"],
    ['two aliases of a name', '{"a":"x"}\n# @role {"b":"x"}', "flow.fbp:3:1: the role 'x' already has the alias 'a'"],
    ['a name that a node has', '{"a":"b"}', "flow.fbp:2:1: the text has a role 'b' that is not 'a'"],
    ['an alias of no text', '{"a":1}', 'flow.fbp:2:1: bad annotation: this does not read as a role'],
    ['two aliases on a line', '{"a":"x","b":"y"}', 'flow.fbp:2:1: bad annotation: this does not read as a role'],
  ];
  for (const [what, notes, message] of refused) {
    it(`are refused by hand: ${what}`, () => {
      expect(() => read(`a(A), b(B)\n# @role ${notes}\n`)).to.throw(GraphSyntaxError, message);
    });
  }
});

describe('components and ports that .fbp has no letters for', () => {
  const given = `INPORT=a.MY_PORT:MY_NAME
a(lib_b_js) MY_PORT_2[1] -> IN b(lib/c)
# @component {"lib_b_js":"lib/b.js"}
# @port {"my_port":"my-port"}
# @port {"my_port_2":"my port"}
`;

  it('stand under aliases as roles do', () => {
    expect(read(given)).to.deep.include({
      nodes: [
        { role: 'a', component: 'lib/b.js' },
        { role: 'b', component: 'lib/c' },
      ],
      edges: [{ from: { ...ref('a', 'my port'), index: 1 }, to: ref('b', 'in') }],
      inports: [{ name: 'my_name', target: ref('a', 'my-port') }],
    });
    expect(read(writeFbp(read(given)))).to.deep.equal(read(given));
    expect(edit(given, remove('b'))).to.equal(`INPORT=a.MY_PORT:MY_NAME
a(lib_b_js)
# @component {"lib_b_js":"lib/b.js"}
# @port {"my_port":"my-port"}
`);
  });

  it('keep the case of ports where it counts, and no other', () => {
    const cased = '# @caseSensitive true\na(A) myPort -> in b(B)\n# @port {"myPort":"my-Port"}\n';
    expect(read(cased).edges[0]?.from.port).to.equal('my-Port');
    expect(edit(cased, add('c'))).to.equal(`${cased}c(A)\n`);
    expect(read(cased.replace(/.*\n/, '')).edges[0]?.from.port).to.equal('my-port');
    expect(read(given.replace('"my_port":"my-port"', '"MY_PORT":"MY-PORT"'))).to.deep.equal(read(given));
  });
});
