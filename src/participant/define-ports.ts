import type { Definition, PortDefinition } from '../discovery/index.js';
import { asPortName, asQueueName, type ParticipantId, type QueueName, type Role } from '../names.js';
import type { Logger } from '../support/index.js';
import type { Component, InportSpec, OutportSpec, PortSpec } from './component.js';
import { Inport } from './inport.js';
import { Outport } from './outport.js';
import { announcedSchema, PortSchema } from './port-schema.js';

/** The queue of a role's port: the one that is named, with `#ROLE` replaced, else `<role>.<PORT>`. */
function queueOf(role: Role, port: string, named?: string): QueueName {
  return asQueueName(named === undefined ? `${role}.${port.toUpperCase()}` : named.replaceAll('#ROLE', role));
}

/** @throws {PortSchemaError} */
export function createInports(component: Component, role: Role, log: Logger): ReadonlyMap<string, Inport> {
  const create = ([name, spec]: [string, InportSpec]): [string, Inport] => {
    const prefetch = spec.prefetch ?? component.prefetch;
    const place = { component: component.component, direction: 'inport', port: name } as const;
    const check = PortSchema.of(spec, place, log);
    return [
      name,
      new Inport(asPortName(name), queueOf(role, name, spec.queue), {
        ...spec,
        prefetch,
        check,
        shownSchema: announcedSchema(spec),
      }),
    ];
  };
  return new Map(Object.entries(component.inports).map(create));
}

/** @throws {PortSchemaError} */
export function createOutports(component: Component, role: Role, log: Logger): ReadonlyMap<string, Outport> {
  const create = ([name, spec]: [string, OutportSpec]): [string, Outport] => {
    const place = { component: component.component, direction: 'outport', port: name } as const;
    const options = {
      holdsUnrouted: spec.unrouted === 'hold',
      check: PortSchema.of(spec, place, log),
      shownSchema: announcedSchema(spec),
      log,
    };
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
    readonly outports: ReadonlyMap<string, Outport>;
    /** Whether inports tell what they listen to. */
    readonly sources: boolean;
    readonly wired: string | undefined;
  },
): Definition {
  const { id, role, inports, outports, sources, wired } = instance;
  const { label, icon } = component;
  const sourcesOf = (name: string): Partial<PortDefinition> => ({ sources: inports.get(name)?.sources ?? [] });
  return {
    id,
    role,
    component: component.component,
    ...(label === undefined ? {} : { label }),
    ...(icon === undefined ? {} : { icon }),
    inports: Object.entries(component.inports).map(([name, spec]) => ({
      ...createPort(role, name, spec, inports.get(name)?.shownSchema),
      ...(sources ? sourcesOf(name) : {}),
    })),
    outports: Object.entries(component.outports).map(([name, spec]) =>
      createPort(role, name, spec, outports.get(name)?.shownSchema),
    ),
    wiring: 1,
    ...(wired === undefined ? {} : { wired }),
  };
}

function createPort(role: Role, name: string, spec: PortSpec, schema: PortSpec['schema']): PortDefinition {
  const { type = 'any', description, options, hidden } = spec;
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
