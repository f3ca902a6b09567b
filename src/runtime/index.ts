/**
 * The running network as editors see and change it. `Runtime` satisfies the protocol's `Network`: it keeps the graph that is
 * wanted, which edits change at once and all together, has a `Coordination` (the coordinator) make it so and a `GraphStore`
 * (the graph's file) keep it, and puts what these tell into the words that clients know. `Project` is the components there
 * are at the moment and how they are started, for the runtime and the coordinator alike. `FbpRelay` asks participants that
 * are FBP runtimes themselves. `Metrics` tells the network's figures in the text format of Prometheus.
 *
 * Around the graph: `graph-edits.ts`, `foreign-roles.ts` (roles that others play), `exported-ports.ts`, `graph-identity.ts`.
 * Around what happens: `news.ts`, `troubles.ts`, `losses.ts`. `edge-view.ts` shows edges by
 * `edge-routes.ts`, which tells what participants one stands for: data (`edge-data.ts`) and states (`edge-status.ts`).
 */
export type { Coordination, GraphStore, LiveGraph, Relay } from './coordination.js';
export { gitCommit } from './git-commit.js';
export { Metrics, type MetricsSource } from './metrics.js';
export { Project, type ProjectLaunches, type ProjectOptions } from './project.js';
export { FbpRelay, type FbpRelayOptions } from './relay.js';
export { Runtime, type RuntimeOptions } from './runtime.js';
