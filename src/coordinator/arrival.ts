import type { Role } from '../names.js';
import { groupBy } from '../support/index.js';
import { type EdgeState, isOurs } from './edges.js';
import type { Desired, Observed } from './state.js';

/**
 * The states of edges as their sources are to see them. Participants that know no wiring hold nothing back: what they
 * are sent while one of their own edges is on its way, they send on into the void. So an edge to such a role, though
 * bound, is on its way too. Dead letters are held back by nobody: an edge to a role waits also for those of its dead-letter
 * edges whose target we are starting. While the network settles that goes for edges to roles that others start as well; later
 * nobody waits for these, since one display that is switched off must not stop the switches. O(edges).
 */
export function statesForSources(
  desired: Desired,
  observed: Observed,
  states: ReadonlyMap<string, EdgeState>,
): ReadonlyMap<string, EdgeState> {
  const leaking = leakingRoles(desired, observed, states);
  if (leaking.size === 0) return states;
  const seen = new Map(states);
  for (const { key, kind, to } of desired.edges) {
    const state = states.get(key);
    if (kind === 'deadletter' || state?.state !== 'live' || !leaking.has(to.role)) continue;
    seen.set(key, { state: 'pending', expected: true, why: `the edges of role '${to.role}' are not bound yet` });
  }
  return seen;
}

/** Roles that hold nothing back and whose messages, or those of roles like them further down, do not arrive yet. */
function leakingRoles(desired: Desired, observed: Observed, states: ReadonlyMap<string, EdgeState>): ReadonlySet<Role> {
  const holdsBack = (role: Role): boolean => isOurs(observed.participants.get(role) ?? []);
  const edges = desired.edges.filter(({ kind, from }) => kind === 'deadletter' || !holdsBack(from.role));
  const leaking = new Set<Role>();
  for (const { key, kind, from } of edges) {
    const state = states.get(key);
    if (!state || state.state === 'live') continue;
    const mayCome = kind !== 'deadletter' && observed.isSettling && state.state === 'pending';
    if (state.expected || mayCome) leaking.add(from.role);
  }
  if (leaking.size === 0) return leaking;
  const byTarget = groupBy(edges, ({ to }) => to.role);
  // A set hands out what is added to it while it is gone through.
  for (const role of leaking) for (const { from } of byTarget.get(role) ?? []) leaking.add(from.role);
  return leaking;
}
