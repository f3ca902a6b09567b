import { asRole, type Role } from '../names.js';
import { edgeKey, iipKey, portKey } from './keys.js';
import type { Edge, Graph, Iip, Node } from './model.js';

/**
 * Nodes of `before` that stand in `after` under another role: same component, same connections and exports. A guess for
 * those who want to show a change in its place; renames made together with other edits of the same node are not seen.
 */
export function findRenames(before: Graph, after: Graph): ReadonlyMap<Role, Role> {
  const gone = unknownTo(after, before.nodes);
  const come = unknownTo(before, after.nodes);
  const renames = new Map<Role, Role>();
  if (gone.length === 0 || come.length === 0) return renames;
  const surroundings = surroundingsOf(after, new Set(come.map(({ role }) => role)));
  const surroundingsBefore = surroundingsOf(before, new Set(gone.map(({ role }) => role)));
  const free = new Map<string, Role[]>();
  for (const { role, component } of come) {
    const key = JSON.stringify([component, surroundings.get(role) ?? []]);
    free.set(key, [...(free.get(key) ?? []), role]);
  }
  for (const { role, component } of gone) {
    const to = free.get(JSON.stringify([component, surroundingsBefore.get(role) ?? []]))?.shift();
    if (to !== undefined) renames.set(role, to);
  }
  return renames;
}

/** The same edge or IIP between the nodes of the new roles. */
export function renamePart(part: Edge | Iip, renames: ReadonlyMap<Role, Role>): Edge | Iip {
  const to = { ...part.to, role: renames.get(part.to.role) ?? part.to.role };
  if (!('from' in part)) return { ...part, to };
  return { ...part, from: { ...part.from, role: renames.get(part.from.role) ?? part.from.role }, to };
}

function unknownTo({ nodes }: Graph, others: readonly Node[]): Node[] {
  const known = new Set(nodes.map(({ role }) => role));
  return others.filter(({ role }) => !known.has(role));
}

/** What is connected to each role, the role itself blanked out. */
function surroundingsOf(graph: Graph, roles: ReadonlySet<Role>): ReadonlyMap<Role, readonly string[]> {
  const found = new Map<Role, string[]>();
  const note = (role: Role, text: string): void => {
    if (!roles.has(role)) return;
    const texts = found.get(role) ?? [];
    texts.push(text);
    found.set(role, texts);
  };
  const blanked = (part: Edge | Iip, role: Role) => renamePart(part, new Map([[role, asRole('')]]));
  for (const edge of graph.edges) {
    for (const role of new Set([edge.from.role, edge.to.role])) {
      const part = blanked(edge, role);
      if ('from' in part) note(role, `edge ${edgeKey(part)}`);
    }
  }
  for (const iip of graph.iips) {
    const part = blanked(iip, iip.to.role);
    if (!('from' in part)) note(iip.to.role, `iip ${iipKey(part)}`);
  }
  for (const { name, target } of [...graph.inports, ...graph.outports]) {
    note(target.role, `port ${portKey({ ...target, role: asRole('') })} ${name}`);
  }
  for (const texts of found.values()) texts.sort();
  return found;
}
