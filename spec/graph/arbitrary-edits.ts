import fc from 'fast-check';
import {
  applyEdit,
  type EdgeEnd,
  type Edit,
  EditRefusedError,
  emptyGraph,
  type Graph,
  type Metadata,
} from '../../src/graph/index.js';
import { asPortName, asRole } from '../../src/names.js';

/** Few names, so that edits meet, some of them also as the aliases of others in .fbp. */
const ROLES = ['a', 'b', 'c', 'd', '_A_1', 'x/y', 'x_y', 'x y', 'x_y_2'];
const COMPONENTS = ['A', 'lib/B', '', 'msgflo/RoundRobin', 'msgflo/PubSub', 'lib/B.js'];
const PORTS = ['in', 'out', 'deadletter', 'error', 'my-port', 'my_port'];

const role = fc.constantFrom(...ROLES).map(asRole);
const port = fc.constantFrom(...PORTS).map(asPortName);
const name = fc.constantFrom('x', 'y', 'z').map(asPortName);
const groupName = fc.constantFrom('g', 'two words', '');
const side = fc.constantFrom('inport' as const, 'outport' as const);
const value = fc.constantFrom<unknown>(null, 1, 2.5, 'word', 'two words', true, [], { deep: [null] }, '\u2028', -3);
const data = fc.oneof(
  value,
  fc.jsonValue({ maxDepth: 2 }).filter((json) => !/__proto__|-0/.test(text(json))),
);
const text = (json: unknown): string =>
  Object.is(json, -0) ? '-0' : JSON.stringify(json, (_key, one) => (Object.is(one, -0) ? '-0' : one));
const metadata: fc.Arbitrary<Metadata> = fc.dictionary(fc.constantFrom('x', 'label', 'a=b'), value, { maxKeys: 2 });
const decorated = fc.option(
  metadata.map((given) => ({ metadata: given })),
  { nil: {} },
);
const ref = fc.record({ role, port });
const end: fc.Arbitrary<EdgeEnd> = fc.oneof({ weight: 4, arbitrary: ref }, fc.record({ role, port, index: fc.nat(2) }));
/** Mostly of the few that come again and again, so that they can be met a second time. */
const likelyEnds = fc.constantFrom(
  ...['a b', 'b c', 'c d', 'd a', 'a c', 'b b'].map((pair) => {
    const [from = '', to = ''] = pair.split(' ');
    return [
      { role: asRole(from), port: asPortName('out') },
      { role: asRole(to), port: asPortName('in') },
    ] as const;
  }),
);
const ends = fc.oneof({ weight: 3, arbitrary: likelyEnds }, fc.tuple(end, end));
const inport = fc.oneof({ weight: 3, arbitrary: likelyEnds.map(([, to]) => to) }, end);
const edge = fc.tuple(ends, decorated).map(([[from, to], more]) => ({ from, to, ...more }));

/** Any edit over a few names; of a graph of these names many are possible and many are not. */
export const anyEdit: fc.Arbitrary<Edit> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc
      .tuple(role, fc.constantFrom(...COMPONENTS), decorated)
      .map(([of, component, more]): Edit => ({ do: 'add-node', node: { role: of, component, ...more } })),
  },
  role.map((of): Edit => ({ do: 'remove-node', role: of })),
  fc.tuple(role, role).map(([from, to]): Edit => ({ do: 'rename-node', from, to })),
  fc.tuple(role, metadata).map(([of, given]): Edit => ({ do: 'change-node', role: of, metadata: given })),
  { weight: 6, arbitrary: edge.map((one): Edit => ({ do: 'add-edge', edge: one })) },
  edge.map(({ from, to }): Edit => ({ do: 'remove-edge', from, to })),
  fc.tuple(edge, metadata).map(([{ from, to }, given]): Edit => ({ do: 'change-edge', from, to, metadata: given })),
  {
    weight: 3,
    arbitrary: fc
      .tuple(data, inport, decorated)
      .map(([one, to, more]): Edit => ({ do: 'add-iip', iip: { data: one, to, ...more } })),
  },
  fc.tuple(inport, fc.option(data, { nil: undefined })).map(([to, one]): Edit => ({ do: 'remove-iip', to, data: one })),
  {
    weight: 2,
    arbitrary: fc
      .tuple(side, name, ref, decorated)
      .map(
        ([of, called, target, more]): Edit => ({ do: 'add-port', side: of, port: { name: called, target, ...more } }),
      ),
  },
  fc.tuple(side, name).map(([of, called]): Edit => ({ do: 'remove-port', side: of, name: called })),
  fc.tuple(side, name, name).map(([of, from, to]): Edit => ({ do: 'rename-port', side: of, from, to })),
  fc
    .tuple(groupName, fc.array(role, { maxLength: 3 }), decorated)
    .map(([called, roles, more]): Edit => ({ do: 'add-group', group: { name: called, roles, ...more } })),
  groupName.map((called): Edit => ({ do: 'remove-group', name: called })),
  fc.tuple(groupName, groupName).map(([from, to]): Edit => ({ do: 'rename-group', from, to })),
  fc.tuple(groupName, metadata).map(([called, given]): Edit => ({ do: 'change-group', name: called, metadata: given })),
  fc
    .tuple(fc.constantFrom('one', 'other name'), fc.dictionary(fc.constantFrom('description', 'environment'), value))
    .map(
      ([called, properties]): Edit => ({
        do: 'change-graph',
        head: { name: called, properties, caseSensitive: false },
      }),
    ),
);

export const someEdits = (maxLength: number): fc.Arbitrary<readonly Edit[]> => fc.array(anyEdit, { maxLength });

/** The graph after those of the edits that are possible. */
export const edited = (graph: Graph, edits: readonly Edit[]): Graph =>
  edits.reduce((now, edit) => attempted(now, edit), graph);

function attempted(graph: Graph, edit: Edit): Graph {
  try {
    return applyEdit(graph, edit).graph;
  } catch (error) {
    if (error instanceof EditRefusedError) return graph;
    throw error;
  }
}

/** A graph that edits can make: nearly all its names are in use. */
export const grownGraph: fc.Arbitrary<Graph> = fc
  .tuple(
    fc.array(fc.constantFrom(...COMPONENTS), { minLength: 2, maxLength: ROLES.length }),
    fc.array(anyEdit, { minLength: 5, maxLength: 40 }),
  )
  .map(([components, edits]) => {
    const nodes = components.map((component, nth) => ({ role: asRole(ROLES[nth] ?? 'a'), component }));
    return edited({ ...emptyGraph('grown'), nodes }, edits);
  });
