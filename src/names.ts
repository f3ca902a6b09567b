/**
 * The names that the whole of msgflo is built from, as branded strings: a role where a queue name is wanted must not
 * compile. A name is branded once, where it enters (a reader, an author's API), and never parsed afterwards.
 */
declare const brand: unique symbol;
type Branded<B extends string> = string & { readonly [brand]: B };

/** A participant's name in the graph; several running instances may share one. Any characters. */
export type Role = Branded<'Role'>;
/** One running instance, usually `<role>-<uuid>`. */
export type ParticipantId = Branded<'ParticipantId'>;
/** A port of a participant, as it announces it. */
export type PortName = Branded<'PortName'>;
/** A queue at the broker: the inqueue or the outqueue of a port. */
export type QueueName = Branded<'QueueName'>;

export const asRole = (text: string): Role => text as Role;
export const asParticipantId = (text: string): ParticipantId => text as ParticipantId;
export const asPortName = (text: string): PortName => text as PortName;
export const asQueueName = (text: string): QueueName => text as QueueName;

/** One port of one role. */
export interface PortRef {
  readonly role: Role;
  readonly port: PortName;
}
