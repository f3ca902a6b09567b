import { expect } from 'chai';
import {
  type Graph,
  GraphNotWritableError,
  GraphSyntaxError,
  patchFbp,
  readFbp,
  writeFbp,
} from '../../src/graph/index.js';
import { asPortName, asRole } from '../../src/names.js';

const source = { path: 'flow.fbp' };
const text = `# What this is for
# @name Flow

INPORT=read.IN:FILE

'src' -> DIR list(fs/List)        # where to look
list OUT -> IN read(fs/Read) OUT -> IN count(Count)

# the end
count OUT -> IN show(Print:x=5), read ERR -> IN show
`;

const graph = readFbp(text, source).graph;
const patch = (change: (graph: Graph) => Graph, given = text): string =>
  patchFbp(given, change(readFbp(given, source).graph), source);
const ref = (role: string, port: string) => ({ role: asRole(role), port: asPortName(port) });
const edge = (from: string, to: string) => {
  const [fromRole = '', fromPort = ''] = from.split('.');
  const [toRole = '', toPort = ''] = to.split('.');
  return { from: ref(fromRole, fromPort), to: ref(toRole, toPort) };
};

describe('patchFbp', () => {
  it('gives the same text for the same graph, whatever the order of its parts', () => {
    expect(patch((same) => same)).to.equal(text);
    expect(patch((same) => ({ ...same, nodes: [...same.nodes].reverse(), edges: [...same.edges].reverse() }))).to.equal(
      text,
    );
  });

  it('puts a new node and its edge at the end and touches nothing else', () => {
    const node = { role: asRole('log'), component: 'Print' };
    expect(
      patch((old) => ({ ...old, nodes: [...old.nodes, node], edges: [...old.edges, edge('count.out', 'log.in')] })),
    ).to.equal(`${text}log(Print)\ncount OUT -> IN log\n`);
  });

  it('changes the data of an IIP in its place', () => {
    expect(patch((old) => ({ ...old, iips: [{ data: { a: "it's" }, to: ref('list', 'dir') }] }))).to.equal(
      text.replace("'src'", `{"a":"it's"}`),
    );
  });

  it('leads an edge elsewhere in its place', () => {
    expect(
      patch((old) => ({
        ...old,
        edges: old.edges.map((one) => (one.from.port === 'err' ? edge('read.err', 'count.in') : one)),
      })),
    ).to.equal(text.replace('read ERR -> IN show', 'read ERR -> IN count'));
  });

  it('takes away a statement with its comma, and a line with nothing left on it', () => {
    const without = (port: string) => (old: Graph) => ({
      ...old,
      edges: old.edges.filter(({ from }) => from.port !== port),
    });
    expect(patch(without('err'))).to.equal(text.replace(', read ERR -> IN show', ''));
    expect(patch((old) => ({ ...old, inports: [] }))).to.equal(text.replace('INPORT=read.IN:FILE\n', ''));
  });

  it('keeps the comment of a line and the declarations of nodes that lose their connections', () => {
    expect(patch((old) => ({ ...old, iips: [] }))).to.equal(
      text.replace("'src' -> DIR list(fs/List)", 'list(fs/List)'),
    );
    const edges = graph.edges.filter(({ to }) => to.role !== 'count');
    expect(patch((old) => ({ ...old, edges }))).to.equal(text.replace(' OUT -> IN count(Count)', '\ncount(Count)'));
  });

  it('does not turn the comment of a line that goes into an annotation', () => {
    const given = 'a(A)\nb(B) # @name Other\n';
    expect(patch((old) => ({ ...old, nodes: old.nodes.slice(0, 1) }), given)).to.equal('a(A)\n # @name Other\n');
  });

  it('renames a node wherever it stands', () => {
    const rename = (name: string): string => (name === 'read' ? 'load' : name);
    const to = <T extends { readonly role: string }>(at: T) => ({ ...at, role: asRole(rename(at.role)) });
    expect(
      patch((old) => ({
        ...old,
        nodes: old.nodes.map(to),
        edges: old.edges.map((one) => ({ from: to(one.from), to: to(one.to) })),
        inports: old.inports.map((port) => ({ ...port, target: to(port.target) })),
      })),
    ).to.equal(
      text
        .replace('read.IN', 'load.IN')
        .replace(
          'list OUT -> IN read(fs/Read) OUT -> IN count(Count)',
          'list OUT -> IN load(fs/Read)\nload OUT -> IN count(Count)',
        )
        .replace('read ERR', 'load ERR'),
    );
  });

  it('changes component and metadata where the node is declared', () => {
    const nodes = graph.nodes.map((node) =>
      node.role === 'show'
        ? { role: node.role, component: 'Table', metadata: { x: -1.5, y: 7, label: 'All of it' } }
        : node,
    );
    expect(patch((old) => ({ ...old, nodes }))).to.equal(
      `${text.replace('show(Print:x=5)', 'show(Table:y=7)')}# @node {"role":"show","metadata":{"x":-1.5,"label":"All of it"}}\n`,
    );
  });

  it('updates and takes back its own annotations', () => {
    const label = (value: string) => (old: Graph) => ({
      ...old,
      nodes: old.nodes.map((node) => (node.role === 'count' ? { ...node, metadata: { label: value } } : node)),
      groups: [{ name: 'core', roles: [asRole('count')] }],
    });
    const once = patch(label('one two'));
    expect(once.replace(text, '')).to.equal(
      '# @group {"name":"core","nodes":["count"]}\n# @node {"role":"count","metadata":{"label":"one two"}}\n',
    );
    expect(patch(label('three four'), once)).to.equal(once.replace('one two', 'three four'));
    expect(patch(() => graph, once)).to.equal(text);
  });

  it('changes the name only where the graph has another', () => {
    expect(patch((old) => ({ ...old, name: 'Other flow' }))).to.equal(text.replace('@name Flow', '@name Other flow'));
    const nameless = 'a(A)\n';
    expect(patch((old) => ({ ...old, nodes: [] }), nameless)).to.equal('');
    expect(patch((old) => ({ ...old, name: 'new' }), nameless)).to.equal('# @name new\na(A)\n');
  });

  it('puts exported ports behind those there are', () => {
    const outports = [{ name: asPortName('result'), target: ref('count', 'out') }];
    expect(patch((old) => ({ ...old, outports }))).to.equal(
      text.replace('INPORT=read.IN:FILE\n', 'INPORT=read.IN:FILE\nOUTPORT=count.OUT:RESULT\n'),
    );
  });

  it('keeps the line ends of the text and ends a last line that has none', () => {
    const given = '# c\r\na(A)';
    expect(patch((old) => ({ ...old, nodes: [...old.nodes, { role: asRole('b'), component: 'B' }] }), given)).to.equal(
      '# c\r\na(A)\r\nb(B)\r\n',
    );
  });

  it('gives anonymous nodes their names where the count would change them', () => {
    const given = "'1' -> IN (Out)\n'2' -> IN (Out) # second\n";
    const patched = patch(
      (old) => ({ ...old, nodes: old.nodes.slice(1), iips: old.iips.filter(({ data }) => data === '2') }),
      given,
    );
    expect(patched).to.equal("'2' -> IN _Out_2(Out) # second\n");
  });

  it('keeps several IIPs of a port in order', () => {
    const given = "'1' -> IN a(A)\n'2' -> IN a\n";
    const iips = ['2', '3'].map((data) => ({ data, to: ref('a', 'in') }));
    const patched = patch((old) => ({ ...old, iips }), given);
    expect(readFbp(patched, source).graph.iips.map(({ data }) => data)).to.deep.equal(['2', '3']);
  });

  it('rewrites all ports when their case begins to count', () => {
    expect(patch((old) => ({ ...old, caseSensitive: true }), 'a(A) OUT -> IN b(B)\n')).to.equal(
      '# @caseSensitive true\na(A) out -> in b(B)\n',
    );
  });

  it('refuses a text that does not parse and a graph that .fbp cannot say', () => {
    expect(() => patchFbp('a(', graph, source)).to.throw(GraphSyntaxError);
    const nodes = [...graph.nodes, { role: asRole('my\nnode'), component: 'A' }];
    expect(() => patch((old) => ({ ...old, nodes }))).to.throw(GraphNotWritableError, 'role "my\\nnode"');
  });
});

