import { canonicalJson } from '../support/index.js';
import type { Edit, Edited, EditOf } from './edit.js';
import { addEdge, changeEdge, removeEdge } from './edit-edges.js';
import { addGroup, changeGroup, removeGroup, renameGroup } from './edit-groups.js';
import { addIip, removeIip } from './edit-iips.js';
import { addNode, changeNode, removeNode, renameNode } from './edit-nodes.js';
import { addPort, removePort, renamePort } from './edit-ports.js';
import type { Graph } from './model.js';

/**
 * The graph after one edit, and what others are to be told. A valid graph stays valid. Nothing is said of components and
 * of the ports of participants: those may come to be known. Ports are taken as they are spelled (see `portNameIn`). The
 * very same graph comes back where nothing changes, which is told all the same: it is the answer. O(graph), without a look
 * at what the edit does not touch.
 * @throws {EditRefusedError} for what cannot be; its message is for who asked
 */
export function applyEdit(graph: Graph, edit: Edit): Edited {
  switch (edit.do) {
    case 'add-node':
      return addNode(graph, edit);
    case 'remove-node':
      return removeNode(graph, edit);
    case 'rename-node':
      return renameNode(graph, edit);
    case 'change-node':
      return changeNode(graph, edit);
    case 'add-edge':
      return addEdge(graph, edit);
    case 'remove-edge':
      return removeEdge(graph, edit);
    case 'change-edge':
      return changeEdge(graph, edit);
    case 'add-iip':
      return addIip(graph, edit);
    case 'remove-iip':
      return removeIip(graph, edit);
    case 'add-port':
      return addPort(graph, edit);
    case 'remove-port':
      return removePort(graph, edit);
    case 'rename-port':
      return renamePort(graph, edit);
    case 'add-group':
      return addGroup(graph, edit);
    case 'remove-group':
      return removeGroup(graph, edit);
    case 'rename-group':
      return renameGroup(graph, edit);
    case 'change-group':
      return changeGroup(graph, edit);
    case 'change-graph':
      return changeGraph(graph, edit);
  }
}

/** Takes the place of the whole head. Ports stay as they are spelled, whether or not their case counts from now on. */
function changeGraph(graph: Graph, { head }: EditOf<'change-graph'>): Edited {
  const { name, caseSensitive } = head;
  const { name: _ofTheGraph, ...properties } = head.properties;
  const after = { name, properties, caseSensitive };
  const before = { name: graph.name, properties: graph.properties, caseSensitive: graph.caseSensitive };
  const isSame = canonicalJson(before) === canonicalJson(after);
  return { graph: isSame ? graph : { ...graph, ...after }, changes: [{ do: 'change-graph', head: after }] };
}
