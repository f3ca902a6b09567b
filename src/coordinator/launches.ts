import { UsageError } from '../errors.js';
import { type Graph, type Iip, type Node, participantNodes } from '../graph/index.js';
import { type Library, UnknownComponentError } from '../library/index.js';
import type { Role } from '../names.js';
import type { ProcessSpec } from '../process/index.js';
import { contentHash, groupBy } from '../support/index.js';
import type { Launch } from './launcher.js';

export interface LaunchOptions {
  /** Address of the broker as children are to use it. */
  readonly broker: string;
  /** Another door of that broker, for participants of ours only. */
  readonly log?: string;
  /** The run of the keeper; absent where nothing keeps the processes. */
  readonly run?: string;
  /** Roles that somebody else starts. */
  readonly ignore?: readonly string[];
  /** Starts commands through a shell: `true` for `/bin/sh`, or its path. */
  readonly shell?: string | true;
  /**
   * They run for a moment only, to be discovered: one instance of each role whatever its node asks for, and none with a
   * slot of its own, which it would take from one that runs already. @default false
   */
  readonly briefly?: boolean;
  /** Programs that take the orders of a shared process (`ProcessSpec.shared`). @default none */
  readonly shareable?: readonly string[];
  /** Into so many processes all that is shareable is put, unless its node says otherwise. @default each has its own */
  readonly together?: number;
}

/** A role that cannot be started here, since the library does not know its component. */
export interface UnknownComponent {
  readonly role: Role;
  readonly error: UnknownComponentError;
}

const MAX_INSTANCES = 1000;

/**
 * The processes of a graph. A node may ask for several with metadata `instances`, and to share one with all nodes that
 * name the same with metadata `process`, where its program can.
 * @throws {UsageError} for a number of instances that makes no sense, or a command template that does not
 */
export function launchesOf(
  graph: Graph,
  library: Library,
  options: LaunchOptions,
): { readonly launches: ReadonlyMap<Role, Launch>; readonly unknown: readonly UnknownComponent[] } {
  const ignored = new Set(options.ignore);
  const iips = groupBy(graph.iips, ({ to }) => to.role);
  const launches = new Map<Role, Launch>();
  const unknown: UnknownComponent[] = [];
  for (const node of participantNodes(graph)) {
    if (ignored.has(node.role) || node.component === '') continue;
    try {
      launches.set(node.role, launchOf(node, iips.get(node.role) ?? [], library, options));
    } catch (error) {
      if (!(error instanceof UnknownComponentError)) throw error;
      unknown.push({ role: node.role, error });
    }
  }
  return { launches, unknown };
}

function launchOf(node: Node, iips: readonly Iip[], library: Library, options: LaunchOptions): Launch {
  const { role, component } = node;
  const request = { role, iips: Object.fromEntries(iips.map(({ to, data }) => [to.port, data])) };
  const { shell, run, broker, log, briefly = false } = options;
  const command = shell === undefined ? library.commandFor(component, request) : undefined;
  const shellCommand = shell === undefined ? undefined : library.shellCommandFor(component, request);
  const asked = instancesOf(node);
  const count = briefly ? 1 : asked;
  const shared = shell === undefined ? sharedProcessOf(node, command?.argv ?? [], options) : undefined;
  const specs = Array.from({ length: count }, (_, n): ProcessSpec => {
    return {
      key: count === 1 ? role : `${role}.${n + 1}`,
      role,
      argv: command?.argv ?? [shellCommand?.text ?? ''],
      ...(shell === undefined ? {} : { shell }),
      env: {
        MSGFLO_BROKER: broker,
        ...(log === undefined ? {} : { MSGFLO_LOG: log }),
        ...(briefly ? {} : { MSGFLO_SLOT: `${role}.${n + 1}` }),
        ...(run === undefined ? {} : { MSGFLO_RUN: run }),
      },
      cwd: library.baseDir,
      ...(shared === undefined ? {} : { shared }),
    };
  });
  return { specs, takesIips: command?.takesIips ?? shellCommand?.takesIips ?? false };
}

/** Always the same for a role, so that an edit elsewhere in the graph moves no process. */
function sharedProcessOf(
  { role, metadata }: Node,
  [, program = '']: readonly string[],
  { shareable = [], together }: LaunchOptions,
): string | undefined {
  if (!shareable.includes(program)) return undefined;
  const named = metadata?.['process'];
  if (typeof named === 'string' && named !== '') return named;
  if (together === undefined) return undefined;
  return together === 1
    ? 'together'
    : `together.${(Number.parseInt(contentHash(role).slice(0, 8), 16) % together) + 1}`;
}

function instancesOf({ role, metadata }: Node): number {
  const asked = metadata?.['instances'];
  if (asked === undefined) return 1;
  const count = Number(asked);
  if (Number.isInteger(count) && count >= 1 && count <= MAX_INSTANCES) return count;
  throw new UsageError(
    `role '${role}': metadata 'instances' is a whole number from 1 to ${MAX_INSTANCES}, not '${asked}'`,
  );
}
