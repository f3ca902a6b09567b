/**
 * Starting, watching, restarting and stopping child processes, and making sure that none is left behind.
 *
 * A `Supervisor` runs the participants of a graph, each in a process group of its own, their output forwarded with the
 * role in front. A `KeptService` is one part that must not be missing, such as the coordinator. Both hand what they start to a
 * `Guard`, which ends it within 2 s when this process dies in whatever way.
 *
 * The keeper owns all three. Its coordinator orders processes through a `KeeperClient`, which a `KeeperServer` in the
 * keeper answers over the channel between parent and child, so that a coordinator can be killed and replaced without
 * any process noticing. Supervisor and KeeperClient have the same surface.
 */
export { Guard } from './guard.js';
export { KeeperClient, type KeeperClientOptions } from './keeper-client.js';
export type { IpcChannel } from './keeper-protocol.js';
export { KeeperServer } from './keeper-server.js';
export { KeptService, type KeptServiceOptions } from './kept-service.js';
export { prefixedOutput } from './lines.js';
export type { Exit, OutputLine, ProcessSpec, ProcessState, ProcessStatus } from './model.js';
export type { RestartOptions } from './restart-policy.js';
export { Secrets } from './secrets.js';
export { isSharedOrder, SHARED_VARIABLE, type SharedEnd } from './shared-protocol.js';
export { type OutputHandler, Supervisor, type SupervisorOptions } from './supervisor.js';
