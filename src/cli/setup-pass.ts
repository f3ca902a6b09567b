import { inspect } from 'node:util';
import type { Coordinator, NetworkReport } from '../coordinator/index.js';
import { MsgfloError } from '../errors.js';
import type { GraphDocument } from '../graph/index.js';
import type { Role } from '../names.js';
import type { CliContext } from './command.js';
import { missingEdges, missingNodes } from './missing.js';
import { untilAborted } from './until-aborted.js';

/** Not everything that the graph wants is in place, and the time is over. */
class SetupIncompleteError extends MsgfloError {
  readonly code = 'MSGFLO_SETUP_INCOMPLETE';
}

export interface PassOptions {
  /** What is to be set up is given up after so long, in ms. */
  readonly timeoutMs: number;
  /** Stay until interrupted, whatever is missing. */
  readonly forever: boolean;
  /** Roles whose participants are started and have to be there. */
  readonly launched: ReadonlySet<Role>;
}

/** The most that one line says of what is missing. */
const MISSING_SAID = 5;

/**
 * Waits until a coordinator has set up all that its graph wants, and prints it as old scripts read it.
 * @throws {SetupIncompleteError} naming what is missing when the time is over or a participant failed
 */
export async function pass(
  coordinator: Coordinator,
  { positions }: GraphDocument,
  options: PassOptions,
  { print, log, signal }: CliContext,
): Promise<void> {
  const report = await untilSetUp(coordinator, options, signal);
  signal.throwIfAborted();
  print(`Set up participants ${inspect([...options.launched], { breakLength: Infinity, maxArrayLength: null })}`);
  print('Set up bindings:');
  for (const line of bindingLines(report)) print(line);
  const places = { graph: coordinator.graph, positions };
  const missing = [...missingNodes(launchedOnly(report, options), places), ...missingEdges(report, places)];
  if (missing.length > 0) {
    const rest = missing.length > MISSING_SAID ? `; and ${missing.length - MISSING_SAID} more` : '';
    const said = `not all could be set up: ${missing.slice(0, MISSING_SAID).join('; ')}${rest}`;
    if (!options.forever) throw new SetupIncompleteError(said);
    log.warn(`${said}; going on`);
  }
  if (options.forever) await untilAborted(signal);
}

/** The report once nothing is missing, a participant failed or the time is over; any when interrupted. */
async function untilSetUp(coordinator: Coordinator, options: PassOptions, signal: AbortSignal): Promise<NetworkReport> {
  return new Promise((resolve) => {
    const finish = (): void => {
      clearTimeout(timer);
      unsubscribe();
      signal.removeEventListener('abort', finish);
      resolve(coordinator.report());
    };
    const timer = setTimeout(finish, options.timeoutMs);
    signal.addEventListener('abort', finish);
    const unsubscribe = coordinator.subscribe((event) => {
      if (event.kind === 'process' && event.state.status === 'failed' && !options.forever) return finish();
      if (event.kind !== 'report' || !coordinator.isIdle) return;
      const report = coordinator.report();
      const areBound = report.edges.every(({ state }) => state === 'live');
      if (areBound && launchedOnly(report, options).nodes.every(({ state }) => state === 'live')) finish();
    });
  });
}

function launchedOnly({ nodes, ...report }: NetworkReport, { launched }: PassOptions): NetworkReport {
  return { ...report, nodes: nodes.filter(({ role }) => launched.has(role)) };
}

/** As scripts read them: `PUBSUB: src -> tgt`. */
function bindingLines({ edges }: NetworkReport): readonly string[] {
  return edges.flatMap(({ edge, state, binding }) => {
    if (state !== 'live' || !binding) return [];
    const source = edge.kind === 'deadletter' ? binding.source.replace(/^dead-/, '') : binding.source;
    return [`${edge.kind.toUpperCase()}: ${source} -> ${binding.target}`];
  });
}
