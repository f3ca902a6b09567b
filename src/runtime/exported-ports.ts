import { MsgfloError, messageOf, TimeoutError } from '../errors.js';
import type { Edit, Graph } from '../graph/index.js';
import type { PortName, Role } from '../names.js';
import { timeLimit } from '../support/index.js';
import type { Coordination } from './coordination.js';
import type { EdgeRoutes } from './edge-routes.js';
import { ExportedPortNotFoundError } from './errors.js';

/** Clients wait 10 s for an answer. */
const SEND_WITHIN_MS = 9000;

/**
 * Sends a message to whatever is behind an exported inport; resolves when the broker has it.
 * @throws {ExportedPortNotFoundError} @throws {TimeoutError} when nobody is behind it within 9 s, or `signal` aborts
 */
export async function sendToExported(
  coordinator: Pick<Coordination, 'send'>,
  routes: EdgeRoutes,
  { port, data, signal }: { readonly port: PortName; readonly data: unknown; readonly signal: AbortSignal },
): Promise<void> {
  const targets = routes.behindInport(port);
  if (!targets) {
    const known = routes.graph.inports.map(({ name }) => name).join(', ');
    throw new ExportedPortNotFoundError(`the graph exports no inport '${port}'; it exports: ${known || 'none'}`);
  }
  if (targets.length === 0)
    throw new ExportedPortNotFoundError(`nothing is connected to the exported inport '${port}'`);
  const limit = timeLimit(SEND_WITHIN_MS, signal);
  try {
    await Promise.all(targets.map((to) => coordinator.send(to, data, { signal: limit.signal })));
  } catch (error) {
    if (error instanceof MsgfloError) throw error;
    const ends = targets.map((to) => `${to.port} of role '${to.role}'`).join(', ');
    throw new TimeoutError(`nobody took the packet for '${port}' (${ends}): ${messageOf(error)}`, { cause: error });
  } finally {
    limit.end();
  }
}

/** Whether edits, or what became known of a role, may have changed what clients are told of the exported ports. */
export function touchesPorts(graph: Graph, changes: readonly Edit[]): boolean {
  return changes.some((edit) => {
    switch (edit.do) {
      case 'add-port':
      case 'remove-port':
      case 'rename-port':
        return true;
      case 'rename-node':
        return isExported(graph, edit.to);
      default:
        return false;
    }
  });
}

/** Whether a port of this role is exported. */
export function isExported({ inports, outports }: Graph, role: Role): boolean {
  return [...inports, ...outports].some(({ target }) => target.role === role);
}
