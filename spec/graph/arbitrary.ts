import fc from 'fast-check';
import type { Edge, ExportedPort, Graph, Group, Iip, Metadata, Node } from '../../src/graph/index.js';
import { asPortName, asRole } from '../../src/names.js';

/** Which names a generated graph may use. */
export interface Alphabet {
  readonly role: fc.Arbitrary<string>;
  readonly component: fc.Arbitrary<string>;
  readonly port: fc.Arbitrary<string>;
}

const LETTERS = 'abcxyzABZ_'.split('');
const word = (first: readonly string[], rest: readonly string[]): fc.Arbitrary<string> =>
  fc
    .tuple(fc.constantFrom(...first), fc.string({ unit: fc.constantFrom(...rest), maxLength: 4 }))
    .map(([head, tail]) => head + tail);

/** What .fbp has words for. */
export const fbpAlphabet: Alphabet = {
  role: fc.oneof(word(LETTERS, [...LETTERS, '-', '0', '9']), fc.constantFrom('true', 'null', 'INPORT', 'a-', '_A_1')),
  component: fc.oneof(
    fc.constantFrom('', 'msgflo/RoundRobin', 'core/Output', '9-x'),
    word(LETTERS, [...LETTERS, '/', '-', '0']),
  ),
  port: fc.oneof(fc.constantFrom('in', 'out', 'error'), word(['a', 'z', '_'], ['a', 'b', '0', '.', '_'])),
};

/** Anything JSON has. */
export const jsonAlphabet: Alphabet = {
  role: fc.oneof(fc.string({ minLength: 1 }), fc.constantFrom('1', '0', 'a/b', 'a~b', 'constructor', 'my role')),
  component: fc.string(),
  port: fc.string({ minLength: 1 }).map((text) => text.toLowerCase()),
};

const speakable = (text: string): boolean => !/^$|\p{Cc}/u.test(text);

/** Whatever .fbp can say, if need be under an alias; many of them have the same letters in common. */
export const aliasAlphabet: Alphabet = {
  role: fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom('a/b', 'a b', 'a_b', 'a_b_2', 'a.b', '1', '_1', '-', 'A', 'über', '日本') },
    fc.constantFrom('constructor', 'constructor_2', '__proto__', '\u2028', '"', "it's -> IN", 'demo/Repeat_x2lk8'),
    fc.string({ unit: 'binary', maxLength: 4 }).filter(speakable),
  ),
  component: fc.oneof(fc.constantFrom('', 'lib/b.js', 'lib/b_js', 'msgflo/RoundRobin', 'two words'), fc.string()),
  port: fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom('in', 'out', 'my-port', 'my_port', 'my port', '0', 'constructor') },
    fc
      .string({ unit: 'binary', maxLength: 4 })
      .map((text) => text.toLowerCase())
      .filter(speakable),
  ),
};

const hasNoTrap = (value: unknown): boolean => !JSON.stringify(value).includes('__proto__') && !hasNegativeZero(value);

function hasNegativeZero(value: unknown): boolean {
  if (Object.is(value, -0)) return true;
  return typeof value === 'object' && value !== null && Object.values(value).some(hasNegativeZero);
}

const json = fc.jsonValue({ maxDepth: 2 }).filter(hasNoTrap);
const data = fc.oneof(
  json,
  fc.constantFrom(
    null,
    true,
    false,
    0,
    '',
    "it's",
    "\\'",
    'ends in \\',
    'two\nlines',
    '# no comment',
    'a, b',
    '\u2028',
    '\t',
  ),
  fc.string({ unit: fc.constantFrom(...'\'"\\#,\n\r ->(){}[]a'.split('')) }),
);
const metadata: fc.Arbitrary<Metadata> = fc
  .dictionary(
    fc.oneof(fc.constantFrom('x', 'y', 'label', 'routes', 'a=b', ''), fc.string({ maxLength: 4 })),
    fc.oneof(
      fc.nat(999),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.constantFrom('plain', 'two words', ''),
      json,
    ),
    { minKeys: 1, maxKeys: 3 },
  )
  .filter(hasNoTrap);
const decorated = fc.option(
  metadata.map((value) => ({ metadata: value })),
  { nil: {} },
);

