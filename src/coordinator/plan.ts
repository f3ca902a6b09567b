import { createWiring, keyIips, type OutportState, type Wiring } from '../discovery/index.js';
import type { Iip } from '../graph/index.js';
import type { ParticipantId, QueueName, Role } from '../names.js';
import type { ProcessSpec } from '../process/index.js';
import { contentHash, groupBy } from '../support/index.js';
import { statesForSources } from './arrival.js';
import { definitionOf, type EdgeState, edgeStates, isOurs, portNamed } from './edges.js';
import type { Desired, Observed, Records, WantedEdge } from './state.js';
import { bindingKey } from './state.js';
import type { Step } from './steps.js';

/**
 * What is to be done so that what is becomes what is wanted. Pure: no input, no output, no clock.
 *
 * The steps come in the order in which they are to be carried out (see `PHASES`): make before break, so that moving an
 * edge under load loses nothing. An empty plan means that all that can be done just now is done.
 */
export function plan(desired: Desired, observed: Observed, records: Records): readonly Step[] {
  const states = edgeStates(desired, observed);
  const forSources = statesForSources(desired, observed, states);
  return [
    ...processSteps(desired, observed, states),
    ...bindSteps(desired, observed, states),
    ...wiringSteps(desired, observed, records, { states, forSources }),
    ...iipSteps(desired, observed, records, forSources),
    ...unbindSteps(records, states),
  ];
}

/** Kinds of steps that are carried out together; each group begins when the one before has been tried. */
export const PHASES: readonly (readonly Step['do'][])[] = [
  ['start', 'bind'],
  ['wire', 'send-iip'],
  ['unbind', 'stop'],
];

function processSteps(desired: Desired, observed: Observed, states: ReadonlyMap<string, EdgeState>): Step[] {
  const launched = desired.started ? [...desired.launches.values()].flatMap((launch) => launch.specs) : [];
  const specs = [...launched, ...routerSpecs(desired, observed, states)];
  const wanted = new Set(specs.map(({ key }) => key));
  const starts = specs.filter((spec) => !isSame(spec, observed.started.get(spec.key)));
  const stops = [...observed.processes.values()].filter(({ key, status }) => {
    return !wanted.has(key) && status !== 'stopped' && status !== 'stopping';
  });
  return [
    ...starts.map((spec): Step => ({ do: 'start', spec })),
    ...stops.map(({ key }): Step => ({ do: 'stop', key })),
  ];
}

/** What is not bound, and what is but should be bound again to make sure. */
function bindSteps(desired: Desired, observed: Observed, states: ReadonlyMap<string, EdgeState>): Step[] {
  return desired.edges.flatMap(({ key }): Step[] => {
    const edge = states.get(key);
    if (edge === undefined || edge.state === 'pending' || edge.via === 'wiring' || edge.via === 'same-queue') return [];
    if (edge.state === 'live' && !observed.suspect.has(bindingKey(edge.binding))) return [];
    return [{ do: 'bind', binding: edge.binding, edge: key }];
  });
}

/** The router is started when something needs it for the first time, and then kept also while the network is stopped. */
function routerSpecs({ router }: Desired, observed: Observed, states: ReadonlyMap<string, EdgeState>): ProcessSpec[] {
  if (!router) return [];
  const isNeeded = [...states.values()].some((edge) => edge.state !== 'pending' && edge.via === 'router');
  return isNeeded || observed.processes.has(router.key) ? [router] : [];
}

function isSame(a: ProcessSpec, b: ProcessSpec | undefined): boolean {
  return a === b || contentHash(a) === contentHash(b);
}

/** Only bindings we made ourselves, and only once it is known that their edge is gone or runs elsewhere. */
function unbindSteps(records: Records, states: ReadonlyMap<string, EdgeState>): Step[] {
  const wanted = new Set<string>();
  for (const edge of states.values()) {
    if (edge.state !== 'pending' && edge.via !== 'wiring') wanted.add(bindingKey(edge.binding));
  }
  const steps: Step[] = [];
  for (const [key, { binding, edge }] of records.bindings) {
    const now = states.get(edge);
    const isOver = now === undefined || now.state === 'live';
    if (isOver && !wanted.has(key)) steps.push({ do: 'unbind', binding, edge });
  }
  return steps;
}

function wiringSteps(desired: Desired, observed: Observed, records: Records, states: States): Step[] {
  const byTarget = groupBy(desired.edges, ({ to }) => to.role);
  const bySource = groupBy(desired.edges, ({ from }) => from.role);
  const iips = groupBy(desired.iips, ({ to }) => to.role);
  const steps: Step[] = [];
  for (const role of new Set([...desired.roles, ...records.wiredRoles])) {
    const place: Place = { incoming: byTarget.get(role), outgoing: bySource.get(role), iips: iips.get(role) };
    const wiring = wiringOf(role, place, desired, observed, states);
    if (wiring && isDue(wiring, observed)) steps.push({ do: 'wire', wiring });
  }
  return steps;
}

