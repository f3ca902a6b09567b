import { createWiring, keyIips, type OutportState, type Wiring } from '../discovery/index.js';
import type { Iip } from '../graph/index.js';
import type { PortName, QueueName, Role } from '../names.js';
import { groupBy } from '../support/index.js';
import type { Departing } from './departing.js';
import { definitionOf, type EdgeState, portNamed } from './edges.js';
import type { Desired, Observed, Records, WantedEdge } from './state.js';

export interface States {
  /** Of the edges, as the broker has them. */
  readonly states: ReadonlyMap<string, EdgeState>;
  readonly outports: OutportStates;
  readonly departing: Departing;
}

/** What each role of ours should be told, by role: of those in the graph, and of those that were told before. O(edges). */
export function wirings(
  desired: Desired,
  observed: Observed,
  records: Records,
  { states, outports, departing }: States,
): ReadonlyMap<Role, Wiring> {
  const byTarget = groupBy(desired.edges, ({ to }) => to.role);
  const bySource = groupBy(desired.edges, ({ from }) => from.role);
  const iips = groupBy(desired.iips, ({ to }) => to.role);
  const all = new Map<Role, Wiring>();
  for (const role of new Set([...desired.roles, ...records.wiredRoles])) {
    const definition = definitionOf(observed, role);
    if (definition?.wiring !== 1) continue;
    const place = { role, incoming: byTarget.get(role) ?? [], iips: iips.get(role) ?? [] };
    const { graph, run } = desired;
    const targets = targetsOf(role, bySource.get(role) ?? [], desired, observed, states);
    all.set(
      role,
      createWiring({
        role,
        graph,
        ...(run === undefined ? {} : { run }),
        iips: iipsOf(place, desired, observed),
        inports: sourcesOf(place, desired, observed, { states, departing }),
        outports: Object.fromEntries(outports.get(role) ?? []),
        ...(targets ? { targets } : {}),
      }),
    );
  }
  return all;
}

interface Place {
  readonly role: Role;
  readonly incoming: readonly WantedEdge[];
  readonly iips: readonly Iip[];
}

/** By role of ours and outport. */
export type OutportStates = ReadonlyMap<Role, ReadonlyMap<PortName, OutportState>>;

/**
 * `forSources`: the edges' states as sources are to see them (`statesForSources`). A role that has another name now holds
 * what it makes of the messages in its hand: it is stopped, they go back, and with what waits they move to that name.
 */
export function outportStates(
  desired: Desired,
  observed: Observed,
  records: Pick<Records, 'moves'>,
  forSources: ReadonlyMap<string, EdgeState>,
): OutportStates {
  const edges = groupBy(
    desired.edges.filter(({ kind }) => kind !== 'deadletter'),
    ({ from }) => from.role,
  );
  const exported = groupBy(desired.exportedOutports, ({ role }) => role);
  const renamed = new Map(records.moves.map(({ from, to }) => [from, to]));
  const states = new Map<Role, ReadonlyMap<PortName, OutportState>>();
  for (const role of observed.participants.keys()) {
    const definition = definitionOf(observed, role);
    if (definition?.wiring !== 1) continue;
    const isPort = (name: PortName, id: PortName): boolean =>
      portNamed(definition.outports, name, desired.caseSensitive)?.id === id;
    const ofRole = definition.outports.map(({ id }): [PortName, OutportState] => {
      const to = desired.roles.has(role) ? undefined : renamed.get(role);
      // Of a name that is not there yet it is not known what it leads to: the edit is still to be planned.
      const isLedOn = (to: Role): boolean =>
        !desired.roles.has(to) || (edges.get(to) ?? []).some(({ from }) => isPort(from.port, id));
      if (to !== undefined && isLedOn(to)) return [id, 'waiting'];
      const leaving = (edges.get(role) ?? []).filter(({ from }) => isPort(from.port, id));
      const state = outportState(leaving.flatMap(({ key }) => forSources.get(key) ?? []));
      const isExported = (exported.get(role) ?? []).some(({ port }) => isPort(port, id));
      return [id, state === 'unconnected' && isExported ? 'exported' : state];
    });
    states.set(role, new Map(ofRole));
  }
  return states;
}

