import type { Graph } from '../graph/index.js';
import type { Role } from '../names.js';
import type { ProcessSpec } from '../process/index.js';
import type { Logger } from '../support/index.js';
import type { Broker } from '../transport/index.js';
import type { Launch, Launcher } from './launcher.js';
import type { OpenClient } from './mover.js';

export interface CoordinatorOptions {
  readonly graph: Graph;
  /** @default true */
  readonly isStarted?: boolean;
  /** Connected; closed by whoever opened it. */
  readonly broker: Broker;
  /** Opens further clients at the same broker, for what needs a session of its own. */
  readonly openClient?: OpenClient;
  /** Absent: nothing is started, participants come by themselves. */
  readonly launcher?: Launcher;
  /** The processes of a graph; asked at every edit. @throws {UsageError} for one that cannot be launched as it asks */
  readonly launches?: (graph: Graph) => ReadonlyMap<Role, Launch>;
  /** Starts a router where the broker cannot bind and a target takes no wiring. */
  readonly router?: ProcessSpec;
  /** The run of the keeper that starts the processes. */
  readonly run?: string;
  /** Where records are kept; absent: nowhere, and a restart may repeat what cannot be derived. */
  readonly recordsPath?: string;
  /** Names the broker in the records, without a password: what was done at another counts for nothing. @default '' */
  readonly brokerName?: string;
  /** Silence after which a participant is lost, in ms. @default 600000 */
  readonly lapseMs?: number;
  readonly log: Logger;
  readonly nowMs?: () => number;
}
