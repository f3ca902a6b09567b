import type { Role } from '../names.js';
import { groupBy } from '../support/index.js';
import type { Graph, Node } from './model.js';

/** How messages go from an outqueue to an inqueue. */
export type BindingKind = 'pubsub' | 'roundrobin';

const VIRTUAL: ReadonlyMap<string, BindingKind> = new Map([
  ['msgflo/PubSub', 'pubsub'],
  ['msgflo/RoundRobin', 'roundrobin'],
]);

/** The binding that a node stands for; `undefined` for a node that is a participant. */
export const bindingKindOf = (node: Node): BindingKind | undefined => VIRTUAL.get(node.component);

/** True for a node that no process plays: it only says how others are bound. */
export const isVirtual = (node: Node): boolean => VIRTUAL.has(node.component);

export const participantNodes = (graph: Graph): Node[] => graph.nodes.filter((node) => !isVirtual(node));

/** The components of nodes that no process plays. */
export const VIRTUAL_COMPONENTS: readonly { readonly name: string; readonly kind: BindingKind }[] = [...VIRTUAL].map(
  ([name, kind]) => ({ name, kind }),
);

/** Ports of a virtual node, in lower case. */
export function virtualPorts(kind: BindingKind): { readonly inports: string[]; readonly outports: string[] } {
  return { inports: ['in'], outports: kind === 'roundrobin' ? ['out', 'deadletter'] : ['out'] };
}

export const virtualNodes = (graph: Graph): ReadonlyMap<Role, BindingKind> =>
  new Map(
    graph.nodes.flatMap((node) => {
      const kind = bindingKindOf(node);
      return kind ? [[node.role, kind] as const] : [];
    }),
  );

/** The virtual nodes by which what `from` passes on comes to `to`, both included; `undefined` where it does not. O(edges). */
export function wayThroughVirtual(graph: Graph, from: Role, to: Role): readonly Role[] | undefined {
  const virtual = virtualNodes(graph);
  const passed = graph.edges.filter((edge) => virtual.has(edge.from.role) && edge.from.port.toLowerCase() === 'out');
  const next = groupBy(passed, (edge) => edge.from.role);
  const cameFrom = new Map<Role, Role | undefined>([[from, undefined]]);
  for (const role of cameFrom.keys()) {
    if (role === to) return wayBack(cameFrom, to);
    for (const edge of next.get(role) ?? []) if (!cameFrom.has(edge.to.role)) cameFrom.set(edge.to.role, role);
  }
  return undefined;
}

function wayBack(cameFrom: ReadonlyMap<Role, Role | undefined>, to: Role): Role[] {
  const way: Role[] = [];
  for (let at: Role | undefined = to; at !== undefined; at = cameFrom.get(at)) way.unshift(at);
  return way;
}
