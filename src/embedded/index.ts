/**
 * The program of a node, and the broker that runs when none is given: a log on disk or in memory, the queues on it, and its
 * doors. One listener serves clients of the queues (the transport `log`, whose wire it speaks) and of the log (`PipeProc`);
 * further ones are for other machines.
 *
 * `main.ts` is it as a process of its own; `broker.json` is how the other executables run in the same folder find it.
 */
export { type BrokerFile, readBrokerFile } from './broker-file.js';
export { type BrokerCounters, EmbeddedBroker } from './embedded-broker.js';
export { NODE_HOPELESS } from './errors.js';
export { SETTINGS_VARIABLE } from './node-flags.js';
export type { EmbeddedBrokerOptions } from './node-parts.js';
