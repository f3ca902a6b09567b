import type { Role } from '../names.js';
import { overlaid, withoutNullMetadata } from './decorated.js';
import type { Edit, Edited, EditOf } from './edit.js';
import { knownNode } from './edit-checks.js';
import { membersAmong } from './edit-groups.js';
import { shown } from './edit-text.js';
import { EditRefusedError } from './errors.js';
import type { Graph } from './model.js';
import { roleFault } from './role-fault.js';

export function addNode(graph: Graph, edit: EditOf<'add-node'>): Edited {
  const node = withoutNullMetadata(edit.node);
  checkFree(graph, node.role, edit);
  return { graph: { ...graph, nodes: [...graph.nodes, node] }, changes: [{ do: 'add-node', node }] };
}

/**
 * Takes its edges, IIPs and exported ports with it, and groups that it leaves empty. That it is gone from other groups is
 * not told: the protocol has no word for it, and editors do that themselves, as they do away with empty groups.
 */
export function removeNode(graph: Graph, edit: EditOf<'remove-node'>): Edited {
  const { role } = knownNode(graph, edit.role, edit);
  const edges = split(graph.edges, ({ from, to }) => from.role === role || to.role === role);
  const iips = split(graph.iips, ({ to }) => to.role === role);
  const inports = split(graph.inports, ({ target }) => target.role === role);
  const outports = split(graph.outports, ({ target }) => target.role === role);
  const groups = membersAmong(graph.groups, (member) => member !== role);
  const left = new Set(groups.map(({ name }) => name));
  const emptied = graph.groups.filter(({ name }) => !left.has(name));
  return {
    graph: {
      ...graph,
      nodes: graph.nodes.filter((node) => node.role !== role),
      edges: edges.rest,
      iips: iips.rest,
      inports: inports.rest,
      outports: outports.rest,
      groups,
    },
    changes: [
      ...edges.found.map(({ from, to }): Edit => ({ do: 'remove-edge', from, to })),
      ...iips.found.map(({ to, data }): Edit => ({ do: 'remove-iip', to, data })),
      ...inports.found.map(({ name }): Edit => ({ do: 'remove-port', side: 'inport', name })),
      ...outports.found.map(({ name }): Edit => ({ do: 'remove-port', side: 'outport', name })),
      ...emptied.map(({ name }): Edit => ({ do: 'remove-group', name })),
      { do: 'remove-node', role },
    ],
  };
}

/** Everything that names the node follows it. Told as one change: editors carry it on to the rest themselves. */
export function renameNode(graph: Graph, edit: EditOf<'rename-node'>): Edited {
  const { from: old, to: role } = edit;
  knownNode(graph, old, edit);
  checkFree(graph, role, edit);
  const renamed = <T extends { readonly role: Role }>(ref: T): T => (ref.role === old ? { ...ref, role } : ref);
  return {
    graph: {
      ...graph,
      nodes: graph.nodes.map(renamed),
      edges: graph.edges.map((edge) => {
        const [from, to] = [renamed(edge.from), renamed(edge.to)];
        return from === edge.from && to === edge.to ? edge : { ...edge, from, to };
      }),
      iips: graph.iips.map((iip) => (iip.to.role === old ? { ...iip, to: renamed(iip.to) } : iip)),
      ...renamedTargets(graph, renamed),
      groups: graph.groups.map((group) =>
        group.roles.includes(old)
          ? { ...group, roles: group.roles.map((member) => (member === old ? role : member)) }
          : group,
      ),
    },
    changes: [edit],
  };
}

export function changeNode(graph: Graph, edit: EditOf<'change-node'>): Edited {
  const node = knownNode(graph, edit.role, edit);
  const changed = overlaid(node, edit.metadata);
  const changes: Edit[] = [{ do: 'change-node', role: node.role, metadata: changed.metadata ?? {} }];
  if (changed === node) return { graph, changes };
  return { graph: { ...graph, nodes: graph.nodes.map((one) => (one === node ? changed : one)) }, changes };
}

function checkFree({ nodes }: Graph, role: Role, edit: Edit): void {
  const fault = roleFault(role);
  if (fault !== undefined) throw new EditRefusedError(edit, `'${shown(role)}' can be no name of a node: ${fault}`);
  if (nodes.some((node) => node.role === role))
    throw new EditRefusedError(edit, `the graph has a node '${shown(role)}' already`);
}

function renamedTargets(
  { inports, outports }: Graph,
  renamed: <T extends { readonly role: Role }>(ref: T) => T,
): Pick<Graph, 'inports' | 'outports'> {
  const follow = (ports: Graph['inports']): Graph['inports'] =>
    ports.map((port) => {
      const target = renamed(port.target);
      return target === port.target ? port : { ...port, target };
    });
  return { inports: follow(inports), outports: follow(outports) };
}

function split<T>(items: readonly T[], isWanted: (item: T) => boolean): { readonly found: T[]; readonly rest: T[] } {
  const found: T[] = [];
  const rest: T[] = [];
  for (const item of items) (isWanted(item) ? found : rest).push(item);
  return { found, rest };
}
