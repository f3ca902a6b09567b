import type { Definition, PortDefinition } from '../discovery/index.js';
import { asPortName, asQueueName, type ParticipantId, type QueueName, type Role } from '../names.js';
import type { Logger } from '../support/index.js';
import type { Component, InportSpec, OutportSpec, PortSpec } from './component.js';
import { Inport } from './inport.js';
import { Outport } from './outport.js';

/** The queue of a role's port: the one that is named, with `#ROLE` replaced, else `<role>.<PORT>`. */
function queueOf(role: Role, port: string, named?: string): QueueName {
  return asQueueName(named === undefined ? `${role}.${port.toUpperCase()}` : named.replaceAll('#ROLE', role));
}

export function createInports(component: Component, role: Role): ReadonlyMap<string, Inport> {
  const create = ([name, spec]: [string, InportSpec]): [string, Inport] => {
    const prefetch = spec.prefetch ?? component.prefetch;
    return [name, new Inport(asPortName(name), queueOf(role, name, spec.queue), { ...spec, prefetch })];
  };
  return new Map(Object.entries(component.inports).map(create));
}

export function createOutports(component: Component, role: Role, log: Logger): ReadonlyMap<string, Outport> {
  const create = ([name, spec]: [string, OutportSpec]): [string, Outport] => {
    const options = { holdsUnrouted: spec.unrouted === 'hold', log };
    return [name, new Outport(asPortName(name), queueOf(role, name, spec.queue), options)];
  };
  return new Map(Object.entries(component.outports).map(create));
}

/** What an instance says of itself. */
export function createDefinition(
  component: Component,
  instance: {
    readonly id: ParticipantId;
    readonly role: Role;
    readonly inports: ReadonlyMap<string, Inport>;
    /** Whether inports tell what they listen to. */
    readonly sources: boolean;
    readonly wired: string | undefined;
  },
): Definition {
  const { id, role, inports, sources, wired } = instance;
  const { label, icon } = component;
  const sourcesOf = (name: string): Partial<PortDefinition> => ({ sources: inports.get(name)?.sources ?? [] });
  return {
    id,
    role,
    component: component.component,
    ...(label === undefined ? {} : { label }),
    ...(icon === undefined ? {} : { icon }),
    inports: Object.entries(component.inports).map(([name, spec]) => ({
      ...createPort(role, name, spec),
      ...(sources ? sourcesOf(name) : {}),
    })),
    outports: Object.entries(component.outports).map(([name, spec]) => createPort(role, name, spec)),
    wiring: 1,
    ...(wired === undefined ? {} : { wired }),
  };
}

function createPort(role: Role, name: string, spec: PortSpec): PortDefinition {
  const { type = 'any', description, schema, options, hidden } = spec;
  return {
    id: asPortName(name),
    queue: queueOf(role, name, spec.queue),
    type,
    ...(description === undefined ? {} : { description }),
    ...(schema === undefined ? {} : { schema }),
    ...(options === undefined ? {} : { options }),
    ...(hidden === undefined ? {} : { hidden }),
  };
}
