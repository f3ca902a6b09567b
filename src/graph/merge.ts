import type { Role } from '../names.js';
import { canonicalJson, groupBy } from '../support/index.js';
import { sameGraph } from './diff.js';
import { membersAmong } from './edit-groups.js';
import { describeEdit, edgeText, endText, shown } from './edit-text.js';
import { leadTowards } from './edits-between.js';
import { edgeKey, portKey } from './keys.js';
import type { Edge, ExportedPort, Graph, Group, Iip, Metadata, Node } from './model.js';
import { mergeParts, type PartKind, type Report, sideOf, sides, type ThreeWay, undrawn } from './three-way.js';
import { validateGraph } from './validate.js';

/** What both sides changed, each in its own way, so that a person has to look at it. */
export interface MergeConflict {
  /** One line: the part, as it is here, as it is there. */
  readonly what: string;
}

export interface MergedGraph {
  readonly graph: Graph;
  readonly conflicts: readonly MergeConflict[];
}

/**
 * Brings together what `ours` ("here") and `theirs` ("there"), both valid, made of `base`. Where they contradict each
 * other it stays as it is in `ours`, and a conflict says so; of positions and sizes ours are taken without a word. The IIPs
 * of one port are one thing, as are the members of a group. The outcome is valid.
 */
export function mergeGraphs(base: Graph, ours: Graph, theirs: Graph): MergedGraph {
  if (sameGraph(base, ours)) return { graph: theirs, conflicts: [] };
  if (sameGraph(base, theirs) || sameGraph(ours, theirs)) return { graph: ours, conflicts: [] };
  const conflicts: MergeConflict[] = [];
  const report = (what: string): void => {
    conflicts.push({ what });
  };
  const merged = mergeAll({ base, ours, theirs }, report);
  const graph = hasErrors(merged) ? soundPart(ours, merged, report) : merged;
  return { graph, conflicts };
}

const NODES: PartKind<Node> = {
  keyOf: ({ role }) => role,
  nameOf: ({ role }) => `node '${shown(role)}'`,
  fields: ['component'],
};
const EDGES: PartKind<Edge> = { keyOf: edgeKey, nameOf: (edge) => `edge ${edgeText(edge)}`, fields: [] };
const GROUPS: PartKind<Group> = {
  keyOf: ({ name }) => name,
  nameOf: ({ name }) => `group '${shown(name)}'`,
  fields: ['roles'],
};
const exported = (side: string): PartKind<ExportedPort> => ({
  keyOf: ({ name }) => name,
  nameOf: ({ name }) => `exported ${side} '${shown(name)}'`,
  fields: ['target'],
});

interface Head {
  readonly name: string;
  readonly caseSensitive: boolean;
  readonly metadata: Metadata;
}
const HEAD: PartKind<Head> = { keyOf: () => '', nameOf: () => 'the graph', fields: ['name', 'caseSensitive'] };

function mergeAll(graphs: ThreeWay<Graph>, report: Report): Graph {
  const each = <T>(of: (graph: Graph) => T): ThreeWay<T> => ({
    base: of(graphs.base),
    ours: of(graphs.ours),
    theirs: of(graphs.theirs),
  });
  const heads = each(({ name, caseSensitive, properties }): readonly Head[] => [
    { name, caseSensitive, metadata: properties },
  ]);
  const [head] = mergeParts(HEAD, heads, report);
  const nodes = mergeParts(
    NODES,
    each((graph) => graph.nodes),
    report,
  );
  const parts = {
    edges: mergeParts(
      EDGES,
      each((graph) => graph.edges),
      report,
    ),
    iips: mergeIips(
      each((graph) => graph.iips),
      report,
    ),
    inports: mergeParts(
      exported('inport'),
      each((graph) => graph.inports),
      report,
    ),
    outports: mergeParts(
      exported('outport'),
      each((graph) => graph.outports),
      report,
    ),
  };
  const all = [...nodes, ...stillNamed(graphs.ours, nodes, parts, report)];
  const roles = new Set<Role>(all.map(({ role }) => role));
  const groups = each((graph) => membersAmong(graph.groups, (role) => roles.has(role)));
  return {
    ...graphs.ours,
    ...(head && { name: head.name, caseSensitive: head.caseSensitive, properties: head.metadata ?? {} }),
    ...parts,
    nodes: all,
    groups: mergeParts(GROUPS, groups, report),
  };
}

