/**
 * msgflo for authors of participants: `import { participant } from 'msgflo'`. Light to load: transports are loaded when a
 * client is opened, and the coordinator, the server and the command line not at all.
 */
export { MsgfloError, TimeoutError, UnsupportedError, UsageError } from './errors.js';
export {
  type Component,
  ComponentError,
  type ComponentSpec,
  type InportSpec,
  type Inports,
  type Inputs,
  LateSendError,
  type OutportSpec,
  type Outports,
  Participant,
  type ParticipantOptions,
  type PortSpec,
  PortTypeError,
  type ProcessContext,
  type ProduceContext,
  participant,
  participantClientOptions,
  StoppedError,
  type Surroundings,
  UnknownPortError,
} from './participant/index.js';
export type { Logger } from './support/index.js';
