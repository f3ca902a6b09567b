import type { NetworkReport } from '../coordinator/index.js';
import { type Graph, participantNodes } from '../graph/index.js';
import type { Role } from '../names.js';
import type { NodeStatus } from '../protocol/index.js';

/**
 * How the nodes of the graph stand, those that no participant plays (like `msgflo/PubSub`) left out. A node that the
 * coordinator has not planned yet is pending.
 * @param unfit why the processes of a role cannot be started
 */
export function nodeStatuses(
  graph: Graph,
  { nodes }: NetworkReport,
  unfit: ReadonlyMap<Role, string>,
): readonly NodeStatus[] {
  const reports = new Map(nodes.map((node) => [node.role, node]));
  return participantNodes(graph).map(({ role }): NodeStatus => {
    const report = reports.get(role);
    const why = unfit.get(role);
    if (report?.state === 'foreign') return { ...report, state: 'live' };
    if (report === undefined) return { role, state: 'pending', participants: 0, why: why ?? 'it is not planned yet' };
    return report.state === 'pending' && why !== undefined
      ? { ...report, why: `${why}; nobody else has announced it` }
      : report;
  });
}
