import type { ParticipantId, PortName, QueueName, Role } from '../names.js';

/** One port as a participant announces it. A port without a queue cannot be wired and is not announced. */
export interface PortDefinition {
  readonly id: PortName;
  readonly queue: QueueName;
  readonly type?: string;
  readonly description?: string;
  readonly schema?: string | Readonly<Record<string, unknown>>;
  readonly options?: Readonly<Record<string, unknown>>;
  readonly hidden?: boolean;
  /** Inports of our own participants on a broker that cannot bind: the source queues it is subscribed to just now. */
  readonly sources?: readonly QueueName[];
}

/** What a participant says of itself in discovery. Source: msgflo-nodejs 0.11, field by field. */
export interface Definition {
  readonly id: ParticipantId;
  readonly role: Role;
  readonly component: string;
  readonly label?: string;
  /** A Font Awesome name. */
  readonly icon?: string;
  readonly inports: readonly PortDefinition[];
  readonly outports: readonly PortDefinition[];
  /** The next four only from a participant that itself speaks the FBP runtime protocol. */
  readonly type?: string;
  readonly version?: string;
  readonly inqueue?: QueueName;
  readonly outqueue?: QueueName;
  /** 1: it takes wiring messages (docs/wire.md). */
  readonly wiring?: 1;
  /** The hash of the wiring it has carried out last; absent before the first. */
  readonly wired?: string;
}
