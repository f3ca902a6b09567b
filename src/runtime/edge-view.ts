import type { Graph } from '../graph/index.js';
import type { EdgeStatus, QueueFigures, Wish } from '../protocol/index.js';
import { canonicalJson } from '../support/index.js';
import type { Coordination } from './coordination.js';
import { EdgeData } from './edge-data.js';
import { EdgeRoutes } from './edge-routes.js';
import { edgeStatuses, queueFigures } from './edge-status.js';
import { latestWithin } from './latest-within.js';

/** How long the broker may take to tell of queues, in ms. */
const QUEUES_WITHIN_MS = 800;

/** The edges of the graph as it is at the time: how they stand, what waits at their ends, and what goes over them. */
export class EdgeView {
  readonly data: EdgeData;
  /** Those known last where the broker takes too long to tell. */
  readonly queues: () => Promise<readonly QueueFigures[]>;
  readonly #coordinator: Pick<Coordination, 'report' | 'instruments' | 'wish'>;
  #graph: Graph;
  #routes: EdgeRoutes | undefined;
  #taps = '';

  constructor(graph: Graph, coordinator: Pick<Coordination, 'report' | 'instruments' | 'wish'>) {
    this.#graph = graph;
    this.#coordinator = coordinator;
    this.data = new EdgeData(() => this.routes);
    const ask = async (): Promise<readonly QueueFigures[]> =>
      queueFigures(this.routes, await coordinator.instruments.queues());
    this.queues = latestWithin(ask, { withinMs: QUEUES_WITHIN_MS, before: [] });
  }

  /** Made when first needed: many edits may come before. */
  get routes(): EdgeRoutes {
    this.#routes ??= new EdgeRoutes(this.#graph);
    return this.#routes;
  }

  setGraph(graph: Graph): void {
    if (graph === this.#graph) return;
    const hasOtherEdges = graph.edges !== this.#graph.edges;
    this.#graph = graph;
    this.#routes = undefined;
    if (hasOtherEdges && this.data.isByEdge) this.#tap();
  }

  wish(wish: Wish): void {
    this.data.setWish(wish);
    this.#tap();
  }

  statuses(): readonly EdgeStatus[] {
    return edgeStatuses(this.routes, this.#coordinator.report());
  }

  #tap(): void {
    const { taps } = this.data;
    const text = canonicalJson(taps);
    if (text === this.#taps) return;
    this.#taps = text;
    this.#coordinator.wish(taps);
  }
}