function iipsOf({ role, iips }: Place, { caseSensitive }: Desired, observed: Observed) {
  const inports = definitionOf(observed, role)?.inports ?? [];
  return keyIips(
    iips.flatMap(({ to, data }) => {
      const port = portNamed(inports, to.port, caseSensitive);
      return port ? [{ port: port.id, data }] : [];
    }),
  );
}

/** What the inports are to be subscribed to, where the broker cannot bind. */
function sourcesOf(
  { role, incoming }: Place,
  { caseSensitive }: Desired,
  observed: Observed,
  { states, departing }: { readonly states: ReadonlyMap<string, EdgeState>; readonly departing: Departing },
): Record<string, QueueName[]> {
  const inports = definitionOf(observed, role)?.inports ?? [];
  const wanted = new Map<string, Set<QueueName>>();
  const add = (port: string, source: QueueName): void => {
    wanted.set(port, (wanted.get(port) ?? new Set()).add(source));
  };
  for (const edge of incoming) {
    const state = states.get(edge.key);
    const port = portNamed(inports, edge.to.port, caseSensitive);
    if (port && state && state.state !== 'pending' && state.via === 'wiring') add(port.id, state.binding.source);
  }
  if (observed.binds) return {};
  for (const { definition } of observed.participants.get(role) ?? []) {
    for (const { id, sources = [] } of definition.inports) {
      for (const source of sources) if (departing.mustStay(source)) add(id, source);
    }
  }
  return Object.fromEntries([...wanted].map(([port, sources]) => [port, [...sources].sort()]));
}

/** Inqueues of ours whose unsettled messages are to be bounded, by outport; undefined where there are none. */
function targetsOf(
  role: Role,
  leaving: readonly WantedEdge[],
  { caseSensitive }: Desired,
  observed: Observed,
  states: ReadonlyMap<string, EdgeState>,
): Record<string, QueueName[]> | undefined {
  if (!observed.credits) return undefined;
  const outports = definitionOf(observed, role)?.outports ?? [];
  const targets = new Map<string, Set<QueueName>>();
  for (const { key, kind, from } of leaving) {
    const state = states.get(key);
    const port = kind === 'deadletter' ? undefined : portNamed(outports, from.port, caseSensitive);
    // One that does not listen yet would settle nothing.
    if (!port || state?.state !== 'live' || state.via !== 'wiring') continue;
    targets.set(port.id, (targets.get(port.id) ?? new Set()).add(state.binding.target));
  }
  if (targets.size === 0) return undefined;
  return Object.fromEntries([...targets].map(([port, inqueues]) => [port, [...inqueues].sort()]));
}

/**
 * Sources wait for targets that are on their way, so that none misses the first messages. A target that nobody here
 * starts does not hold up the others, but a source all of whose targets are missing waits for the first.
 */
export function outportState(edges: readonly EdgeState[]): 'unconnected' | 'waiting' | 'ready' {
  if (edges.length === 0) return 'unconnected';
  if (edges.some((edge) => edge.state !== 'live' && edge.expected)) return 'waiting';
  return edges.some((edge) => edge.state === 'live') ? 'ready' : 'waiting';
}

/** Some instance is not wired so, and was not told yet, or spoke since without having heard. */
export function isDue(wiring: Wiring, observed: Observed): boolean {
  const published = observed.published.get(wiring.role);
  return (observed.participants.get(wiring.role) ?? []).some(({ definition, status }) => {
    if (status !== 'live' || definition.wiring !== 1 || definition.wired === wiring.hash) return false;
    return published?.hash !== wiring.hash || (observed.heardAtMs.get(definition.id) ?? 0) > published.atMs;
  });
}
