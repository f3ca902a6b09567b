import type { EdgeEnd, Edit, Graph } from '../graph/index.js';
import type { PortName, Role } from '../names.js';

/** A port as editors draw it. */
export interface ComponentPort {
  readonly id: string;
  /** What it carries; `any` when nobody said. */
  readonly type?: string;
  readonly description?: string;
  readonly addressable?: boolean;
  readonly required?: boolean;
  /** A JSON Schema, or its address. Clients are given an address: that of a schema given in full is a `data:` URL. */
  readonly schema?: string | Readonly<Record<string, unknown>>;
  /** No port of the program's own: the dead letters of an inport leave by it. */
  readonly isImplied?: boolean;
}

/** A kind of program that the graph can use: from the library, or announced by a participant. */
export interface ComponentInfo {
  /** With its namespace, as graphs write it: `files/Read`. */
  readonly name: string;
  readonly description?: string;
  /** A Font Awesome name. */
  readonly icon?: string;
  readonly inPorts: readonly ComponentPort[];
  readonly outPorts: readonly ComponentPort[];
}

export interface ComponentSource {
  /** Without its namespace. */
  readonly name: string;
  /** The namespace. */
  readonly library?: string;
  readonly language: string;
  readonly code: string;
}

export interface NetworkStatus {
  /** Somebody asked for the network to run. */
  readonly started: boolean;
  /** Messages are waiting or in hand, as far as the broker and the participants tell. */
  readonly running: boolean;
  /** Seconds since the first of its participants was there after the start; 0 before, and when it is not started. */
  readonly uptimeSeconds: number;
  /** Somebody asked for more to be told (`network:debug`). */
  readonly debug: boolean;
}

/** An edge by its ends, as an editor names it. */
export interface EdgeEnds {
  readonly from: EdgeEnd;
  readonly to: EdgeEnd;
}

/** What clients want to look at; the network taps no more than that. */
export interface Wish {
  /** Whose messages are to be told as `data`. */
  readonly edges: 'all' | readonly EdgeEnds[];
  /** Messages of exported outports are to be told as `packet`. */
  readonly packets: boolean;
  /** Dead letters are to be told as `process-error`. */
  readonly errors: boolean;
}

/** How a node stands: not there yet, heard, fewer than wanted, gone, or discovered but not in the graph. */
export type NodeState = 'pending' | 'live' | 'degraded' | 'lost' | 'foreign';

export interface NodeStatus {
  readonly role: Role;
  readonly state: NodeState;
  /** How many participants of the role are heard. */
  readonly participants: number;
  /** Why it is not live. */
  readonly why?: string;
}

/** An edge of the graph as it is written there; a way through several nodes like `msgflo/RoundRobin` is as good as its worst. */
export interface EdgeStatus extends EdgeEnds {
  readonly state: 'pending' | 'live';
  readonly why?: string;
}

/** The queue at the end of an edge. What nobody tells is absent. */
export interface QueueFigures extends EdgeEnds {
  readonly queue: string;
  /** Messages waiting. */
  readonly ready?: number;
  /** Messages handed over and not settled. */
  readonly unacked?: number;
  readonly consumers?: number;
  /** Messages a second. */
  readonly inPerSecond?: number;
  readonly outPerSecond?: number;
}

/** Identity of a client. It is not told of what it asked for itself: that is the answer. */
export type Origin = object;

