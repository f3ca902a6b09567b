/**
 * What both ends of a connection to a node must agree on: addresses, the file that says where a node is, TLS files, frames, messages. The server and the client
 * stand on it; it knows neither the store nor the node.
 */
export {
  type AddressOptions,
  addressOf,
  checkNamespaceFolder,
  checkTlsAddress,
  formatAddress,
  type LogAddress,
  namespaceFolder,
  readAddress,
} from './address.js';
export { AddressError, WireError } from './errors.js';
export { FrameStream, MAX_FRAME_BYTES } from './frame-stream.js';
export {
  INVALID_MESSAGE,
  LIVE_PROC,
  type ProcData,
  type RangeData,
  REPLIES,
  type Reply,
  type Request,
  type RequestOf,
  type Requests,
  type RequestType,
  type SystemProcData,
  UNKNOWN_MESSAGE,
  type WireRecord,
} from './messages.js';
export { type NodeFile, nodeFileIn, parseNodeFile } from './node-file.js';
export { type Refused, readReply, readRequest } from './read-message.js';
export { readTlsFiles, type TlsFiles, type TlsTexts } from './tls-files.js';
export { tlsReason } from './tls-reasons.js';
