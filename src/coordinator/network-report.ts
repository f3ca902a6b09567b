import type { KnownParticipant } from '../discovery/index.js';
import type { Role } from '../names.js';
import type { Binding } from '../transport/index.js';
import { edgeStates } from './edges.js';
import type { Desired, Observed, WantedEdge } from './state.js';

/**
 * `pending`: not there yet. `live`: at least one participant is heard. `degraded`: fewer than we start, or one of its
 * processes failed. `lost`: all were silent for too long or died. `foreign`: discovered, but not named by the graph.
 */
export type NodeState = 'pending' | 'live' | 'degraded' | 'lost' | 'foreign';

export interface NodeReport {
  readonly role: Role;
  readonly state: NodeState;
  readonly participants: number;
  /** Why it is not live. */
  readonly why?: string;
}

export interface EdgeReport {
  readonly edge: WantedEdge;
  readonly state: 'pending' | 'live';
  /** Known as soon as both ports are. */
  readonly binding?: Binding;
  readonly why?: string;
}

export interface NetworkReport {
  readonly nodes: readonly NodeReport[];
  readonly edges: readonly EdgeReport[];
  /** Every node of the graph is live and every edge bound. */
  readonly isComplete: boolean;
}

export function reportOf(desired: Desired, observed: Observed): NetworkReport {
  const foreign = [...observed.participants.keys()].filter((role) => {
    return !desired.roles.has(role) && alive(observed, role).length > 0;
  });
  const nodes = [
    ...[...desired.roles].map((role) => nodeReport(role, desired, observed)),
    ...foreign.map((role): NodeReport => ({ role, state: 'foreign', participants: alive(observed, role).length })),
  ];
  const edges = edgeReports(desired, observed);
  const isComplete =
    nodes.every(({ state }) => state === 'live' || state === 'foreign') && edges.every(({ state }) => state === 'live');
  return { nodes, edges, isComplete };
}

function edgeReports(desired: Desired, observed: Observed): EdgeReport[] {
  const states = edgeStates(desired, observed);
  return desired.edges.map((edge): EdgeReport => {
    const state = states.get(edge.key);
    if (state?.state === 'live') return { edge, state: 'live', binding: state.binding };
    if (state?.state === 'unbound') {
      const { role } = edge.to;
      const isDeaf = state.via === 'wiring' && alive(observed, role).length === 0;
      const why = isDeaf ? `no participant of role '${role}' is there to subscribe` : 'it is not bound yet';
      return { edge, state: 'pending', binding: state.binding, why };
    }
    return { edge, state: 'pending', why: state?.why ?? 'it is not planned yet' };
  });
}

function nodeReport(role: Role, desired: Desired, observed: Observed): NodeReport {
  const participants = alive(observed, role).length;
  const specs = desired.launches.get(role)?.specs ?? [];
  const failed = specs.flatMap(({ key }) => {
    const state = observed.processes.get(key);
    return state?.status === 'failed' ? [`process '${key}' failed`] : [];
  });
  const ended = specs.find(({ key }) => observed.processes.get(key)?.status === 'ended');
  if (participants === 0) {
    const wasKnown = (observed.participants.get(role) ?? []).some(({ status }) => status === 'lost');
    const end = ended === undefined ? undefined : `its process '${ended.key}' has ended`;
    const why = failed[0] ?? end ?? (wasKnown ? 'its last participant is gone' : 'nobody has announced this role');
    return { role, state: wasKnown ? 'lost' : 'pending', participants, why };
  }
  if (failed[0] !== undefined) return { role, state: 'degraded', participants, why: failed[0] };
  if (participants < specs.length) {
    return { role, state: 'degraded', participants, why: `${participants} of ${specs.length} instances are there` };
  }
  return { role, state: 'live', participants };
}

function alive(observed: Observed, role: Role): readonly KnownParticipant[] {
  return (observed.participants.get(role) ?? []).filter(({ status }) => status === 'live');
}
