import type { NetworkReport, QueueReport } from '../coordinator/index.js';
import { type Edge, portKey } from '../graph/index.js';
import type { PortRef } from '../names.js';
import type { EdgeStatus, QueueFigures } from '../protocol/index.js';
import type { EdgeRoutes, Way } from './edge-routes.js';

/** How the edges of the graph stand, as they are written there: one at a virtual node is as good as its worst way. */
export function edgeStatuses(routes: EdgeRoutes, { edges }: NetworkReport): readonly EdgeStatus[] {
  const reports = new Map(edges.map((report) => [wayKey(wayOf(report.edge)), report]));
  return routes.graph.edges.map((edge): EdgeStatus => {
    const { from, to } = edge;
    const ways = routes.waysOf(edge);
    if (ways.length === 0) return { from, to, state: 'pending', why: whyNowhere(edge, routes) };
    const states = ways.map((way) => reports.get(wayKey(way)));
    if (states.every((report) => report?.state === 'live')) return { from, to, state: 'live' };
    const worst = states.find((report) => report?.state !== 'live');
    return { from, to, state: 'pending', why: worst?.why ?? 'it is not planned yet' };
  });
}

/** The queues at the ends of edges; an edge to a virtual node has none of its own. */
export function queueFigures(routes: EdgeRoutes, reports: readonly QueueReport[]): readonly QueueFigures[] {
  const byWay = new Map(reports.map((report) => [wayKey(wayOf(report.edge)), report]));
  return routes.graph.edges.flatMap((edge): QueueFigures[] => {
    const found = routes.waysOf(edge).flatMap((way) => {
      const isItsEnd = way.to.role === edge.to.role;
      return (isItsEnd && byWay.get(wayKey(way))) || [];
    });
    const [first] = found;
    if (!first) return [];
    const { edge: _edge, ...figures } = first;
    return [{ from: edge.from, to: edge.to, ...figures }];
  });
}

function wayOf({ kind, from, to }: QueueReport['edge']): Way {
  return { isDeadLetter: kind === 'deadletter', from, to };
}

function wayKey({ isDeadLetter, from, to }: Way): string {
  return `${isDeadLetter} ${portKey(bare(from))} ${portKey(bare(to))}`;
}

const bare = ({ role, port }: PortRef): PortRef => ({ role, port });

function whyNowhere(edge: Edge, routes: EdgeRoutes): string {
  const { role } = routes.sourcesOf(edge).from.length === 0 ? edge.from : edge.to;
  return role === edge.from.role ? `nothing comes to '${role}'` : `nothing is behind '${role}'`;
}
