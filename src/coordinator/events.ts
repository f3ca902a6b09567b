import type { Definition } from '../discovery/index.js';
import type { PortRef, QueueName, Role } from '../names.js';
import type { OutputLine, ProcessState } from '../process/index.js';
import { type Delivery, deadLetterQueue, HEADER } from '../transport/index.js';
import { definitionOf } from './edges.js';
import type { Desired, Observed } from './state.js';

/** What happens to the network, for those who show it. */
export type CoordinatorEvent =
  | { readonly kind: 'participant'; readonly definition: Definition }
  | { readonly kind: 'process'; readonly state: ProcessState }
  | { readonly kind: 'output'; readonly line: OutputLine }
  | { readonly kind: 'report' }
  /** A message left a tapped outport. */
  | { readonly kind: 'copy'; readonly from: PortRef; readonly data: unknown }
  /** An IIP was handed out; told before it is. */
  | { readonly kind: 'iip'; readonly to: PortRef; readonly data: unknown }
  /** What an inport could not do with a message; only while dead letters are tapped. */
  | { readonly kind: 'dead-letter'; readonly of: PortRef; readonly reason: string; readonly data: unknown }
  /** Something cannot be done; told once for each reason, and tried again all the same. */
  | { readonly kind: 'failure'; readonly role?: Role; readonly message: string };

/** What a copy from a tapped outqueue tells of the graph: one event for each role that sends there. O(roles). */
export function eventsOfCopy(
  outqueue: QueueName,
  { data, headers }: Delivery,
  desired: Desired,
  observed: Observed,
): readonly CoordinatorEvent[] {
  return [...desired.roles].flatMap((role): CoordinatorEvent[] => {
    const definition = definitionOf(observed, role);
    if (!definition) return [];
    const sending = definition.outports.filter(({ queue }) => queue === outqueue);
    const failing = definition.inports.filter(({ queue }) => deadLetterQueue(queue) === outqueue);
    return [
      ...sending.map(({ id }): CoordinatorEvent => ({ kind: 'copy', from: { role, port: id }, data })),
      ...failing.map(({ id }): CoordinatorEvent => {
        const reason = headers[HEADER.deadReason] ?? 'no reason was given';
        return { kind: 'dead-letter', of: { role, port: id }, reason, data };
      }),
    ];
  });
}
