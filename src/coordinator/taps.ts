import type { PortRef, QueueName } from '../names.js';
import { deadLetterQueue } from '../transport/index.js';
import { definitionOf, outportNamed } from './edges.js';
import type { Desired, Observed } from './state.js';
import type { Step } from './steps.js';

/** Taps come and go with those who look on. O(ports). */
export function tapSteps(desired: Desired, observed: Observed): Step[] {
  const wanted = new Set([...wantedOutqueues(desired, observed), ...deadLetterQueues(desired, observed)]);
  const missing = [...wanted].filter((outqueue) => !observed.tapped.has(outqueue));
  const extra = [...observed.tapped].filter((outqueue) => !wanted.has(outqueue));
  return [
    ...missing.map((outqueue): Step => ({ do: 'tap', outqueue })),
    ...extra.map((outqueue): Step => ({ do: 'untap', outqueue })),
  ];
}

function wantedOutqueues({ taps, edges, exportedOutports, caseSensitive }: Desired, observed: Observed): QueueName[] {
  const sources = edges.filter(({ kind }) => kind !== 'deadletter').map(({ from }) => from);
  const ports: readonly PortRef[] = [
    ...(taps.outports === 'all' ? sources : taps.outports),
    ...(taps.exported ? exportedOutports : []),
  ];
  return ports.flatMap(({ role, port }) => {
    const definition = definitionOf(observed, role);
    return (definition && outportNamed(definition, port, caseSensitive)?.queue) ?? [];
  });
}

/** Of all roles in the graph. */
function deadLetterQueues({ taps, roles }: Desired, observed: Observed): QueueName[] {
  if (!taps.deadLetters) return [];
  return [...roles].flatMap((role) => {
    return (definitionOf(observed, role)?.inports ?? []).map(({ queue }) => deadLetterQueue(queue));
  });
}
