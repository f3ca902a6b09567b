import { type EdgeEnd, edgeKey, type Graph, portKey, portNameIn } from '../graph/index.js';
import type { Client } from './client.js';
import type { EdgeEnds } from './network.js';

interface Selected {
  readonly edge: EdgeEnds;
  readonly clients: Set<Client>;
}

/**
 * Which client looks at which edges. Found by the edge, so that a message costs the same however much is selected. An end
 * that is selected without an index stands for all indexes of its port.
 */
export class Selections {
  readonly #graph: () => Pick<Graph, 'caseSensitive'>;
  readonly #everything = new Set<Client>();
  readonly #chosen = new Map<Client, readonly EdgeEnds[]>();
  readonly #byEdge = new Map<string, Selected>();
  /** By the port at the end of the edge, for IIPs. */
  readonly #byTarget = new Map<string, Set<Client>>();

  /** `graph` says how ports are spelled. */
  constructor(graph: () => Pick<Graph, 'caseSensitive'>) {
    this.#graph = graph;
  }

  /** These in place of what the client looked at before. */
  select(client: Client, edges: readonly EdgeEnds[]): void {
    this.forget(client);
    const spelled = edges.map((edge) => this.#spelled(edge));
    this.#chosen.set(client, spelled);
    for (const edge of spelled) {
      const selected = this.#byEdge.get(edgeKey(edge)) ?? { edge, clients: new Set() };
      this.#byEdge.set(edgeKey(edge), selected);
      selected.clients.add(client);
      const target = targetKey(edge.to);
      this.#byTarget.set(target, (this.#byTarget.get(target) ?? new Set()).add(client));
    }
  }

  /** Everything, unless the client has chosen before. */
  selectAll(client: Client): void {
    if (!this.#chosen.has(client)) this.#everything.add(client);
  }

  forget(client: Client): void {
    this.#everything.delete(client);
    for (const edge of this.#chosen.get(client) ?? []) {
      const selected = this.#byEdge.get(edgeKey(edge));
      if (selected?.clients.delete(client) && selected.clients.size === 0) this.#byEdge.delete(edgeKey(edge));
      const target = this.#byTarget.get(targetKey(edge.to));
      if (target?.delete(client) && target.size === 0) this.#byTarget.delete(targetKey(edge.to));
    }
    this.#chosen.delete(client);
  }

  /** Who looks at this edge; without `from`, at any edge into that port. */
  readersOf({ from, to }: { readonly from?: EdgeEnd; readonly to: EdgeEnd }): readonly Client[] {
    if (this.#byEdge.size === 0) return [...this.#everything];
    if (!from) return [...this.#everything, ...(this.#byTarget.get(targetKey(this.#end(to))) ?? [])];
    const keys = keysOf(this.#spelled({ from, to }));
    return [...this.#everything, ...new Set(keys.flatMap((key) => [...(this.#byEdge.get(key)?.clients ?? [])]))];
  }

  /** All edges that somebody looks at for whom `isServed` holds. */
  wanted(isServed: (client: Client) => boolean): 'all' | readonly EdgeEnds[] {
    if ([...this.#everything].some(isServed)) return 'all';
    return [...this.#byEdge.values()].filter(({ clients }) => [...clients].some(isServed)).map(({ edge }) => edge);
  }

  #spelled({ from, to }: EdgeEnds): EdgeEnds {
    return { from: this.#end(from), to: this.#end(to) };
  }

  #end(end: EdgeEnd): EdgeEnd {
    return { ...end, port: portNameIn(this.#graph(), end.port) };
  }
}

/** The edge itself, and those selections without an index that it falls under. */
function keysOf({ from, to }: EdgeEnds): readonly string[] {
  const froms = from.index === undefined ? [from] : [from, withoutIndex(from)];
  const tos = to.index === undefined ? [to] : [to, withoutIndex(to)];
  return froms.flatMap((one) => tos.map((other) => edgeKey({ from: one, to: other })));
}

const targetKey = (to: EdgeEnd): string => portKey(withoutIndex(to));

function withoutIndex({ role, port }: EdgeEnd): EdgeEnd {
  return { role, port };
}