describe('writeFbp', () => {
  it('writes annotations, exports, nodes, connections and what only we read, in blocks', () => {
    const written = writeFbp({
      ...graph,
      properties: { environment: { type: 'msgflo' }, limit: 5 },
      groups: [{ name: 'g', roles: [asRole('read')] }],
    });
    expect(written).to.equal(`# @name Flow
# @runtime msgflo
# @property {"limit":5}

INPORT=read.IN:FILE

list(fs/List)
read(fs/Read)
count(Count)
show(Print:x=5)

list OUT -> IN read
read OUT -> IN count
count OUT -> IN show
read ERR -> IN show
'src' -> DIR list

# @group {"name":"g","nodes":["read"]}
`);
  });

  const node = { role: asRole('a'), component: 'A' };
  const empty: Graph = { ...graph, nodes: [node], edges: [], iips: [], inports: [], properties: {} };
  const refused: readonly (readonly [what: string, graph: Graph, message: RegExp])[] = [
    ['a role of nothing', { ...empty, nodes: [{ ...node, role: asRole('') }] }, /role "" .*empty/],
    ['a role with a line break', { ...empty, nodes: [{ ...node, role: asRole('a\nb') }] }, /role "a\\nb" .*control/],
    ['a port of nothing', { ...empty, iips: [{ data: 1, to: ref('a', '') }] }, /port "" .*empty/],
    ['a port with a tab', { ...empty, iips: [{ data: 1, to: ref('a', 'in\tput') }] }, /port "in\\tput" .*control/],
    ['upper case in a port', { ...empty, iips: [{ data: 1, to: ref('a', 'inPut') }] }, /port 'inPut'.*lower case/],
    [
      'an index that is no whole number',
      { ...empty, iips: [{ data: 1, to: { ...ref('a', 'in'), index: 1.5 } }] },
      /index 1.5/,
    ],
    ['data that are not JSON', { ...empty, iips: [{ data: undefined, to: ref('a', 'in') }] }, /an IIP of 'a'/],
  ];
  for (const [what, given, message] of refused) {
    it(`refuses ${what}: MSGFLO_GRAPH_NOT_WRITABLE`, () => {
      expect(() => writeFbp(given))
        .to.throw(GraphNotWritableError, message)
        .with.property('code', 'MSGFLO_GRAPH_NOT_WRITABLE');
    });
  }
});
