import type { ParticipantTable } from '../discovery/index.js';
import type { ParticipantId, PortRef, QueueName, Role } from '../names.js';
import type { Binding, BindingKind } from '../transport/index.js';

/** What is at the broker, as far as it can be told. */
export interface Seen {
  /** The broker itself carries messages (`capabilities.binds`). */
  readonly binds: boolean;
  /** `bindings` holds those of others too (`capabilities.foreignBindings`). */
  readonly tellsAll: boolean;
  readonly bindings: readonly Binding[];
  readonly participants: ParticipantTable;
  /** Where the broker does not bind: somebody carries out the routes. */
  readonly hasRouter: boolean;
}

/** Who carries a binding: the broker, a target that subscribes by itself, the router, or nobody: both ends are one queue. */
export type Via = 'broker' | 'wiring' | 'router' | 'same-queue';

/**
 * `bound`: as the graph wants it, or, without a graph, at all. `missing`: wanted, and not there. `unknown`: wanted, and it
 * cannot be told. `left-over`: there, between roles of the graph, and not wanted. `foreign`: there, and none of the graph's.
 */
export type BindingState = 'bound' | 'missing' | 'unknown' | 'left-over' | 'foreign';

/** A binding that is there or wanted; queues and ports are absent where nobody told them. */
export interface BindingRow {
  readonly state: BindingState;
  /** `deadletter`: `from` is the inport whose dead letters go to `to`. */
  readonly kind: BindingKind | 'deadletter';
  readonly source?: QueueName;
  readonly target?: QueueName;
  readonly from?: PortRef;
  readonly to?: PortRef;
  readonly via?: Via;
  readonly why?: string;
}

export interface UnconnectedPort extends PortRef {
  readonly direction: 'in' | 'out';
  readonly queue: QueueName;
}

export interface RoleSeen {
  readonly role: Role;
  readonly component: string;
  readonly participants: readonly ParticipantId[];
  /** Absent without a graph. */
  readonly inGraph?: boolean;
}

export interface BindingsReport {
  /** In the order of the graph, then those left over. */
  readonly bindings: readonly BindingRow[];
  readonly foreign: readonly BindingRow[];
  readonly unconnected: readonly UnconnectedPort[];
  readonly roles: readonly RoleSeen[];
  /** Roles of the graph that nobody announced. */
  readonly silent: readonly Role[];
  /** False: others may have bound what cannot be seen here. */
  readonly complete: boolean;
}
