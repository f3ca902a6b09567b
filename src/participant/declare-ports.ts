import { UnsupportedError } from '../errors.js';
import type { Client, QueueKind, QueueOptions } from '../transport/index.js';
import type { Component, InportSpec, OutportSpec } from './component.js';
import type { Inport } from './inport.js';
import type { Outport } from './outport.js';

export interface DeclaredPorts {
  readonly component: Component;
  readonly inports: ReadonlyMap<string, Inport>;
  readonly outports: ReadonlyMap<string, Outport>;
}

/**
 * Declares the queues of all ports.
 * @throws {UnsupportedError} naming port and option, where the broker has nothing of the kind
 */
export async function declarePorts(client: Client, { component, inports, outports }: DeclaredPorts): Promise<void> {
  const declare = async (kind: QueueKind, { name, queue }: Inport | Outport, options: QueueOptions): Promise<void> => {
    try {
      await client.declare(kind, queue, options);
    } catch (error) {
      if (!(error instanceof UnsupportedError)) throw error;
      const port = `${kind === 'inqueue' ? 'inport' : 'outport'} '${name}'`;
      throw new UnsupportedError(`component '${component.component}', ${port}: ${error.message}`, { cause: error });
    }
  };
  await Promise.all([
    ...[...inports].map(([name, port]) => declare('inqueue', port, inqueueOptions(component.inports[name]))),
    ...[...outports].map(([name, port]) => declare('outqueue', port, outqueueOptions(component.outports[name]))),
  ]);
}

/** No more than the author said, so that what old libraries declared is the same queue. */
function inqueueOptions(spec: InportSpec = {}): QueueOptions {
  const { persistent, ttlMs, maxLength, maxBytes, quorum, deliveryLimit, maxPriority, arguments: more } = spec;
  return {
    ...(persistent !== undefined && { persistent }),
    ...(ttlMs !== undefined && { ttlMs }),
    ...(maxLength !== undefined && { maxLength }),
    ...(maxBytes !== undefined && { maxBytes }),
    ...(quorum !== undefined && { quorum }),
    ...(deliveryLimit !== undefined && { deliveryLimit }),
    ...(maxPriority !== undefined && { maxPriority }),
    ...(more !== undefined && { arguments: more }),
  };
}

function outqueueOptions({ persistent }: OutportSpec = {}): QueueOptions {
  return persistent === undefined ? {} : { persistent };
}
