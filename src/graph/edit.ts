import type { PortName, PortRef, Role } from '../names.js';
import type { Edge, ExportedPort, Graph, GraphHead, Group, Iip, Metadata, Node } from './model.js';

/** One end of an edge, as graphs hold it. */
export type EdgeEnd = PortRef & { readonly index?: number };

export type ExportSide = 'inport' | 'outport';

/**
 * One change of a graph, as it is asked for and as it is told. Asked for, `metadata` of a `change-…` is laid over what is
 * there and a `null` takes a key away; told, it is what has come of it. Asked for, a `remove-iip` without `data` takes
 * away the latest of that port; told, it has the data.
 */
export type Edit =
  | { readonly do: 'add-node'; readonly node: Node }
  | { readonly do: 'remove-node'; readonly role: Role }
  | { readonly do: 'rename-node'; readonly from: Role; readonly to: Role }
  | { readonly do: 'change-node'; readonly role: Role; readonly metadata: Metadata }
  | { readonly do: 'add-edge'; readonly edge: Edge }
  | { readonly do: 'remove-edge'; readonly from: EdgeEnd; readonly to: EdgeEnd }
  | { readonly do: 'change-edge'; readonly from: EdgeEnd; readonly to: EdgeEnd; readonly metadata: Metadata }
  | { readonly do: 'add-iip'; readonly iip: Iip }
  | { readonly do: 'remove-iip'; readonly to: EdgeEnd; readonly data?: unknown }
  | { readonly do: 'add-port'; readonly side: ExportSide; readonly port: ExportedPort }
  | { readonly do: 'remove-port'; readonly side: ExportSide; readonly name: PortName }
  | { readonly do: 'rename-port'; readonly side: ExportSide; readonly from: PortName; readonly to: PortName }
  | { readonly do: 'add-group'; readonly group: Group }
  | { readonly do: 'remove-group'; readonly name: string }
  | { readonly do: 'rename-group'; readonly from: string; readonly to: string }
  | { readonly do: 'change-group'; readonly name: string; readonly metadata: Metadata }
  | { readonly do: 'change-graph'; readonly head: GraphHead };

/** The edit that says `do: K`. */
export type EditOf<K extends Edit['do']> = Extract<Edit, { readonly do: K }>;

export interface Edited {
  readonly graph: Graph;
  /** What came of the edit, in the order in which others are to be told: what goes with a node stands before the node. */
  readonly changes: readonly Edit[];
}
