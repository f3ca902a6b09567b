import type { PortRef, Role } from '../names.js';
import { deadLetterHint, impliedBy } from './dead-letters.js';
import { GraphCycleError, GraphInvalidError } from './errors.js';
import { edgeKey } from './keys.js';
import type { Edge, ExportedPort, Graph, Iip } from './model.js';
import type { GraphPositions, Located } from './positions.js';
import type { GraphProblem } from './problems.js';
import { resolveEdges } from './resolve.js';
import { roleFault } from './role-fault.js';
import { virtualNodes, virtualPorts } from './virtual.js';

/** The ports of a participant, as far as they are known. */
export interface KnownPorts {
  readonly inports: readonly string[];
  readonly outports: readonly string[];
}

/** What can be said against a graph by looking at it alone, in the order of the text as far as it goes. */
export function validateGraph(graph: Graph, positions?: GraphPositions): readonly GraphProblem[] {
  return [
    ...duplicates(graph, positions),
    ...unfitNames(graph, positions),
    ...unknownNodes(graph, positions),
    ...virtualPortProblems(graph, positions),
    ...cycles(graph, positions),
  ];
}

/** @throws {GraphInvalidError} with the errors among the problems; warnings are for the caller to show. */
export function assertValid(problems: readonly GraphProblem[]): void {
  const errors = problems.filter(({ severity }) => severity === 'error');
  if (errors.length > 0) throw new GraphInvalidError(errors);
}

/**
 * What can be said once participants are known: ports that a definition lacks. A role without a definition is passed
 * over, as are virtual nodes. Unless the graph is case-sensitive, `in` also means `IN`. An inport `in` implies an outport
 * `dead_in`.
 */
export function checkPorts(
  graph: Graph,
  definitionOf: (role: Role) => KnownPorts | undefined,
  positions?: GraphPositions,
): readonly GraphProblem[] {
  const virtual = virtualNodes(graph);
  return portProblems(graph, (role) => (virtual.has(role) ? undefined : definitionOf(role)), positions);
}

function duplicates(graph: Graph, positions?: GraphPositions): GraphProblem[] {
  return [
    ...repeated(graph.nodes, ({ role }) => role).map(({ again, first }) =>
      problem(
        'duplicate-node',
        again,
        `node '${again.role}' is declared twice, as ${first.component} and as ${again.component}`,
        positions,
      ),
    ),
    ...repeated(graph.edges, edgeKey).map(
      ({ again }): GraphProblem => ({
        ...problem('duplicate-edge', again, `${describe(again)} stands twice, once is enough`, positions),
        severity: 'warning',
      }),
    ),
    ...[graph.inports, graph.outports].flatMap((ports) =>
      repeated(ports, ({ name }) => name).map(({ again }) =>
        problem('duplicate-port', again, `port '${again.name}' is exported twice`, positions),
      ),
    ),
  ];
}

function repeated<T>(items: readonly T[], keyOf: (item: T) => string): { readonly first: T; readonly again: T }[] {
  const seen = new Map<string, T>();
  return items.flatMap((again) => {
    const first = seen.get(keyOf(again));
    if (first) return [{ first, again }];
    seen.set(keyOf(again), again);
    return [];
  });
}

function unfitNames(graph: Graph, positions?: GraphPositions): GraphProblem[] {
  return [
    ...graph.nodes.flatMap((node) => {
      const fault = roleFault(node.role);
      if (fault === undefined) return [];
      return [
        problem('unfit-name', node, `${JSON.stringify(node.role)} can be no name of a node: ${fault}`, positions),
      ];
    }),
    ...[...graph.inports, ...graph.outports].flatMap((port) =>
      port.name === '' ? [problem('unfit-name', port, 'an exported port has an empty name', positions)] : [],
    ),
  ];
}