/** A graph whose edges, IIPs, exports and groups name its own nodes. Node, edge, export and group keys are unique. */
export function graphOver(alphabet: Alphabet): fc.Arbitrary<Graph> {
  const { role, component, port } = alphabet;
  const head = fc.record({
    name: fc.oneof(fc.string(), fc.constantFrom('Hello', 'two words', ' blank ', 'a: b')),
    properties: fc
      .dictionary(
        fc.oneof(fc.constantFrom('environment', 'runtime', 'caseSensitive', 'description'), fc.string()),
        fc.oneof(json, fc.constantFrom('plain', { type: 'msgflo' }, 'a: b')),
        { maxKeys: 3 },
      )
      .filter((value) => hasNoTrap(value) && !('name' in value)),
  });
  const nodes: fc.Arbitrary<Node[]> = fc.uniqueArray(
    fc.tuple(role, component, decorated).map(([name, of, more]) => ({ role: asRole(name), component: of, ...more })),
    { selector: (node) => node.role, minLength: 1, maxLength: 6 },
  );
  return fc.tuple(head, nodes).chain(([top, known]) => {
    const roles = fc.constantFrom(...known.map((node) => node.role));
    const ref = fc.record({ role: roles, port: port.map(asPortName) });
    const end = fc.oneof(
      ref,
      fc.tuple(ref, fc.nat(9)).map(([at, index]) => ({ ...at, index })),
    );
    const edge: fc.Arbitrary<Edge> = fc.tuple(end, end, decorated).map(([from, to, more]) => ({ from, to, ...more }));
    const iip: fc.Arbitrary<Iip> = fc
      .tuple(data, end, decorated)
      .map(([value, to, more]) => ({ data: value, to, ...more }));
    const exported: fc.Arbitrary<ExportedPort> = fc
      .tuple(port.map(asPortName), ref, decorated)
      .map(([name, target, more]) => ({ name, target, ...more }));
    const group: fc.Arbitrary<Group> = fc
      .tuple(fc.string(), fc.array(roles, { maxLength: 3 }), decorated)
      .map(([name, members, more]) => ({ name, roles: members, ...more }));
    const endKey = (at: Edge['to']) => JSON.stringify([at.role, at.port, at.index]);
    return fc.record({
      ...constants(top),
      caseSensitive: fc.constant(false),
      nodes: fc.constant(known),
      edges: fc.uniqueArray(edge, { selector: ({ from, to }) => endKey(from) + endKey(to), maxLength: 6 }),
      iips: fc.array(iip, { maxLength: 4 }),
      inports: fc.uniqueArray(exported, { selector: ({ name }) => name, maxLength: 3 }),
      outports: fc.uniqueArray(exported, { selector: ({ name }) => name, maxLength: 3 }),
      groups: fc.uniqueArray(group, { selector: ({ name }) => name, maxLength: 2 }),
    });
  });
}

const constants = (top: Pick<Graph, 'name' | 'properties'>) => ({
  name: fc.constant(top.name),
  properties: fc.constant(top.properties),
});

/** The same graph after a few edits of all kinds, also ones that leave no trace in between. */
export function editsOf(graph: Graph, alphabet: Alphabet): fc.Arbitrary<Graph> {
  return fc
    .array(fc.tuple(fc.nat(10), fc.nat(99), graphOver(alphabet)), { minLength: 1, maxLength: 4 })
    .map((edits) => edits.reduce((now, [kind, at, other]) => edited(now, kind, at, other), graph));
}

function edited(graph: Graph, kind: number, at: number, other: Graph): Graph {
  const node = graph.nodes[at % Math.max(1, graph.nodes.length)];
  const fresh = other.nodes.filter(({ role }) => !graph.nodes.some((known) => known.role === role));
  const without = <T>(items: readonly T[]): T[] => items.filter((_item, nth) => nth !== at % items.length);
  switch (kind) {
    case 0:
      return { ...graph, nodes: [...graph.nodes, ...fresh] };
    case 1:
      return node ? withoutNode(graph, node) : graph;
    case 2:
      return node && fresh[0] ? renamed(graph, node, fresh[0]) : graph;
    case 3:
      return { ...graph, edges: without(graph.edges) };
    case 4:
      return { ...graph, iips: without(graph.iips) };
    case 5:
      return { ...graph, inports: without(graph.inports), outports: without(graph.outports) };
    case 6: {
      const changed = other.nodes[0];
      if (!node || !changed) return graph;
      const { role: _role, ...content } = changed;
      return { ...graph, nodes: graph.nodes.map((one) => (one === node ? { role: node.role, ...content } : one)) };
    }
    case 7:
      return { ...graph, name: other.name, properties: other.properties, groups: without(graph.groups) };
    case 8: {
      const target = graph.nodes[0];
      if (!target) return graph;
      const iips = other.iips.map((iip) => ({ ...iip, to: { ...iip.to, role: target.role } }));
      return { ...graph, iips: [...graph.iips, ...iips] };
    }
    case 9:
      return { ...graph, iips: graph.iips.map((iip, nth) => (nth === 0 ? { ...iip, data: at } : iip)) };
    default:
      return node
        ? {
            ...graph,
            edges: graph.edges.map((edge) => ({ ...edge, to: { ...edge.to, role: node.role } })).filter(firstOfKey),
          }
        : graph;
  }
}

function firstOfKey(edge: Edge, at: number, edges: readonly Edge[]): boolean {
  const key = ({ from, to }: Edge) => JSON.stringify([from, to]);
  return edges.findIndex((other) => key(other) === key(edge)) === at;
}

function withoutNode(graph: Graph, { role }: Node): Graph {
  return {
    ...graph,
    nodes: graph.nodes.filter((node) => node.role !== role),
    edges: graph.edges.filter(({ from, to }) => from.role !== role && to.role !== role),
    iips: graph.iips.filter(({ to }) => to.role !== role),
    inports: graph.inports.filter(({ target }) => target.role !== role),
    outports: graph.outports.filter(({ target }) => target.role !== role),
    groups: graph.groups.map((group) => ({ ...group, roles: group.roles.filter((member) => member !== role) })),
  };
}

function renamed(graph: Graph, { role }: Node, { role: to }: Node): Graph {
  const swap = <T extends { readonly role: Node['role'] }>(ref: T): T =>
    ref.role === role ? { ...ref, role: to } : ref;
  const swapTarget = (port: ExportedPort): ExportedPort => ({ ...port, target: swap(port.target) });
  return {
    ...graph,
    nodes: graph.nodes.map(swap),
    edges: graph.edges.map((edge) => ({ ...edge, from: swap(edge.from), to: swap(edge.to) })),
    iips: graph.iips.map((iip) => ({ ...iip, to: swap(iip.to) })),
    inports: graph.inports.map(swapTarget),
    outports: graph.outports.map(swapTarget),
    groups: graph.groups.map((group) => ({ ...group, roles: group.roles.map((one) => (one === role ? to : one)) })),
  };
}
