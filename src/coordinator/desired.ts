import { type Graph, participantNodes, resolveEdges } from '../graph/index.js';
import type { Role } from '../names.js';
import type { ProcessSpec } from '../process/index.js';
import { canonicalJson } from '../support/index.js';
import type { Launch } from './launcher.js';
import type { Desired, TapWish, WantedEdge } from './state.js';

export interface DesiredOptions {
  readonly graph: Graph;
  readonly isStarted: boolean;
  readonly taps: TapWish;
  readonly launches: ReadonlyMap<Role, Launch>;
  readonly router?: ProcessSpec;
  readonly run?: string;
}

/** What a graph wants, its virtual nodes resolved away. O(nodes + edges); made once per edit. */
export function desiredOf({ graph, isStarted, launches, taps, router, run }: DesiredOptions): Desired {
  const { edges, deadLetters, iips, outports } = resolveEdges(graph);
  return {
    graph: graph.name,
    caseSensitive: graph.caseSensitive,
    roles: new Set(participantNodes(graph).map(({ role }) => role)),
    edges: [
      ...edges.map(({ kind, from, to }) => wanted(kind, from, to)),
      ...deadLetters.map(({ deadLettersOf, to }) => wanted('deadletter', deadLettersOf, to)),
    ],
    iips,
    exportedOutports: outports.map(({ from }) => from),
    taps,
    launches,
    started: isStarted,
    ...(router === undefined ? {} : { router }),
    ...(run === undefined ? {} : { run }),
  };
}

function wanted(kind: WantedEdge['kind'], from: WantedEdge['from'], to: WantedEdge['to']): WantedEdge {
  const ends = { kind, from: { role: from.role, port: from.port }, to: { role: to.role, port: to.port } };
  return { key: canonicalJson(ends), ...ends };
}
