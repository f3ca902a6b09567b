/**
 * msgflo for authors of participants: `import { participant } from 'msgflo'`. Light to load: transports are loaded when a
 * client is opened, and the coordinator, the server and the command line not at all.
 */
import { randomUUID } from 'node:crypto';
import { participantClientOptions } from './participant/index.js';
import { createLogger } from './support/index.js';
import { builtinTransports } from './transport/builtin/index.js';
import type { Client } from './transport/index.js';

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
  PermanentError,
  PortSchemaError,
  type PortSpec,
  PortTypeError,
  type ProcessContext,
  type ProduceContext,
  participant,
  participantClientOptions,
  type RetrySpec,
  SchemaError,
  StoppedError,
  type Surroundings,
  UnknownPortError,
} from './participant/index.js';
export type { Logger } from './support/index.js';
export type { Client } from './transport/index.js';

/**
 * A client for one participant, to be given to `new Participant` together with the same `role` and `id`; the participant
 * connects and closes it. Programs that only want to run a component need not call this: `msgflo-participant` does.
 *
 * @param address of the broker: `amqp://`, `mqtt://`, `log:///folder` ...
 * @throws {UsageError} for an address that is none, or of an unknown scheme
 */
export async function openClient(
  address: string,
  { role, id = `${role}-${randomUUID()}` }: { readonly role: string; readonly id?: string },
): Promise<Client> {
  return builtinTransports().open(address, participantClientOptions({ id, role }), createLogger(role));
}
