/**
 * The commands of the FBP protocol that are answered, one file per sub-protocol, each a table from command to the schema
 * of its payload and the function that answers it. A handler gets a payload that fits, replies through its `Exchange`,
 * and throws an error whose message is for the client to read; access, order, ids and time limits are the session's
 * affair. `commands.ts` above puts the tables together.
 */
export { componentCommands } from './component.js';
export { graphCommands } from './graph.js';
export { networkCommands } from './network.js';
export { runtimeCommands } from './runtime.js';
export { traceCommands } from './trace.js';
