import { applyEdit } from './apply-edit.js';
import { overlayBetween } from './decorated.js';
import { type Change, diffGraphs, type GraphDiff } from './diff.js';
import type { Edit, ExportSide } from './edit.js';
import { EditRefusedError } from './errors.js';
import { edgeKey, iipKey } from './keys.js';
import type { Edge, Graph, Group, Iip } from './model.js';
import { isVirtual } from './virtual.js';

/**
 * Edits that, one after another, make `after` (a valid graph) of `before`; none of them is refused. What comes stands
 * before what goes, as far as can be: a node of another component has to go first. A node of another name is another node:
 * whether it was renamed is a guess (`findRenames`) that cannot be taken back.
 *
 * Three things of a file edits have no words for, and they are not in the outcome: an edge that stands twice, members of a
 * group that are no nodes, metadata that are `null`.
 */
export function editsBetween(before: Graph, after: Graph): readonly Edit[] {
  return leadTowards(before, after, (error) => {
    throw error;
  }).edits;
}

/** As `editsBetween`, for an `after` that need not be valid: what is refused is left out, and told. */
export function leadTowards(
  before: Graph,
  after: Graph,
  onRefused: (error: EditRefusedError) => void,
): { readonly graph: Graph; readonly edits: readonly Edit[] } {
  let graph = before;
  const edits: Edit[] = [];
  const round = (editsOf: (diff: GraphDiff, now: Graph, after: Graph) => readonly Edit[]): void => {
    for (const edit of editsOf(diffGraphs(graph, after), graph, after)) {
      try {
        graph = applyEdit(graph, edit).graph;
        edits.push(edit);
      } catch (error) {
        if (!(error instanceof EditRefusedError)) throw error;
        onRefused(error);
      }
    }
  };
  // Each looks anew at what is left to do: a node that goes takes things with it.
  round((diff) => [...headEdits(diff), ...comingNodes(diff)]);
  round((diff, now) => [
    ...edgeEdits(diff, now, after),
    ...iipEdits(diff, now, after),
    ...portEdits('inport', diff),
    ...portEdits('outport', diff),
    ...goingNodes(diff),
  ]);
  round((diff, now) => groupEdits(diff, now, after));
  return { graph, edits };
}

const headEdits = ({ graph }: GraphDiff): Edit[] => (graph ? [{ do: 'change-graph', head: graph.after }] : []);

function comingNodes({ nodes: { added, changed } }: GraphDiff): Edit[] {
  return [
    ...added.map((node): Edit => ({ do: 'add-node', node })),
    ...changed.flatMap(({ before, after: node }): Edit[] => {
      const { role } = node;
      if (before.component !== node.component)
        return [
          { do: 'remove-node', role },
          { do: 'add-node', node },
        ];
      return [{ do: 'change-node', role, metadata: overlayBetween(before.metadata, node.metadata) }];
    }),
  ];
}

const goingNodes = ({ nodes }: GraphDiff): Edit[] => nodes.removed.map(({ role }) => ({ do: 'remove-node', role }));

function edgeEdits({ edges: { added, removed, changed } }: GraphDiff, now: Graph, after: Graph): Edit[] {
  const known = new Set(now.edges.map(edgeKey));
  const wanted = byKey(after.edges);
  const coming = [...byKey(added.filter((edge) => !known.has(edgeKey(edge)))).values()];
  const going = [...byKey(removed).values()];
  const isBetweenVirtual = virtualEdges(now);
  // Between virtual nodes an edge that is to go and one that is to come could close a circle.
  const goFirst = coming.some(isBetweenVirtual);
  // An edge that stood twice and is to stand once goes and comes again, since both go together.
  const isTwin = (edge: Edge): boolean => wanted.has(edgeKey(edge));
  const isFirst = (edge: Edge): boolean => isTwin(edge) || (goFirst && isBetweenVirtual(edge));
  const again = going.flatMap((edge) => wanted.get(edgeKey(edge)) ?? []);
  return [
    ...changed.map(
      ({ before, after: { from, to, metadata } }): Edit => ({
        do: 'change-edge',
        from,
        to,
        metadata: overlayBetween(before.metadata, metadata),
      }),
    ),
    ...going.filter(isFirst).map(removal),
    ...[...again, ...coming].map((edge): Edit => ({ do: 'add-edge', edge })),
    ...going.filter((edge) => !isFirst(edge)).map(removal),
  ];
}

const byKey = (edges: readonly Edge[]): Map<string, Edge> => new Map(edges.map((edge) => [edgeKey(edge), edge]));

const removal = ({ from, to }: Edge): Edit => ({ do: 'remove-edge', from, to });

function virtualEdges({ nodes }: Graph): (edge: Edge) => boolean {
  const roles = new Set(nodes.filter(isVirtual).map(({ role }) => role));
  return ({ from, to }) => roles.has(from.role) && roles.has(to.role);
}

/** Data and port are all that names an IIP, so of several alike that differ in metadata all are given anew. */
function iipEdits({ iips: { added, removed, changed } }: GraphDiff, now: Graph, after: Graph): Edit[] {
  const stale = new Set([...removed, ...changed.map(({ before }) => before)].map(iipKey));
  const isStale = (iip: Iip): boolean => stale.has(iipKey(iip));
  return [
    ...now.iips.filter(isStale).map(({ to, data }): Edit => ({ do: 'remove-iip', to, data })),
    ...after.iips.filter(isStale).map((iip): Edit => ({ do: 'add-iip', iip })),
    ...added.filter((iip) => !isStale(iip)).map((iip): Edit => ({ do: 'add-iip', iip })),
  ];
}

function portEdits(side: ExportSide, diff: GraphDiff): Edit[] {
  const { added, removed, changed } = diff[`${side}s`];
  return [
    ...[...removed, ...changed.map(({ before }) => before)].map(
      ({ name }): Edit => ({ do: 'remove-port', side, name }),
    ),
    ...[...added, ...changed.map((change) => change.after)].map((port): Edit => ({ do: 'add-port', side, port })),
  ];
}

/** Other members make another group. By name throughout: a file may give several groups of one. */
function groupEdits({ groups: { added, removed, changed } }: GraphDiff, now: Graph, after: Graph): Edit[] {
  const regrouped = changed.filter((change) => !hasSameRoles(change)).map(({ before }) => before);
  const going = new Set([...removed, ...regrouped].map(({ name }) => name));
  const staying = new Set(now.groups.map(({ name }) => name).filter((name) => !going.has(name)));
  const coming = new Set([...going, ...added.map(({ name }) => name)].filter((name) => !staying.has(name)));
  const roles = new Set(now.nodes.map(({ role }) => role));
  const wanted = new Map(after.groups.filter(({ name }) => coming.has(name)).map((group) => [group.name, group]));
  return [
    ...changed.filter(({ after: { name } }) => staying.has(name)).map(groupChange),
    ...[...going].map((name): Edit => ({ do: 'remove-group', name })),
    ...[...wanted.values()].map((group): Edit => {
      return { do: 'add-group', group: { ...group, roles: group.roles.filter((role) => roles.has(role)) } };
    }),
  ];
}

const hasSameRoles = ({ before, after }: Change<Group>): boolean =>
  JSON.stringify(before.roles) === JSON.stringify(after.roles);

const groupChange = ({ before, after: { name, metadata } }: Change<Group>): Edit => ({
  do: 'change-group',
  name,
  metadata: overlayBetween(before.metadata, metadata),
});
