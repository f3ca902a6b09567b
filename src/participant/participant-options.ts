import { randomUUID } from 'node:crypto';
import { DISCOVERY_NOTICE, goneMessageOf } from '../discovery/index.js';
import { asParticipantId, asRole, type ParticipantId } from '../names.js';
import type { Logger } from '../support/index.js';
import type { Client, ClientOptions } from '../transport/index.js';
import type { Permits } from './permits.js';

export interface ParticipantOptions {
  readonly role: string;
  /** Made with `participantClientOptions`, not connected yet. The participant connects and closes it. */
  readonly broker: Client;
  /** @default `<role>-<uuid>` */
  readonly id?: string;
  /** Set by a keeper: nothing is sent before a wiring of this run has come. */
  readonly run?: string;
  /** Initial data from the command line, by inport; an IIP of equal content in the wiring is not taken again. */
  readonly iips?: Readonly<Record<string, unknown>>;
  /** Discovery period; an announcement is made every `periodMs` / 2.2. @default 60,000 */
  readonly periodMs?: number;
  /** Without `run`: how long to wait for a retained wiring before going on without. @default 1,000 */
  readonly wiringWaitMs?: number;
  /** Scheme of the broker's address (`amqp`), for the names of spans' attributes. */
  readonly scheme?: string;
  /** Folder in which it is noted of which messages processes die, see `InportSpec.crashes`. @default .msgflo/attempts */
  readonly attemptsIn?: string;
  /** For participants that share a process, one for all of them: a message that may kill it is worked on alone. */
  readonly processPermits?: Permits;
  readonly log?: Logger;
}

/** A unique id for an instance of a role. */
export const newParticipantId = (role: string): ParticipantId => asParticipantId(`${role}-${randomUUID()}`);

/** What the client of a participant must be made with: the broker says 'gone' for it when it dies. */
export function participantClientOptions(who: {
  readonly id: string;
  readonly role: string;
  readonly slot?: string;
  readonly slotIfFree?: boolean;
}): ClientOptions {
  const { id, role, slot, slotIfFree } = who;
  const body = goneMessageOf({ id: asParticipantId(id), role: asRole(role) });
  const lastWords = { name: DISCOVERY_NOTICE, body };
  if (slot === undefined) return { id, lastWords };
  const givesUpSlot = isFurther(slot);
  return { id, lastWords, slot, givesUpSlot, ...(slotIfFree === undefined ? {} : { slotIfFree }) };
}

/**
 * The first instance of a role (`role.1`) holds the place of the role while it is away. A further one that is stopped
 * may never be started again, and would let its share of the messages wait for nobody.
 */
function isFurther(slot: string): boolean {
  return Number(/\.(\d+)$/.exec(slot)?.[1] ?? 1) > 1;
}
