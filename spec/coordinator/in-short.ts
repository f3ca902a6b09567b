import type { Step } from '../../src/coordinator/steps.js';

/** A step in short: what a reader of the table wants to see. */
export function inShort(step: Step): string {
  switch (step.do) {
    case 'start':
    case 'restart':
      return `${step.do} ${step.spec.key}`;
    case 'unwire':
      return `unwire ${step.role}`;
    case 'tap':
    case 'untap':
      return `${step.do} ${step.outqueue}`;
    case 'move': {
      const { queues, slots } = step.move;
      return `move ${queues.map(({ from, to }) => `${from} -> ${to}`)}, slots ${slots}`;
    }
    case 'stop':
      return `stop ${step.key}`;
    case 'bind':
    case 'unbind':
      return `${step.do} ${step.binding.kind} ${step.binding.source} -> ${step.binding.target}`;
    case 'wire': {
      const { role, inports, outports, targets, iips } = step.wiring;
      const told = {
        ...inports,
        ...outports,
        ...(targets ? { targets } : {}),
        ...(iips.length > 0 ? { iips: iips.map(({ data }) => data) } : {}),
      };
      return `wire ${role} ${JSON.stringify(told)}`;
    }
    case 'send-iip':
      return `iip ${JSON.stringify(step.iip.data)} to ${step.iip.queue} for ${step.iip.participant}`;
  }
}
