import type { Definition } from '../discovery/index.js';
import type { PortRef, QueueName, Role } from '../names.js';
import type { OutputLine, ProcessState } from '../process/index.js';
import { groupBy } from '../support/index.js';
import { type Delivery, deadLetterQueue, HEADER } from '../transport/index.js';
import { definitionOf, impliedOutports } from './edges.js';
import type { Desired, Observed } from './state.js';
import type { Step } from './steps.js';

/** What happens to the network, for those who show it. */
export type CoordinatorEvent =
  | { readonly kind: 'participant'; readonly definition: Definition }
  | { readonly kind: 'process'; readonly state: ProcessState }
  | { readonly kind: 'output'; readonly line: OutputLine }
  /** A pass has ended before which something happened, or that did something. */
  | { readonly kind: 'report' }
  /** A message left a tapped outport; dead letters of `in` leave by `dead_in`. */
  | { readonly kind: 'copy'; readonly from: PortRef; readonly data: unknown }
  /** An IIP was handed out; told before it is. */
  | { readonly kind: 'iip'; readonly to: PortRef; readonly data: unknown }
  /** What an inport could not do with a message; only while dead letters are tapped. */
  | { readonly kind: 'dead-letter'; readonly of: PortRef; readonly reason: string; readonly data: unknown }
  /** Something cannot be done; told once for each reason, and tried again all the same. */
  | { readonly kind: 'failure'; readonly role?: Role; readonly message: string };

/** The ports whose messages, or dead letters, go through an outqueue; by outqueue. */
export type CopySources = ReadonlyMap<
  QueueName,
  readonly { readonly kind: 'copy' | 'dead-letter'; readonly port: PortRef }[]
>;

/** O(ports of the graph). */
export function copySources(desired: Desired, observed: Observed): CopySources {
  const rows = [...desired.roles].flatMap((role) => {
    const definition = definitionOf(observed, role);
    if (!definition) return [];
    const leaving = [...definition.outports, ...impliedOutports(definition, desired.caseSensitive)];
    const ports = leaving.map(({ id, queue }) => ({
      kind: 'copy' as const,
      outqueue: queue,
      port: { role, port: id },
    }));
    const failing = definition.inports.map(({ id, queue }) => ({
      kind: 'dead-letter' as const,
      outqueue: deadLetterQueue(queue),
      port: { role, port: id },
    }));
    return [...ports, ...failing];
  });
  return groupBy(rows, ({ outqueue }) => outqueue);
}

/** What a copy from a tapped outqueue tells of the graph: one event for each port that is behind it. */
export function eventsOfCopy(
  outqueue: QueueName,
  { data, headers }: Delivery,
  sources: CopySources,
): CoordinatorEvent[] {
  return (sources.get(outqueue) ?? []).map(({ kind, port }): CoordinatorEvent => {
    if (kind === 'copy') return { kind, from: port, data };
    return { kind, of: port, reason: headers[HEADER.deadReason] ?? 'no reason was given', data };
  });
}

/** A step cannot be carried out: whom that concerns, as far as it is one role. */
export function failureEvent(step: Step, message: string, desired: Desired): CoordinatorEvent {
  const role = roleOf(step, desired);
  return { kind: 'failure', message, ...(role !== undefined && { role }) };
}

function roleOf(step: Step, { edges }: Desired): Role | undefined {
  if (step.do === 'bind') return edges.find(({ key }) => key === step.edge)?.to.role;
  if (step.do === 'wire') return step.wiring.role;
  return step.do === 'send-iip' ? step.iip.to.role : undefined;
}
