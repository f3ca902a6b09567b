import type { PortRef, Role } from '../names.js';
import type { EdgeEnd, Edit } from './edit.js';
import { shown } from './edit-text.js';
import { EditRefusedError } from './errors.js';
import type { Graph, Node } from './model.js';
import { bindingKindOf, virtualPorts } from './virtual.js';

/** @throws {EditRefusedError} unless the graph has a node of that role. */
export function knownNode({ nodes }: Graph, role: Role, edit: Edit): Node {
  const node = nodes.find((one) => one.role === role);
  if (!node) throw new EditRefusedError(edit, `the graph has no node '${shown(role)}'`);
  return node;
}

/**
 * Which ports a participant has is found out when it is there; those of nodes like `msgflo/RoundRobin` are known.
 * @returns the node @throws {EditRefusedError} for a port that cannot be one
 */
export function knownPort(graph: Graph, end: EdgeEnd, direction: 'inport' | 'outport', edit: Edit): Node {
  const { role, port, index } = end;
  const node = knownNode(graph, role, edit);
  if (port === '') throw new EditRefusedError(edit, `it names no port of node '${shown(role)}'`);
  if (index !== undefined && !(Number.isSafeInteger(index) && index >= 0))
    throw new EditRefusedError(edit, `${index} is no index of a port, which is a whole number from 0`);
  const kind = bindingKindOf(node);
  const ports = kind && virtualPorts(kind)[`${direction}s`];
  if (ports && !ports.includes(port.toLowerCase()))
    throw new EditRefusedError(
      edit,
      `${node.component} '${shown(role)}' has no ${direction} '${shown(port)}'; it has: ${ports.join(', ')}`,
    );
  return node;
}

export const sameRef = (a: PortRef, b: PortRef): boolean => a.role === b.role && a.port === b.port;

export const sameEnd = (a: EdgeEnd, b: EdgeEnd): boolean => sameRef(a, b) && a.index === b.index;

/** An end that was asked for without an index may mean one with: not all editors send it. */
export const mayMean = (asked: EdgeEnd, end: EdgeEnd): boolean =>
  sameRef(asked, end) && (asked.index === undefined || asked.index === end.index);
