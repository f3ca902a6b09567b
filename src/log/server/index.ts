/**
 * The node's side for programs that use the log: a door at an address for clients that speak JSON (`NodeServer`), the
 * processes that run processors (`WorkerPool`). The program of a node (the folder `embedded`) puts them together.
 */
export { AddressInUseError } from './errors.js';
export { isSameText } from './first-words.js';
export { NodeAnswers } from './node-answers.js';
export { NodeServer, type NodeServerOptions } from './node-server.js';
export {
  type DoorSettings,
  type NodeReport,
  type NodeSettings,
  readSettings,
} from './node-settings.js';
export { statusOf } from './status.js';
export { WorkerPool, type WorkerPoolOptions } from './worker-pool.js';
