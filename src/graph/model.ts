import type { PortName, PortRef, Role } from '../names.js';

/** Free-form facts for editors and executors; values are JSON. */
export type Metadata = Readonly<Record<string, unknown>>;

export interface Node {
  readonly role: Role;
  /** Component name; `''` for a node that names none. */
  readonly component: string;
  readonly metadata?: Metadata;
}

/** From an outport to an inport. `index`es address array ports. */
export interface Edge {
  readonly from: PortRef & { readonly index?: number };
  readonly to: PortRef & { readonly index?: number };
  readonly metadata?: Metadata;
}

/** Initial data for an inport; `data` may be falsy. */
export interface Iip {
  readonly data: unknown;
  readonly to: PortRef & { readonly index?: number };
  readonly metadata?: Metadata;
}

/** A port of the whole graph. */
export interface ExportedPort {
  readonly name: PortName;
  readonly target: PortRef;
  readonly metadata?: Metadata;
}

export interface Group {
  readonly name: string;
  readonly roles: readonly Role[];
  readonly metadata?: Metadata;
}

/** What is wanted. A value: edits make a new one. */
export interface Graph {
  /** From the properties of the file, else the basename of its path. */
  readonly name: string;
  /** Of the whole graph, `name` not among them. */
  readonly properties: Metadata;
  readonly caseSensitive: boolean;
  readonly nodes: readonly Node[];
  readonly edges: readonly Edge[];
  readonly iips: readonly Iip[];
  readonly inports: readonly ExportedPort[];
  readonly outports: readonly ExportedPort[];
  readonly groups: readonly Group[];
}

/** What a graph says of itself as a whole. */
export type GraphHead = Pick<Graph, 'name' | 'properties' | 'caseSensitive'>;

/** A graph of nothing, to start from. */
export const emptyGraph = (name: string): Graph => ({
  name,
  properties: {},
  caseSensitive: false,
  nodes: [],
  edges: [],
  iips: [],
  inports: [],
  outports: [],
  groups: [],
});
