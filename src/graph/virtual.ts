import type { Role } from '../names.js';
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
