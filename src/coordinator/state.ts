import type { KnownParticipant } from '../discovery/index.js';
import type { Iip } from '../graph/index.js';
import type { ParticipantId, PortName, PortRef, QueueName, Role } from '../names.js';
import type { ProcessSpec, ProcessState } from '../process/index.js';
import type { Binding } from '../transport/index.js';
import type { Launch } from './launcher.js';

/** An edge between two participants, nodes like `msgflo/RoundRobin` resolved away. */
export interface WantedEdge {
  /** Identity of the edge; compared, never parsed. */
  readonly key: string;
  /** `deadletter`: from the dead letters of the *inport* `from`. An edge from `dead_in` becomes one in `deadLettersTold`. */
  readonly kind: 'pubsub' | 'roundrobin' | 'deadletter';
  readonly from: PortRef;
  readonly to: PortRef;
}

/** What is wanted, derived from the graph and the library once per edit. */
export interface Desired {
  readonly graph: string;
  /** Ports are compared without regard to case unless this is true. */
  readonly caseSensitive: boolean;
  readonly roles: ReadonlySet<Role>;
  readonly edges: readonly WantedEdge[];
  readonly iips: readonly Iip[];
  /** Real outports behind the graph's exported ones: what leaves them is sent although no edge takes it. */
  readonly exportedOutports: readonly PortRef[];
  readonly taps: TapWish;
  readonly launches: ReadonlyMap<Role, Launch>;
  /** Starts a router, for edges that the broker cannot bind and whose target takes no wiring. */
  readonly router?: ProcessSpec;
  /** False: the processes we run are stopped; queues and bindings stay. */
  readonly started: boolean;
  /** The run of the keeper; absent where nothing keeps processes. */
  readonly run?: string;
}

/** What somebody wants to look on at; nothing is tapped that nobody looks at. */
export interface TapWish {
  /** Outports whose messages are to be copied to us, named as the graph does. */
  readonly outports: 'all' | readonly PortRef[];
  /** The exported ones too. */
  readonly exported: boolean;
  /** The dead letters of all inports. */
  readonly deadLetters: boolean;
}

export const NO_TAPS: TapWish = { outports: [], exported: false, deadLetters: false };

/** What was done and cannot be derived from the two states; survives a crash of the coordinator. */
export interface Records {
  /** Bindings made by us, or about to be, by `bindingKey`. */
  readonly bindings: ReadonlyMap<string, RecordedBinding>;
  /** IIPs sent on a queue to participants that know no wiring. */
  readonly sentIips: ReadonlyMap<ParticipantId, ReadonlySet<string>>;
  /** Roles that a wiring was published for. */
  readonly wiredRoles: ReadonlySet<Role>;
  /** What waits in the inqueues of a role that was renamed, still to be moved. */
  readonly moves: readonly Move[];
}

/** A role that we run was renamed: what waits for it under its old name goes to the new one. */
export interface Move {
  readonly from: Role;
  readonly to: Role;
  /** The inqueues of the old name, by inport. */
  readonly queues: Readonly<Record<PortName, QueueName>>;
  /** Where the broker does not bind: what they were subscribed to, by inport. */
  readonly sources: Readonly<Record<PortName, readonly QueueName[]>>;
  /** The slots of its instances: where sessions live in the broker, each holds its own share. */
  readonly slots: readonly string[];
}

export interface RecordedBinding {
  readonly binding: Binding;
  /** Key of the edge it was made for. */
  readonly edge: string;
}

export interface PublishedWiring {
  readonly hash: string;
  readonly atMs: number;
}

/** What is. */
export interface Observed {
  /** The broker binds by itself (`capabilities.binds`). */
  readonly binds: boolean;
  /** Senders are to bound what is unsettled at their targets (`capabilities.credits`). */
  readonly credits: boolean;
  /** By role, the latest heard last. */
  readonly participants: ReadonlyMap<Role, readonly KnownParticipant[]>;
  /** When each participant last announced itself, on the clock of `published`. */
  readonly heardAtMs: ReadonlyMap<ParticipantId, number>;
  readonly processes: ReadonlyMap<string, ProcessState>;
  /** Keys of those that have run for so long that who has not announced itself yet may never do so. */
  readonly overdue: ReadonlySet<string>;
  /** What each process was last started with by this coordinator. */
  readonly started: ReadonlyMap<string, ProcessSpec>;
  /** Keys of bindings known to be in place. */
  readonly bound: ReadonlySet<string>;
  /** Keys of those among them that may be gone with a queue that came anew: to be bound again. */
  readonly suspect: ReadonlySet<string>;
  /** Keys of bindings that were tried for long without success: nobody should wait for them. */
  readonly failing: ReadonlySet<string>;
  readonly published: ReadonlyMap<Role, PublishedWiring>;
  /** Of every wiring that was published: its hash, and that of its outports alone. */
  readonly toldOutports: ReadonlyMap<string, string>;
  /** Outqueues that are tapped. */
  readonly tapped: ReadonlySet<QueueName>;
  /** Roles whose waiting messages are on the move. */
  readonly moving: ReadonlySet<Role>;
  /** Keys of processes that run an older program than there is. */
  readonly outdated: ReadonlySet<string>;
  /** On the clock of `published`. */
  readonly nowMs: number;
  /** The network is just being started: also who is started elsewhere may be on the way. */
  readonly isSettling: boolean;
}

/** Identity of a binding; compared, never parsed. */
export function bindingKey({ kind, source, target }: Binding): string {
  return JSON.stringify([kind, source, target]);
}