interface States {
  readonly states: ReadonlyMap<string, EdgeState>;
  readonly forSources: ReadonlyMap<string, EdgeState>;
}

interface Place {
  readonly incoming: readonly WantedEdge[] | undefined;
  readonly outgoing: readonly WantedEdge[] | undefined;
  readonly iips: readonly Iip[] | undefined;
}

function wiringOf(
  role: Role,
  place: Place,
  desired: Desired,
  observed: Observed,
  { states, forSources }: States,
): Wiring | undefined {
  const definition = definitionOf(observed, role);
  if (definition?.wiring !== 1) return undefined;
  const { caseSensitive, graph, run } = desired;
  const iips = (place.iips ?? []).flatMap(({ to, data }) => {
    const port = portNamed(definition.inports, to.port, caseSensitive);
    return port ? [{ port: port.id, data }] : [];
  });
  const inports: Record<string, QueueName[]> = {};
  for (const edge of place.incoming ?? []) {
    const state = states.get(edge.key);
    const port = portNamed(definition.inports, edge.to.port, caseSensitive);
    if (!port || !state || state.state === 'pending' || state.via !== 'wiring') continue;
    inports[port.id] = [...new Set([...(inports[port.id] ?? []), state.binding.source])].sort();
  }
  const outports: Record<string, OutportState> = {};
  for (const { id } of definition.outports) {
    const edges = (place.outgoing ?? []).filter(({ kind, from }) => {
      return kind !== 'deadletter' && portNamed(definition.outports, from.port, caseSensitive)?.id === id;
    });
    outports[id] = outportState(edges.flatMap(({ key }) => forSources.get(key) ?? []));
  }
  return createWiring({ role, graph, ...(run === undefined ? {} : { run }), iips: keyIips(iips), inports, outports });
}

/**
 * Sources wait for targets that are on their way, so that none misses the first messages. A target that nobody here
 * starts does not hold up the others, but a source all of whose targets are missing waits for the first.
 */
function outportState(edges: readonly EdgeState[]): OutportState {
  if (edges.length === 0) return 'unconnected';
  if (edges.some((edge) => edge.state !== 'live' && edge.expected)) return 'waiting';
  return edges.some((edge) => edge.state === 'live') ? 'ready' : 'waiting';
}

/** Some instance is not wired so, and was not told yet, or spoke since without having heard. */
function isDue(wiring: Wiring, observed: Observed): boolean {
  const published = observed.published.get(wiring.role);
  return (observed.participants.get(wiring.role) ?? []).some(({ definition, status }) => {
    if (status !== 'live' || definition.wiring !== 1 || definition.wired === wiring.hash) return false;
    return published?.hash !== wiring.hash || (observed.heardAtMs.get(definition.id) ?? 0) > published.atMs;
  });
}

/**
 * Participants that know no wiring get each IIP once per instance, on their queue. Since it is often what sets them off,
 * and they hold nothing back, it waits as the outports of ours do.
 */
function iipSteps(
  desired: Desired,
  observed: Observed,
  records: Records,
  forSources: ReadonlyMap<string, EdgeState>,
): Step[] {
  const steps: Step[] = [];
  const bySource = groupBy(
    desired.edges.filter(({ kind }) => kind !== 'deadletter'),
    ({ from }) => from.role,
  );
  for (const [role, iips] of groupBy(desired.iips, ({ to }) => to.role)) {
    if (outportState((bySource.get(role) ?? []).flatMap(({ key }) => forSources.get(key) ?? [])) === 'waiting')
      continue;
    const participants = observed.participants.get(role) ?? [];
    if (isOurs(participants) || desired.launches.get(role)?.takesIips) continue;
    const keyed = keyIips(iips.map(({ to, data }) => ({ port: to.port, data })));
    for (const { definition, status } of participants) {
      if (status !== 'live' || definition.wiring === 1) continue;
      const sent = sentTo(records, definition.id);
      for (const { port, data, key } of keyed) {
        const found = portNamed(definition.inports, port, desired.caseSensitive);
        if (!found || sent.has(key)) continue;
        const to = { role, port: found.id };
        steps.push({ do: 'send-iip', iip: { to, queue: found.queue, data, key, participant: definition.id } });
      }
    }
  }
  return steps;
}

function sentTo(records: Records, participant: ParticipantId): ReadonlySet<string> {
  return records.sentIips.get(participant) ?? new Set();
}
