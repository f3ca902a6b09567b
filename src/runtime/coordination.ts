import type { CoordinatorEvent, Instruments, NetworkReport, TapWish } from '../coordinator/index.js';
import type { Definition } from '../discovery/index.js';
import type { Edit, Graph } from '../graph/index.js';
import type { PortRef, Role } from '../names.js';
import type { RelayedMessage } from '../protocol/index.js';

/** What a runtime asks of the coordinator, which satisfies it. */
export interface Coordination {
  readonly isStarted: boolean;
  /** `performance.now()` when the first participant was there after the start. */
  readonly liveSinceMs: number | undefined;
  readonly instruments: Pick<Instruments, 'isBusy' | 'queues'>;
  setGraph(graph: Graph): void;
  setStarted(isStarted: boolean): void;
  relaunch(roles?: ReadonlySet<Role>): void;
  rename(from: Role, to: Role, graph: Graph): void;
  launches(role: Role): boolean;
  wish(wish: TapWish): void;
  send(to: PortRef, data: unknown, options: { readonly signal: AbortSignal }): Promise<void>;
  report(): NetworkReport;
  definitions(): readonly Definition[];
  subscribe(listener: (event: CoordinatorEvent) => void): () => void;
}

/** The graph as it is wanted at this moment, and what must not be lost with the coordinator's process. */
export interface LiveGraph {
  readonly graph: Graph;
  readonly graphId?: string;
  readonly isStarted: boolean;
  /** Roles of the graph that somebody else plays. */
  readonly others?: readonly Role[];
}

/** Where the wanted graph is kept; edits that others make of it there are told. */
export interface GraphStore {
  readonly live: LiveGraph;
  /** Takes note; written before long. */
  put(live: LiveGraph): void;
  /** Resolves when it is in the graph's own file. */
  persist(): Promise<void>;
  /** Called with what the store has taken over already. */
  onOutside(listener: (change: { readonly graph: Graph; readonly edits: readonly Edit[] }) => void): void;
  /** Called with lines for people, which it has logged already. */
  onProblem(listener: (message: string) => void): void;
}

/** Asks participants that speak the FBP protocol themselves. */
export interface Relay {
  ask(definition: Definition, message: RelayedMessage): Promise<RelayedMessage>;
}
