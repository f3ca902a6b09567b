/**
 * The FBP runtime protocol, by which visual editors see a running network and change it: frames of JSON text in, frames
 * out, and no idea of sockets. `Protocol` stands for one network and is given a `Network`, declared here and satisfied by
 * the coordinator's side; it opens a `ProtocolSession` for each client of whoever carries the frames (the server).
 *
 * A frame goes `read-request.ts` -> `access.ts`, which says what its secret opens -> `lanes.ts`, which says when its turn
 * is -> `commands.ts` (the table; one file per sub-protocol in `handlers/`) -> the check of its payload -> its handler ->
 * answers by `reply`. What names the graph of a participant that speaks the protocol itself goes there (`relay.ts`).
 *
 * Changes go the other way: a `NetworkEvent` becomes one frame for all sessions that may receive it, by
 * `change-messages.ts` if it concerns everybody, by `data-feed.ts` and `watchers.ts` if only those who look. A new command
 * is a row in its sub-protocol's table and one in `capabilities.ts`, without which nobody may send it.
 */
export { type AccessRules, READ_ONLY, type SecretRule } from './access.js';
export { type Capability, isCapability, OFFERED } from './capabilities.js';
export type { Client, TellOptions } from './client.js';
export type {
  ComponentInfo,
  ComponentPort,
  ComponentSource,
  EdgeEnds,
  EdgeStatus,
  Network,
  NetworkEvent,
  NetworkStatus,
  NewGraph,
  NodeState,
  NodeStatus,
  Origin,
  QueueFigures,
  RelayedMessage,
  Wish,
} from './network.js';
export { Protocol, type ProtocolOptions } from './protocol.js';
export type { ProtocolCounts, ProtocolSession, Send } from './session.js';
