import type { QueueName, Role } from '../names.js';
import { contentHash, groupBy } from '../support/index.js';
import { definitionOf, type EdgeState, portNamed } from './edges.js';
import type { Desired, Observed, PublishedWiring } from './state.js';
import type { OutportStates } from './wirings.js';

/** A role of ours that does not answer its wiring is waited for so long, in ms. */
export const PATIENCE_MS = 5000;

/** Which ways out of an outqueue must not be taken away just now, although no edge wants them any more. */
export interface Departing {
  /**
   * True while what leaves `source` would have nowhere to go, or would come back: its new ways are not all made yet
   * (make before break), or some participant that sends there has not said yet that it knows of the change, so that
   * what it sends as mandatory would be held for nobody.
   */
  mustStay(source: QueueName): boolean;
}

/** When the next of them has been waited for long enough that had not been at `seenMs`; `Infinity`: none. */
export function nextPatienceEndMs(published: Iterable<PublishedWiring>, seenMs: number): number {
  let nextMs = Number.POSITIVE_INFINITY;
  for (const { atMs } of published) if (atMs >= seenMs - PATIENCE_MS && atMs < nextMs) nextMs = atMs;
  return nextMs + PATIENCE_MS;
}

/** O(edges + participants). */
export function departingSources(
  desired: Desired,
  observed: Observed,
  states: ReadonlyMap<string, EdgeState>,
  outports: OutportStates,
): Departing {
  const onTheWay = new Set<QueueName>();
  for (const { key, kind } of desired.edges) {
    const state = states.get(key);
    if (kind !== 'deadletter' && state?.state === 'unbound' && state.expected) onTheWay.add(state.binding.source);
  }
  const pendingFrom = pendingOutqueues(desired, observed, states);
  const owners = senders(observed);
  return {
    mustStay: (source) =>
      onTheWay.has(source) ||
      pendingFrom.has(source) ||
      (owners.get(source) ?? []).some((role) => !hasHeard(role, observed, outports)),
  };
}

/** Outqueues with an edge to somebody who is on the way, but whose queue is not known yet. */
function pendingOutqueues(
  desired: Desired,
  observed: Observed,
  states: ReadonlyMap<string, EdgeState>,
): ReadonlySet<QueueName> {
  const queues = new Set<QueueName>();
  for (const { key, kind, from } of desired.edges) {
    const state = states.get(key);
    if (kind === 'deadletter' || state?.state !== 'pending' || !state.expected) continue;
    const port = portNamed(definitionOf(observed, from.role)?.outports ?? [], from.port, desired.caseSensitive);
    if (port) queues.add(port.queue);
  }
  return queues;
}

function senders(observed: Observed): ReadonlyMap<QueueName, readonly Role[]> {
  const rows = [...observed.participants.keys()].flatMap((role) =>
    (definitionOf(observed, role)?.outports ?? []).map(({ queue }) => ({ queue, role })),
  );
  return new Map([...groupBy(rows, ({ queue }) => queue)].map(([queue, of]) => [queue, of.map(({ role }) => role)]));
}

/** All live participants of the role that take wirings have carried out one with the outports that are wanted now. */
function hasHeard(role: Role, observed: Observed, outports: OutportStates): boolean {
  const wanted = outports.get(role);
  if (!wanted) return true;
  const hash = outportsHash(Object.fromEntries(wanted));
  const published = observed.published.get(role);
  const isTold = published !== undefined && observed.toldOutports.get(published.hash) === hash;
  if (isTold && published.atMs < observed.nowMs - PATIENCE_MS) return true;
  return (observed.participants.get(role) ?? []).every(({ definition: { wiring, wired }, status }) => {
    if (status !== 'live' || wiring !== 1) return true;
    // What an earlier coordinator told is not known here; waiting for it would be waiting for nothing.
    const told = wired === undefined ? undefined : observed.toldOutports.get(wired);
    return told === undefined || told === hash;
  });
}

/** Compared with that of other wirings; never read back. */
export function outportsHash(outports: Readonly<Record<string, unknown>>): string {
  return contentHash(outports);
}
