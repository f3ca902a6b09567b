/**
 * Makes a network what its graph wants. `Desired` (the graph, resolved) and `Observed` (announcements, processes, what
 * is bound) go into one pure function, `plan`, whose steps an executor carries out, each idempotent and repeated with
 * back-off. `Coordinator` runs this for as long as it lives; one-shot tools run it until nothing is left to do.
 *
 * Edits settle before they are planned (`Wanted`), so that what belongs together is made together: new ways before old
 * ones are taken away, and those only when their senders know (`departing.ts`).
 *
 * What cannot be derived from the two states (bindings we made, IIPs already given to an instance) is a small file of
 * records, so that a coordinator killed at any moment is continued by the next. Processes are started through the
 * `Launcher` it is given: the keeper, a supervisor, later a host.
 */
export { Coordinator } from './coordinator.js';
export type { CoordinatorOptions } from './coordinator-options.js';
export { CountersFeed } from './counters-feed.js';
export { DiscoveryFeed } from './discovery-feed.js';
export { deadLettersBehind, impliedOutports, portNamed } from './edges.js';
export type { CoordinatorEvent } from './events.js';
export type { NetworkFigures, QueueReport, RoleFigures } from './figures.js';
export type { Instruments } from './instruments.js';
export type { Launch, Launcher } from './launcher.js';
export { type LaunchOptions, launchesOf, type UnknownComponent } from './launches.js';
export type { OpenClient } from './mover.js';
export type { EdgeReport, NetworkReport, NodeReport, NodeState } from './network-report.js';
export { type Feed, type Inlet, type InletFigures, QueueMeter } from './queue-meter.js';
export type { InportCounts, OutportCounts } from './role-counts.js';
export { bindingKey, type TapWish } from './state.js';
