import { asPortName, type Role } from '../names.js';
import { definitionOf, type EdgeState, portNamed } from './edges.js';
import type { Desired, Move, Observed, Records } from './state.js';
import type { QueueMove, Step } from './steps.js';

/**
 * What waited for a renamed role is moved when nothing comes to it any more and nobody takes it: its processes are gone,
 * its bindings are gone, and all that leads to the new name is made. O(moves * edges).
 */
export function moveSteps(
  desired: Desired,
  observed: Observed,
  records: Records,
  states: ReadonlyMap<string, EdgeState>,
): Step[] {
  return records.moves
    .filter(({ from, to }) => !observed.moving.has(from) && isVacant(from, observed) && isReady(to, desired, states))
    .flatMap((move): Step[] => {
      const queues = pairs(move, desired, observed);
      const bound = [...records.bindings.values()].map(({ binding }) => binding.target);
      if (!queues || queues.some(({ from }) => bound.includes(from))) return [];
      const { from, to, slots } = move;
      return [{ do: 'move', move: { from, to, queues, slots } }];
    });
}

function isVacant(role: Role, observed: Observed): boolean {
  const runs = [...observed.processes.values()].some((state) => state.role === role && state.status !== 'stopped');
  // Participants that know no wiring do not say that they leave.
  const isLive = (observed.participants.get(role) ?? []).some(({ status, definition }) => {
    return status === 'live' && definition.wiring === 1;
  });
  return !runs && !isLive;
}

function isReady(role: Role, desired: Desired, states: ReadonlyMap<string, EdgeState>): boolean {
  return desired.edges.every(({ key, to }) => {
    const state = to.role === role ? states.get(key) : undefined;
    return state === undefined || state.state === 'live' || !state.expected;
  });
}

/** Undefined until the new name is there. An inport that it does not have any more keeps what it holds. */
function pairs(
  { to, queues, sources }: Move,
  { caseSensitive }: Desired,
  observed: Observed,
): QueueMove['queues'] | undefined {
  const participants = observed.participants.get(to) ?? [];
  const definition = definitionOf(observed, to);
  if (!definition || !participants.some(({ status }) => status === 'live')) return undefined;
  return Object.entries(queues).flatMap(([port, from]) => {
    const target = portNamed(definition.inports, asPortName(port), caseSensitive);
    return target && target.queue !== from
      ? [{ from, to: target.queue, sources: sources[asPortName(port)] ?? [] }]
      : [];
  });
}