/** What clients are told without asking. */
export type NetworkEvent =
  /** A component is new, or has other ports than before. */
  | { readonly kind: 'component'; readonly component: ComponentInfo }
  /** What changed in the graph, in order. */
  | { readonly kind: 'edited'; readonly changes: readonly Edit[]; readonly by?: Origin }
  /** Another graph, empty, takes the place of the one there was. */
  | { readonly kind: 'cleared'; readonly by?: Origin }
  | { readonly kind: 'started'; readonly by?: Origin }
  /** After so many seconds of running. */
  | { readonly kind: 'stopped'; readonly uptimeSeconds: number; readonly by?: Origin }
  /** The exported ports, or what is known of them, may be other than before. */
  | { readonly kind: 'ports' }
  /** A message went over an edge; without `from` it was an IIP. Only what somebody wished for. */
  | { readonly kind: 'data'; readonly from?: EdgeEnd; readonly to: EdgeEnd; readonly data: unknown }
  /** A message left through an exported outport. Only when wished for. */
  | { readonly kind: 'packet'; readonly port: PortName; readonly data: unknown }
  /** A line that a participant printed. */
  | { readonly kind: 'output'; readonly role: Role; readonly stream: 'stdout' | 'stderr'; readonly line: string }
  /** A process crashed, a message was dead-lettered, an edge cannot be made: with the reason. */
  | { readonly kind: 'process-error'; readonly role: Role; readonly message: string }
  /** Something about the whole that people should know, or that it is over; told in words. */
  | { readonly kind: 'error'; readonly message: string }
  | { readonly kind: 'icon'; readonly role: Role; readonly icon: string }
  /** `nodes()` or `edges()` may answer otherwise than before. */
  | { readonly kind: 'states' };

/** What `graph:clear` says of the graph to begin. */
export interface NewGraph {
  readonly id: string;
  readonly isMain: boolean;
  readonly description?: string;
  readonly icon?: string;
  readonly library?: string;
}

/** A message of the protocol for, or from, a participant that speaks it itself. */
export interface RelayedMessage {
  readonly protocol: string;
  readonly command: string;
  readonly payload: Readonly<Record<string, unknown>>;
}

/**
 * The running network as this folder needs it; the coordinator's side satisfies it. What changes something happens at
 * once, in the call, and is told to all subscribers before it returns, so that all clients see the same order.
 */
export interface Network {
  /** A UUID that stays the same over restarts; editors compare it with the one of the live URL. */
  readonly id: string;
  readonly label: string;
  /** The namespace of the project's own components. */
  readonly namespace?: string;
  readonly repository?: string;
  readonly repositoryVersion?: string;
  /** How clients name the graph. What they are told names it so, whatever they call it. */
  readonly graphId: string;
  graph(): Graph;
  /** The graph with the discovered roles among its nodes, as FBP JSON text. */
  graphSource(): string | Promise<string>;
  components(): readonly ComponentInfo[];
  /** Undefined where there is no text to read. `name` is a client's: it is looked up, never made into a path. */
  componentSource(name: string): Promise<ComponentSource | undefined>;
  /**
   * Writes the program text of a component of the project, new or known, and restarts the participants that use it.
   * @throws {MsgfloError} whose message is for the client: unfit name, unknown language, too long, other language than before
   */
  setComponentSource(source: ComponentSource): Promise<ComponentInfo>;
  /** As `NetworkStatus` has it. */
  readonly uptimeSeconds: number;
  /** May ask the broker; answers within a second all the same. */
  status(): Promise<NetworkStatus>;
  /** @throws {MsgfloError} whose message is for the client, saying why the edit is impossible; nothing is changed then */
  edit(edit: Edit, by?: Origin): readonly Edit[];
  /** Begins an empty graph, whose network is not started. @throws {MsgfloError} where this graph may not take the place of the one there is */
  clear(graph: NewGraph, by?: Origin): void;
  /** Has the processes that we run started, or stopped; queues and bindings stay. Idempotent. */
  setStarted(isStarted: boolean, by?: Origin): void;
  setDebug(isOn: boolean): void;
  /** Writes the graph to its file now. @throws {MsgfloError} where it has none, or it cannot be written, or was changed by somebody else */
  persist(): Promise<void>;
  /** Resolves when the broker has the message. @throws {MsgfloError} where there is no such port, or nobody behind it in time */
  sendPacket(port: PortName, data: unknown): Promise<void>;
  /** What is looked at from now on, in place of what was before. */
  wish(wish: Wish): void;
  nodes(): readonly NodeStatus[];
  edges(): readonly EdgeStatus[];
  /** Asks the broker, where that can tell. */
  queues(): Promise<readonly QueueFigures[]>;
  /** Undefined unless `graph` names a participant that speaks the protocol itself. @throws {MsgfloError} when it does not answer in time */
  relay(graph: string, message: RelayedMessage): Promise<RelayedMessage> | undefined;
  /** Calls `listener` after each change until the function it gave back is called. */
  subscribe(listener: (event: NetworkEvent) => void): () => void;
}
