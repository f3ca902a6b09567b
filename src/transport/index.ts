/**
 * What every way of carrying messages has in common: the contract (`Client` for participants, `Broker` for coordinators),
 * what a transport can and cannot do (`Capabilities`), the errors, and a registry by URL scheme. The transports
 * themselves live in one folder each below this one; nothing outside those folders asks which of them it talks to.
 */
export {
  type Binding,
  type BindingKind,
  type Broker,
  type BrowseRange,
  type Capabilities,
  type Client,
  type ClientOptions,
  type ConsumeOptions,
  type Consumer,
  type DeadLetter,
  type Delivery,
  deadLetterQueue,
  type Handler,
  type KeptLetter,
  type KeptMessage,
  type LetterFate,
  type LetterVisit,
  type Message,
  type Notice,
  type NoticeHandler,
  type Output,
  type QueueDepth,
  type QueueKind,
  type QueueOptions,
  type Release,
  type Settlement,
  type Status,
  type Subscription,
  type Verdict,
} from './contract.js';
export {
  BrokerUnreachableError,
  NotConnectedError,
  QueueMismatchError,
  QueueNotFoundError,
  RefusedError,
  UnroutedError,
} from './errors.js';
export {
  HEADER,
  isTraceparent,
  isUnsendable,
  MAX_ATTEMPTS_CHARS,
  MAX_REASON_CHARS,
  MAX_STACK_CHARS,
  sendable,
} from './headers.js';
export { InHand } from './in-hand.js';
export { decodePart, decodePayload, encodePayload } from './payload.js';
export { checkQueueOptions } from './queue-options.js';
export { type TransportFactory, TransportRegistry, withoutPassword } from './registry.js';
export { isReleased, type SettlingAttempt, settleReleasing } from './releasing.js';
export {
  checkHeaders,
  checkPrefetch,
  deadLetterHeaders,
  identityOf,
  runHandler,
  stamped,
} from './settle.js';
export { ID_KIND, newToken, numberAt, Stamps, timeOf } from './stamps.js';
export { UnroutedLanes } from './unrouted-lanes.js';
