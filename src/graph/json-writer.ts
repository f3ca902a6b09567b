import { fromEdgeOrIip, withMetadata } from './connection.js';
import type { ExportedPort, Graph } from './model.js';

/**
 * FBP JSON, two blanks of indentation, a line end at the end; the same graph gives the same text. Edges stand before
 * IIPs, the rest in the order of the graph.
 */
export function writeJson(graph: Graph): string {
  const { name, properties, caseSensitive, nodes, edges, iips, inports, outports, groups } = graph;
  const json = {
    caseSensitive,
    properties: { name, ...properties },
    inports: exported(inports),
    outports: exported(outports),
    groups: groups.map(({ name, roles, metadata }) => ({ name, nodes: roles, ...withMetadata(metadata) })),
    processes: Object.fromEntries(
      nodes.map(({ role, component, metadata }) => [role, { component, ...withMetadata(metadata) }]),
    ),
    connections: [...edges, ...iips].map(fromEdgeOrIip),
  };
  return `${JSON.stringify(json, null, 2)}\n`;
}

function exported(ports: readonly ExportedPort[]): Record<string, unknown> {
  return Object.fromEntries(
    ports.map(({ name, target: { role, port }, metadata }) => [
      name,
      { process: role, port, ...withMetadata(metadata) },
    ]),
  );
}