function unknownNodes(graph: Graph, positions?: GraphPositions): GraphProblem[] {
  const known = new Set<string>(graph.nodes.map(({ role }) => role));
  const check = (part: Edge | Iip | ExportedPort, refs: readonly PortRef[]): GraphProblem[] =>
    refs
      .filter(({ role }) => !known.has(role))
      .map((ref) =>
        problem(
          'unknown-node',
          part,
          `${describe(part)} names node '${ref.role}', which the graph does not have`,
          positions,
        ),
      );
  return [
    ...graph.edges.flatMap((edge) => check(edge, [edge.from, edge.to])),
    ...graph.iips.flatMap((iip) => check(iip, [iip.to])),
    ...[...graph.inports, ...graph.outports].flatMap((port) => check(port, [port.target])),
    ...graph.groups.flatMap((group) =>
      group.roles
        .filter((role) => !known.has(role))
        .map(
          (role): GraphProblem => ({
            ...problem(
              'unknown-node',
              group,
              `group '${group.name}' names node '${role}', which the graph does not have`,
              positions,
            ),
            severity: 'warning',
          }),
        ),
    ),
  ];
}

function virtualPortProblems(graph: Graph, positions?: GraphPositions): GraphProblem[] {
  const virtual = virtualNodes(graph);
  const portsOf = (role: Role): Ports | undefined => {
    const kind = virtual.get(role);
    return kind && { ...virtualPorts(kind), isVirtual: true };
  };
  return portProblems({ ...graph, caseSensitive: false }, portsOf, positions);
}

function cycles(graph: Graph, positions?: GraphPositions): GraphProblem[] {
  try {
    resolveEdges(graph);
    return [];
  } catch (error) {
    if (!(error instanceof GraphCycleError)) throw error;
    const node = graph.nodes.find(({ role }) => role === error.roles[0]);
    return [problem('cycle', node, error.message, positions)];
  }
}

interface Ports extends KnownPorts {
  readonly isVirtual?: boolean;
}

function portProblems(
  graph: Graph,
  portsOf: (role: Role) => Ports | undefined,
  positions?: GraphPositions,
): GraphProblem[] {
  const check = (part: Located, ref: PortRef, direction: 'inport' | 'outport'): GraphProblem[] => {
    const ports = portsOf(ref.role);
    const known = ports?.[`${direction}s`];
    if (!ports || !known || known.some((name) => isSamePort(graph, name, ref.port))) return [];
    if (direction === 'outport' && isImplied(graph, ports, ref)) return [];
    const hint = direction === 'outport' && !ports.isVirtual ? deadLetterHint(ref.port, ports.inports) : '';
    const what = `role '${ref.role}' has no ${direction} '${ref.port}'; it has: ${known.join(', ') || 'none'}${hint}`;
    return [{ ...problem('unknown-port', part, what, positions), ref: { role: ref.role, port: ref.port } }];
  };
  return [
    ...graph.edges.flatMap((edge) => [...check(edge, edge.from, 'outport'), ...check(edge, edge.to, 'inport')]),
    ...graph.iips.flatMap((iip) => check(iip, iip.to, 'inport')),
    ...graph.inports.flatMap((port) => check(port, port.target, 'inport')),
    ...graph.outports.flatMap((port) => check(port, port.target, 'outport')),
  ];
}

/** Dead letters leave by an outport that no definition lists. Virtual nodes have one of their own. */
function isImplied(graph: Graph, { inports, isVirtual }: Ports, { port }: PortRef): boolean {
  const inport = isVirtual ? undefined : impliedBy(port, graph);
  return inport !== undefined && inports.some((name) => isSamePort(graph, name, inport));
}

/** True when a participant's port is the one that a graph names. */
function isSamePort({ caseSensitive }: { readonly caseSensitive: boolean }, port: string, named: string): boolean {
  return port === named || (!caseSensitive && port.toLowerCase() === named.toLowerCase());
}

function describe(part: Edge | Iip | ExportedPort): string {
  if ('from' in part) return `edge ${refText(part.from)} -> ${refText(part.to)}`;
  return 'to' in part ? `IIP for ${refText(part.to)}` : `exported port '${part.name}'`;
}

const refText = ({ role, port }: PortRef): string => `${role}.${port}`;

function problem(
  kind: GraphProblem['kind'],
  part: Located | undefined,
  what: string,
  positions: GraphPositions | undefined,
): GraphProblem {
  const position = part && positions?.at(part);
  const where = positions ? `${part ? positions.where(part) : positions.path}: ` : '';
  return { kind, severity: 'error', message: `${where}${what}`, ...(position && { position }) };
}
