import type { Definition, KnownParticipant, PortDefinition } from '../discovery/index.js';
import { deadLetterHint, deadLetterPort, impliedBy } from '../graph/index.js';
import type { PortName, PortRef, QueueName, Role } from '../names.js';
import { type Binding, deadLetterQueue } from '../transport/index.js';
import { bindingKey, type Desired, type Observed, type WantedEdge } from './state.js';

/**
 * Where an edge stands. `via` tells who carries it: the broker's own binding, the subscription of a target of ours, or
 * a route of the router. `expected`: what is missing should come by itself soon, so that sources wait for it.
 */
export type EdgeState =
  | { readonly state: 'live'; readonly via: Via; readonly binding: Binding }
  | { readonly state: 'unbound'; readonly via: Via; readonly binding: Binding; readonly expected: boolean }
  | { readonly state: 'pending'; readonly expected: boolean; readonly why: string };

export type Via = 'broker' | 'wiring' | 'router' | 'same-queue';

/** The state of every wanted edge, by its key. O(edges). */
export function edgeStates(desired: Desired, observed: Observed): ReadonlyMap<string, EdgeState> {
  return new Map(desired.edges.map((edge) => [edge.key, edgeState(edge, desired, observed)]));
}

function edgeState(edge: WantedEdge, desired: Desired, observed: Observed): EdgeState {
  const from = findPort(edge.from, edge.kind === 'deadletter' ? 'inports' : 'outports', desired, observed);
  if ('why' in from) return { state: 'pending', ...from };
  const to = findPort(edge.to, 'inports', desired, observed);
  if ('why' in to) return { state: 'pending', ...to };
  const source = edge.kind === 'deadletter' ? deadLetterQueue(from.queue) : from.queue;
  const kind = edge.kind === 'roundrobin' ? 'roundrobin' : 'pubsub';
  const binding: Binding = { kind, source, target: to.queue };
  if (source === to.queue) return { state: 'live', via: 'same-queue', binding };
  const targets = observed.participants.get(edge.to.role) ?? [];
  const via = observed.binds ? 'broker' : isOurs(targets) ? 'wiring' : 'router';
  const isLive = via === 'wiring' ? listens(targets, to.queue, source) : observed.bound.has(bindingKey(binding));
  if (isLive) return { state: 'live', via, binding };
  return { state: 'unbound', via, binding, expected: !observed.failing.has(bindingKey(binding)) };
}

type Found = { readonly queue: QueueName } | { readonly why: string; readonly expected: boolean };

function findPort(ref: PortRef, side: 'inports' | 'outports', desired: Desired, observed: Observed): Found {
  const definition = definitionOf(observed, ref.role);
  if (!definition) {
    return { why: `nobody has announced the role '${ref.role}'`, expected: isComing(ref.role, desired, observed) };
  }
  const find = side === 'inports' ? inportNamed : outportNamed;
  const port = find(definition, ref.port, desired.caseSensitive);
  if (port) return { queue: port.queue };
  const names = definition[side].map(({ id }) => id).join(', ') || 'none';
  const kind = side === 'inports' ? 'inport' : 'outport';
  const inports = definition.inports.map(({ id }) => id);
  const hint = side === 'outports' ? deadLetterHint(ref.port, inports) : '';
  return { why: `role '${ref.role}' has no ${kind} '${ref.port}'; it has: ${names}${hint}`, expected: false };
}

/** The queue of an inport, once somebody has announced it. */
export function inqueueOf(
  { role, port }: PortRef,
  { caseSensitive }: Desired,
  observed: Observed,
): QueueName | undefined {
  return portNamed(definitionOf(observed, role)?.inports ?? [], port, caseSensitive)?.queue;
}

/** The definition that counts for a role: of a live participant where there is one, the latest heard. */
export function definitionOf(observed: Observed, role: Role): Definition | undefined {
  const known = observed.participants.get(role) ?? [];
  return (known.findLast(({ status }) => status === 'live') ?? known.at(-1))?.definition;
}

/** Graph files often write port names in another case than participants do. */
export function portNamed(
  ports: readonly PortDefinition[],
  name: PortName,
  caseSensitive: boolean,
): PortDefinition | undefined {
  const exact = ports.find(({ id }) => id === name);
  if (exact || caseSensitive) return exact;
  return ports.find(({ id }) => id.toLowerCase() === name.toLowerCase());
}

type Ports = Pick<Definition, 'inports' | 'outports'>;

const inportNamed = ({ inports }: Ports, name: PortName, caseSensitive: boolean): PortDefinition | undefined =>
  portNamed(inports, name, caseSensitive);

/** An outport, or the one that an inport implies for its dead letters (`dead_in`), by whatever name a graph gives it. */
export function outportNamed(ports: Ports, name: PortName, caseSensitive: boolean): PortDefinition | undefined {
  const port = portNamed(ports.outports, name, caseSensitive);
  if (port) return port;
  const inport = deadLettersBehind(ports, name, caseSensitive);
  return inport && impliedOutport(inport);
}

/** The inport whose dead letters leave by an outport of this name; `undefined` where it is a real outport, or none. */
export function deadLettersBehind(ports: Ports, name: PortName, caseSensitive: boolean): PortDefinition | undefined {
  const inport = impliedBy(name, { caseSensitive });
  if (inport === undefined || portNamed(ports.outports, name, caseSensitive)) return undefined;
  return portNamed(ports.inports, inport, caseSensitive);
}

/** The outports that the inports of a participant imply, those left out that it has itself. */
export function impliedOutports({ inports, outports }: Ports, caseSensitive: boolean): PortDefinition[] {
  return inports.map(impliedOutport).filter(({ id }) => !portNamed(outports, id, caseSensitive));
}

const impliedOutport = ({ id, queue }: PortDefinition): PortDefinition => ({
  id: deadLetterPort(id),
  queue: deadLetterQueue(queue),
});

/** All the known participants of a role take wiring messages. */
export function isOurs(participants: readonly KnownParticipant[]): boolean {
  return participants.length > 0 && participants.every(({ definition }) => definition.wiring === 1);
}

/** Some instance has said that it is subscribed. */
function listens(participants: readonly KnownParticipant[], inqueue: QueueName, source: QueueName): boolean {
  return participants.some(({ definition }) => {
    return definition.inports.some(({ queue, sources }) => queue === inqueue && sources?.includes(source));
  });
}

/** We start processes of this role and at least one of them may yet announce itself. */
function isComing(role: Role, desired: Desired, observed: Observed): boolean {
  if (!desired.started) return false;
  const specs = desired.launches.get(role)?.specs ?? [];
  return specs.some(
    ({ key }) =>
      !observed.overdue.has(key) &&
      !['failed', 'stopped', 'ended'].includes(observed.processes.get(key)?.status ?? 'starting'),
  );
}
