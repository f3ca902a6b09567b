import { keyIips, type Wiring } from '../discovery/index.js';
import type { ParticipantId, Role } from '../names.js';
import type { ProcessSpec } from '../process/index.js';
import { contentHash, groupBy } from '../support/index.js';
import { statesForSources } from './arrival.js';
import { deadLettersTold } from './dead-letter-edges.js';
import { type Departing, departingSources } from './departing.js';
import { type EdgeState, edgeStates, isOurs, portNamed } from './edges.js';
import { moveSteps } from './moves.js';
import type { Desired, Observed, Records } from './state.js';
import { bindingKey } from './state.js';
import type { Step } from './steps.js';
import { tapSteps } from './taps.js';
import { isDue, outportState, outportStates, wirings } from './wirings.js';

/**
 * What is to be done so that what is becomes what is wanted. Pure: no input, no output, no clock.
 *
 * The steps come in the order in which they are to be carried out (see `PHASES`): make before break, so that moving an
 * edge under load loses nothing. An empty plan means that all that can be done just now is done.
 */
export function plan(wanted: Desired, observed: Observed, records: Records): readonly Step[] {
  const states = edgeStates(wanted, observed);
  const desired = deadLettersTold(wanted, observed);
  const forSources = statesForSources(desired, observed, states);
  const outports = outportStates(desired, observed, records, forSources);
  const departing = departingSources(desired, observed, states, outports);
  return [
    ...processSteps(desired, observed, states),
    ...bindSteps(desired, observed, states),
    ...tapSteps(wanted, observed),
    ...wiringSteps(wirings(desired, observed, records, { states, outports, departing }), desired, observed, records),
    ...iipSteps(desired, observed, records, forSources),
    ...unbindSteps(records, states, departing),
    ...moveSteps(desired, observed, records, states),
  ];
}

/** Kinds of steps that are carried out together; each group begins when the one before has been tried. */
export const PHASES: readonly (readonly Step['do'][])[] = [
  ['bind', 'tap'],
  ['wire', 'send-iip'],
  ['unbind', 'untap', 'unwire'],
  ['move'],
];

/**
 * Steps that may take as long as a process has work in hand: they are begun, before the phases and behind them, and go on
 * beside everything else.
 */
export const BEGUN_BEFORE: readonly Step['do'][] = ['start', 'restart'];
export const BEGUN_AFTER: readonly Step['do'][] = ['stop'];

function processSteps(desired: Desired, observed: Observed, states: ReadonlyMap<string, EdgeState>): Step[] {
  const launched = desired.started ? [...desired.launches.values()].flatMap((launch) => launch.specs) : [];
  const specs = [...launched, ...routerSpecs(desired, observed, states)];
  const wanted = new Set(specs.map(({ key }) => key));
  const starts = specs.filter((spec) => !isSame(spec, observed.started.get(spec.key)));
  const stops = [...observed.processes.values()].filter(({ key, status }) => {
    return !wanted.has(key) && status !== 'stopped' && status !== 'stopping';
  });
  const restarts = specs.filter((spec) => observed.outdated.has(spec.key) && !starts.includes(spec));
  return [
    ...starts.map((spec): Step => ({ do: 'start', spec })),
    ...restarts.map((spec): Step => ({ do: 'restart', spec })),
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
function routerSpecs(desired: Desired, observed: Observed, states: ReadonlyMap<string, EdgeState>): ProcessSpec[] {
  const { router } = desired;
  if (!router) return [];
  const isOnTheWay = [...states.values()].some((edge) => edge.state !== 'pending' && edge.via === 'router');
  const isNeeded = isOnTheWay || hasFurtherInstances(desired, observed);
  return isNeeded || observed.processes.has(router.key) ? [router] : [];
}

/** Where sessions live in the broker, the router empties that of an instance which died and does not come again. */
function hasFurtherInstances(desired: Desired, observed: Observed): boolean {
  if (observed.binds || !desired.started) return false;
  if ([...desired.launches.values()].some(({ specs }) => specs.length > 1)) return true;
  return [...observed.participants.values()].some((all) => all.length > 1 && isOurs(all));
}

function isSame(a: ProcessSpec, b: ProcessSpec | undefined): boolean {
  return a === b || contentHash(a) === contentHash(b);
}

/**
 * Only bindings we made ourselves, only once it is known that their edge is gone or runs elsewhere, and only when nothing
 * is lost by it.
 */
function unbindSteps(records: Records, states: ReadonlyMap<string, EdgeState>, departing: Departing): Step[] {
  const wanted = new Set<string>();
  for (const edge of states.values()) {
    if (edge.state !== 'pending' && edge.via !== 'wiring') wanted.add(bindingKey(edge.binding));
  }
  const steps: Step[] = [];
  for (const [key, { binding, edge }] of records.bindings) {
    const now = states.get(edge);
    const isOver = now === undefined || now.state === 'live';
    if (!isOver || wanted.has(key) || departing.mustStay(binding.source)) continue;
    steps.push({ do: 'unbind', binding, edge });
  }
  return steps;
}

/** The retained wiring of a role that is gone from the graph is cleared when nobody of it is left to read it. */
function wiringSteps(
  wanted: ReadonlyMap<Role, Wiring>,
  desired: Desired,
  observed: Observed,
  records: Records,
): Step[] {
  const steps: Step[] = [];
  for (const wiring of wanted.values()) if (isDue(wiring, observed)) steps.push({ do: 'wire', wiring });
  for (const role of records.wiredRoles) {
    const isAnybody = (observed.participants.get(role) ?? []).length > 0;
    if (!desired.roles.has(role) && !isAnybody) steps.push({ do: 'unwire', role });
  }
  return steps;
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
