import type { Graph } from '../graph/index.js';

/** A port as editors draw it. */
export interface ComponentPort {
  readonly id: string;
  /** What it carries; `any` when nobody said. */
  readonly type?: string;
  readonly description?: string;
  readonly addressable?: boolean;
  readonly required?: boolean;
  /** The address of a JSON Schema. A schema given in full has no place in the protocol and is left out. */
  readonly schema?: string | Readonly<Record<string, unknown>>;
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
  /** It has something in hand or waiting. */
  readonly running: boolean;
  /** Seconds since it was started; 0 when it is not. */
  readonly uptimeSeconds: number;
}

/** What editors are told without asking. */
export type NetworkEvent =
  /** A component is new, or has other ports than before. */
  { readonly kind: 'component'; readonly component: ComponentInfo } | { readonly kind: 'status' };

/** The running network as this folder needs it; the coordinator's side satisfies it. No call blocks on a broker. */
export interface Network {
  /** A UUID that stays the same over restarts; editors compare it with the one of the live URL. */
  readonly id: string;
  readonly label: string;
  /** The namespace of the project's own components. */
  readonly namespace?: string;
  readonly repository?: string;
  graph(): Graph;
  /** The graph with the discovered roles among its nodes, as FBP JSON text. */
  graphSource(): string | Promise<string>;
  components(): readonly ComponentInfo[];
  /** Undefined where there is no text to read. `name` is a client's: it is looked up, never made into a path. */
  componentSource(name: string): Promise<ComponentSource | undefined>;
  status(): NetworkStatus;
  /** Calls `listener` after each change until the function it gave back is called. */
  subscribe(listener: (event: NetworkEvent) => void): () => void;
}
