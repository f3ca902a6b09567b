/**
 * Client of a node of the log: that of a folder (`log:///folder`, found by the broker file in it, and started where nobody
 * runs one), or at a port (`log://host:port?token=…`, with TLS `logs://host:port?key=…&cert=…&ca=…`). The wire is here too,
 * since the node's side (the folder `embedded`) is built on it: `FrameSocket` carries frames of a JSON head and raw bytes,
 * `Fields` reads heads; messages are bytes (`MESSAGE`).
 *
 * A connection begins with `hello`; every request has a number `re`, answered by `done` (several at once), `answer` or
 * `refused`. Unasked come deliveries, `tapped` and `notice`. What cannot be read ends the connection.
 */
import type { TransportFactory } from '../index.js';
import { LogBroker } from './log-broker.js';

export { folderAddress, type KeyFiles, readLogTarget, shownLogAddress } from './address.js';
export type { ByteReader } from './byte-reader.js';
export { WIRE_VERSION } from './connection.js';
export { Fields } from './fields.js';
export { FrameSocket } from './frame-socket.js';
export { checkHeaderText } from './header-text.js';
export {
  MESSAGE,
  type ReadOutput,
  readSend,
  readSettlement,
  type WireSend,
  type WireSettlement,
  writeDelivery,
  writeDone,
} from './message-frames.js';
export { findNode, readNodeFile, writeNodeFile } from './node-file.js';
export { NODE_RUNNING } from './start-node.js';
export { LogBroker };

/** Makes clients for `log://` and `logs://` addresses. */
export const openLog: TransportFactory = async (address, options, log) => new LogBroker(address, options, log);
