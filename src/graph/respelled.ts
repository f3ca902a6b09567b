import { asPortName, asRole, type PortName, type PortRef, type Role } from '../names.js';
import type { ExportedPort, Graph } from './model.js';
import type { Located } from './positions.js';

/** The kinds of names that connect and run. */
export type NameKind = 'role' | 'component' | 'port';

export const NAME_KINDS: readonly NameKind[] = ['role', 'component', 'port'];

/** Names, each with the one that takes its place; others stay. */
export type Spelling = Readonly<Record<NameKind, ReadonlyMap<string, string>>>;

/** The names that nodes, connections and exported ports bear; groups may name roles besides. */
export function namesIn(graph: Graph): Readonly<Record<NameKind, ReadonlySet<string>>> {
  const { nodes, edges, iips, inports, outports } = graph;
  const exported = [...inports, ...outports];
  const refs = [
    ...edges.flatMap(({ from, to }) => [from, to]),
    ...iips.map(({ to }) => to),
    ...exported.map(({ target }) => target),
  ];
  return {
    role: new Set([...nodes, ...refs].map(({ role }) => role)),
    component: new Set(nodes.map(({ component }) => component)),
    port: new Set([...refs.map(({ port }) => port), ...exported.map(({ name }) => name)]),
  };
}

/** The same graph in other names, all changed at once. `moved` is told each part with the one in its place. */
export function respelled(graph: Graph, spelling: Spelling, moved?: (from: Located, to: Located) => void): Graph {
  if (NAME_KINDS.every((kind) => spelling[kind].size === 0)) return graph;
  const roleOf = (role: Role): Role => asRole(spelling.role.get(role) ?? role);
  const portOf = (port: PortName): PortName => asPortName(spelling.port.get(port) ?? port);
  const at = <T extends PortRef>(ref: T): T => ({ ...ref, role: roleOf(ref.role), port: portOf(ref.port) });
  const all = <T extends Located>(parts: readonly T[], respell: (part: T) => T): T[] =>
    parts.map((part) => {
      const now = respell(part);
      moved?.(part, now);
      return now;
    });
  const exported = (one: ExportedPort): ExportedPort => ({ ...one, name: portOf(one.name), target: at(one.target) });
  return {
    ...graph,
    nodes: all(graph.nodes, (node) => ({
      ...node,
      role: roleOf(node.role),
      component: spelling.component.get(node.component) ?? node.component,
    })),
    edges: all(graph.edges, (edge) => ({ ...edge, from: at(edge.from), to: at(edge.to) })),
    iips: all(graph.iips, (iip) => ({ ...iip, to: at(iip.to) })),
    inports: all(graph.inports, exported),
    outports: all(graph.outports, exported),
    groups: all(graph.groups, (group) => ({ ...group, roles: group.roles.map(roleOf) })),
  };
}