/** Nodes removed there which something new of ours needs. */
function stillNamed(
  ours: Graph,
  nodes: readonly Node[],
  { edges, iips, inports, outports }: Pick<Graph, 'edges' | 'iips' | 'inports' | 'outports'>,
  report: Report,
): Node[] {
  const known = new Set(nodes.map(({ role }) => role));
  const users = new Map<Role, string>();
  for (const edge of edges) for (const { role } of [edge.from, edge.to]) users.set(role, `edge ${edgeText(edge)}`);
  for (const { to } of iips) users.set(to.role, `the IIP for ${endText(to)}`);
  for (const { name, target } of [...inports, ...outports]) users.set(target.role, `exported port '${shown(name)}'`);
  return ours.nodes.filter(({ role }) => {
    const user = users.get(role);
    if (known.has(role) || user === undefined) return false;
    report(`node '${shown(role)}': removed there, but needed here by ${user}`);
    return true;
  });
}

/** All IIPs of a port together: which of them replaced which, nobody can tell. Their order counts for nothing. */
function mergeIips({ base, ours, theirs }: ThreeWay<readonly Iip[]>, report: Report): readonly Iip[] {
  const [was, here, there] = [byPort(base), byPort(ours), byPort(theirs)];
  return [...new Map([...here, ...there])].flatMap(([key, [first]]) => {
    const lists = { base: was.get(key) ?? [], ours: here.get(key) ?? [], theirs: there.get(key) ?? [] };
    const sameIips = (look: (iip: Iip) => Iip) =>
      sideOf({
        base: sorted(lists.base, look),
        ours: sorted(lists.ours, look),
        theirs: sorted(lists.theirs, look),
      });
    const side = sameIips((iip) => iip) ?? sameIips(undrawn);
    if (side !== undefined || !first) return lists[side ?? 'ours'];
    report(`IIP for ${endText(first.to)}: ${sides(dataOf(lists.ours), dataOf(lists.theirs))}`);
    return lists.ours;
  });
}

const byPort = (iips: readonly Iip[]): Map<string, Iip[]> => groupBy(iips, ({ to }) => portKey(to));

const sorted = (iips: readonly Iip[], look: (iip: Iip) => Iip): string[] =>
  iips.map((iip) => canonicalJson(look(iip))).sort();

const dataOf = (iips: readonly Iip[]): unknown => (iips.length > 1 ? iips.map(({ data }) => data) : iips[0]?.data);

const hasErrors = (graph: Graph): boolean => validateGraph(graph).some(({ severity }) => severity === 'error');

/**
 * Of a graph that is not valid although both sides were: as much as can be had from ours on. An edge of a node that is gone
 * here, edges that only together close a circle, ports that a node has not since it became a virtual one.
 */
function soundPart(ours: Graph, merged: Graph, report: Report): Graph {
  const wanted = { ...merged, nodes: withPortsInUse(ours, merged, report) };
  return leadTowards(ours, wanted, ({ edit, why }) => report(`cannot ${describeEdit(edit)}, as it is there: ${why}`))
    .graph;
}

/** The nodes; where one became virtual there and lacks a port that ours uses, the component it has here. */
function withPortsInUse(ours: Graph, merged: Graph, report: Report): readonly Node[] {
  const lacking = new Set(validateGraph(merged).flatMap(({ ref }) => (ref ? [ref.role] : [])));
  const here = new Map(ours.nodes.map((node) => [node.role, node]));
  return merged.nodes.map((node) => {
    const component = here.get(node.role)?.component;
    if (!lacking.has(node.role) || component === undefined || component === node.component) return node;
    report(`component of node '${shown(node.role)}': ${sides(component, node.component)}, which lacks ports used here`);
    return { ...node, component };
  });
}
