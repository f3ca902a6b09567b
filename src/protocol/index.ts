/**
 * The FBP runtime protocol, by which visual editors see a running network: frames of JSON text in, frames out, and no
 * idea of sockets. `Protocol` stands for one network and is given a `Network`, declared here and satisfied by the
 * coordinator's side; it opens a `ProtocolSession` for each client of whoever carries the frames (the server).
 *
 * A frame goes `read-request.ts` -> `commands.ts` (the table; one file per sub-protocol in `handlers/`) -> the check of
 * its payload against `schemas.ts` -> its handler -> answers by `reply`. Changes go the other way: a `NetworkEvent`
 * becomes one frame, sent to each session whose `capabilities.ts` cover it. A new command is a row in its sub-protocol's
 * file and a schema; a new capability is a row in its table.
 */
export type {
  ComponentInfo,
  ComponentPort,
  ComponentSource,
  Network,
  NetworkEvent,
  NetworkStatus,
} from './network.js';
export { Protocol, type ProtocolOptions } from './protocol.js';
export type { ProtocolCounts, ProtocolSession, Send } from './session.js';
