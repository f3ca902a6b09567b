import type { Wiring } from '../discovery/index.js';
import type { ParticipantId, PortRef, QueueName, Role } from '../names.js';
import type { ProcessSpec } from '../process/index.js';
import type { Binding } from '../transport/index.js';
import { bindingKey } from './state.js';

/** One thing to do. Each is idempotent, so that it may be repeated after a failure or a crash. */
export type Step =
  | { readonly do: 'start'; readonly spec: ProcessSpec }
  | { readonly do: 'restart'; readonly spec: ProcessSpec }
  | { readonly do: 'stop'; readonly key: string }
  | { readonly do: 'bind'; readonly binding: Binding; readonly edge: string }
  | { readonly do: 'unbind'; readonly binding: Binding; readonly edge: string }
  | { readonly do: 'wire'; readonly wiring: Wiring }
  | { readonly do: 'unwire'; readonly role: Role }
  | { readonly do: 'send-iip'; readonly iip: QueuedIip }
  | { readonly do: 'tap' | 'untap'; readonly outqueue: QueueName }
  | { readonly do: 'move'; readonly move: QueueMove };

/** What waits in the queues of a renamed role, on the way to the queues of its new name. */
export interface QueueMove {
  readonly from: Role;
  readonly to: Role;
  readonly queues: readonly {
    readonly from: QueueName;
    readonly to: QueueName;
    /** Where the broker does not bind: what `from` was subscribed to. */
    readonly sources: readonly QueueName[];
  }[];
  readonly slots: readonly string[];
}

/** An IIP for a participant that knows no wiring: it goes to the queue of the port. */
export interface QueuedIip {
  readonly to: PortRef;
  readonly queue: QueueName;
  readonly data: unknown;
  readonly participant: ParticipantId;
  readonly key: string;
}

/** Identity of a step, by which the executor remembers failures; compared, never parsed. */
export function stepKey(step: Step): string {
  switch (step.do) {
    case 'start':
    case 'restart':
      return `${step.do} ${step.spec.key}`;
    case 'stop':
      return `stop ${step.key}`;
    case 'bind':
    case 'unbind':
      return `${step.do} ${bindingKey(step.binding)}`;
    case 'wire':
      return `wire ${step.wiring.role}`;
    case 'unwire':
      return `unwire ${step.role}`;
    case 'tap':
    case 'untap':
      return `${step.do} ${step.outqueue}`;
    case 'move':
      return `move ${step.move.from}`;
    case 'send-iip':
      return `send-iip ${step.iip.participant} ${step.iip.key}`;
  }
}

/** A step in words, for one line of a log. */
export function describeStep(step: Step): string {
  switch (step.do) {
    case 'start':
    case 'restart':
      return `${step.do} ${step.spec.key}`;
    case 'stop':
      return `stop ${step.key}`;
    case 'bind':
    case 'unbind':
      return `${step.do} ${step.binding.source} -> ${step.binding.target}`;
    case 'wire':
      return `wire role '${step.wiring.role}'`;
    case 'unwire':
      return `clear the wiring of role '${step.role}'`;
    case 'tap':
    case 'untap':
      return `${step.do} '${step.outqueue}'`;
    case 'move':
      return `move what waits for role '${step.move.from}' to '${step.move.to}'`;
    case 'send-iip':
      return `send the IIP of '${step.iip.to.role}' port '${step.iip.to.port}'`;
  }
}
