import type { TapWish } from '../coordinator/index.js';
import { type Edge, iipKey, portKey } from '../graph/index.js';
import type { PortRef } from '../names.js';
import type { NetworkEvent, Wish } from '../protocol/index.js';
import type { EdgeRoutes } from './edge-routes.js';

/** What of a graph is to be shown. */
interface View {
  readonly routes: EdgeRoutes;
  /** Edges by the outport that their messages come from. */
  readonly messages: ReadonlyMap<string, readonly Edge[]>;
  /** Edges by the inport whose dead letters go over them. */
  readonly letters: ReadonlyMap<string, readonly Edge[]>;
  /** Inports at the end of edges: their IIPs are shown. */
  readonly fed: ReadonlySet<string>;
}

/**
 * What clients see of messages: turns what they wish to see into outports to tap, and each copy that comes from there into
 * what is told, once for every edge that carries it. An edge at a node like `msgflo/PubSub` shows what the participants
 * before it sent. Edges that the graph does not have, or not yet, are remembered.
 */
export class EdgeData {
  readonly #routes: () => EdgeRoutes;
  #wish: Wish = { edges: [], packets: false, errors: false };
  #known: View | undefined;

  /** @param routes those of the graph as it is at the time; the same object for the same graph */
  constructor(routes: () => EdgeRoutes) {
    this.#routes = routes;
  }

  setWish(wish: Wish): void {
    this.#wish = wish;
    this.#known = undefined;
  }

  /** What is tapped depends on the graph's edges. */
  get isByEdge(): boolean {
    return this.#wish.edges === 'all' || this.#wish.edges.length > 0;
  }

  /** What is to be tapped, as little as will do. */
  get taps(): TapWish {
    const { edges, packets: exported, errors } = this.#wish;
    if (!this.isByEdge) return { outports: [], deadLetters: errors, exported };
    const { routes, messages, letters } = this.#view;
    const outports = new Map(
      [...messages.values()].flat().flatMap((edge) => {
        return routes.sourcesOf(edge).from.map((from) => [portKey(from), from] as const);
      }),
    );
    return {
      outports: edges === 'all' ? 'all' : [...outports.values()],
      deadLetters: errors || letters.size > 0,
      exported,
    };
  }

  /** What is told when a message left an outport. */
  copied(from: PortRef, data: unknown): readonly NetworkEvent[] {
    const { routes, messages } = this.#view;
    const told = (messages.get(keyOf(from, routes)) ?? []).map((edge) => dataOver(edge, data));
    if (!this.#wish.packets) return told;
    return [...told, ...routes.exportedBy(from).map((port): NetworkEvent => ({ kind: 'packet', port, data }))];
  }

  /** What is told when a message was dead-lettered at an inport, besides that it was. */
  deadLettered(of: PortRef, data: unknown): readonly NetworkEvent[] {
    const { routes, letters } = this.#view;
    return (letters.get(keyOf(of, routes)) ?? []).map((edge) => dataOver(edge, data));
  }

  /** What is told when an IIP was given: to everybody who looks at an edge into its port. */
  given(to: PortRef, data: unknown): readonly NetworkEvent[] {
    const { routes, fed } = this.#view;
    if (this.#wish.edges !== 'all' && !fed.has(keyOf(to, routes))) return [];
    const ref = routes.named({ role: to.role, port: to.port });
    const key = iipKey({ to: ref, data });
    const written = routes.graph.iips.find((iip) => {
      const { index: _index, ...bare } = iip.to;
      return iipKey({ to: bare, data: iip.data }) === key;
    });
    return [{ kind: 'data', to: written?.to ?? ref, data }];
  }

  get #view(): View {
    const routes = this.#routes();
    if (this.#known?.routes !== routes) this.#known = viewOf(routes, this.#wish);
    return this.#known;
  }
}

function viewOf(routes: EdgeRoutes, { edges }: Wish): View {
  const chosen = edges === 'all' ? routes.graph.edges : routes.edgesOf(edges);
  const messages = new Map<string, Edge[]>();
  const letters = new Map<string, Edge[]>();
  for (const edge of chosen) {
    const { isDeadLetter, from } = routes.sourcesOf(edge);
    for (const source of from) listIn(isDeadLetter ? letters : messages, keyOf(source, routes)).push(edge);
  }
  const fed = new Set(chosen.flatMap((edge) => routes.waysOf(edge).map(({ to }) => keyOf(to, routes))));
  return { routes, messages, letters, fed };
}

function keyOf({ role, port }: PortRef, routes: EdgeRoutes): string {
  return portKey(routes.named({ role, port }));
}

function dataOver({ from, to }: Edge, data: unknown): NetworkEvent {
  return { kind: 'data', from, to, data };
}

function listIn<T>(lists: Map<string, T[]>, key: string): T[] {
  const list = lists.get(key) ?? [];
  lists.set(key, list);
  return list;
}
