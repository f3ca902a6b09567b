import { canonicalJson } from '../support/index.js';
import { withMetadata } from './connection.js';
import { edgeKey, iipKey } from './keys.js';
import type { Edge, ExportedPort, Graph, GraphHead, Group, Iip, Metadata, Node } from './model.js';

export interface Change<T> {
  readonly before: T;
  readonly after: T;
}

/** What came, went, or stayed under its key with another content. */
export interface Delta<T> {
  readonly added: readonly T[];
  readonly removed: readonly T[];
  readonly changed: readonly Change<T>[];
}

export interface GraphDiff {
  /** Of `name`, `properties` and `caseSensitive`; absent when they are equal. */
  readonly graph?: Change<GraphHead>;
  /** By role. */
  readonly nodes: Delta<Node>;
  /** By both ends: only metadata change. */
  readonly edges: Delta<Edge>;
  /** By data and port: only metadata change. */
  readonly iips: Delta<Iip>;
  /** By name. */
  readonly inports: Delta<ExportedPort>;
  readonly outports: Delta<ExportedPort>;
  readonly groups: Delta<Group>;
}

/** What makes `after` of `before`. The order of things counts for nothing, but that of the roles in a group does. */
export function diffGraphs(before: Graph, after: Graph): GraphDiff {
  const was = headOf(before);
  const is = headOf(after);
  return {
    ...(canonicalJson(was) !== canonicalJson(is) && { graph: { before: was, after: is } }),
    nodes: delta(before.nodes, after.nodes, ({ role }) => role),
    edges: delta(before.edges, after.edges, edgeKey),
    iips: delta(before.iips, after.iips, iipKey),
    inports: delta(before.inports, after.inports, ({ name }) => name),
    outports: delta(before.outports, after.outports, ({ name }) => name),
    groups: delta(before.groups, after.groups, ({ name }) => name),
  };
}

export function isEmptyDiff({ graph, ...deltas }: GraphDiff): boolean {
  const sizes = Object.values(deltas).map(
    ({ added, removed, changed }) => added.length + removed.length + changed.length,
  );
  return graph === undefined && sizes.every((size) => size === 0);
}

const headOf = ({ name, properties, caseSensitive }: Graph): GraphHead => ({ name, properties, caseSensitive });

/** True when the two want the same, whatever the order. */
export const sameGraph = (a: Graph, b: Graph): boolean => isEmptyDiff(diffGraphs(a, b));

function delta<T extends { readonly metadata?: Metadata }>(
  before: readonly T[],
  after: readonly T[],
  keyOf: (item: T) => string,
): Delta<T> {
  const left = new Map<string, T[]>();
  for (const item of before) pushTo(left, keyOf(item), item);
  const fresh: T[] = [];
  for (const item of after) if (!takeEqual(left.get(keyOf(item)), item)) fresh.push(item);
  const added: T[] = [];
  const changed: Change<T>[] = [];
  for (const item of fresh) {
    const previous = left.get(keyOf(item))?.shift();
    if (previous) changed.push({ before: previous, after: item });
    else added.push(item);
  }
  return { added, changed, removed: [...left.values()].flat() };
}

/** Equal items are paired first, so that of several under one key only the changed one shows. */
function takeEqual<T extends { readonly metadata?: Metadata }>(candidates: T[] | undefined, item: T): boolean {
  const at = candidates?.findIndex((candidate) => equal(candidate, item)) ?? -1;
  if (at < 0) return false;
  candidates?.splice(at, 1);
  return true;
}

function pushTo<T>(lists: Map<string, T[]>, key: string, item: T): void {
  const list = lists.get(key);
  if (list) list.push(item);
  else lists.set(key, [item]);
}

function equal(a: { readonly metadata?: Metadata }, b: { readonly metadata?: Metadata }): boolean {
  return canonicalJson({ ...a, ...metadataOf(a) }) === canonicalJson({ ...b, ...metadataOf(b) });
}

const metadataOf = ({ metadata }: { readonly metadata?: Metadata }): { readonly metadata: Metadata | undefined } => ({
  metadata: withMetadata(metadata).metadata,
});
