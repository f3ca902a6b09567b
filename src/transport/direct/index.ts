/**
 * The transport within one process, for specs and for programs that need no other process: `direct://name`. Engines are
 * known by name to the one `openDirect()` they were made through; two registries share nothing.
 */
import { type Engine, openMemoryEngine } from '../../engine/index.js';
import { readHeaders, writeHeaders } from '../../log/index.js';
import type { QueueName } from '../../names.js';
import { deadLetterHeaders, type TransportFactory } from '../index.js';
import { DirectBroker } from './direct-broker.js';

export { DirectBroker };

/** A factory for `direct://name`; the engine of a name is made when it is first asked for. */
export function openDirect(engines: Map<string, Promise<Engine>> = new Map()): TransportFactory {
  return async (address, options, log) => {
    const name = address.host;
    const engine = engines.get(name) ?? openMemoryEngine({ expired });
    engines.set(name, engine);
    return new DirectBroker(await engine, options, log);
  };
}

const expired = (inqueue: QueueName, headers: Buffer): Buffer =>
  writeHeaders(deadLetterHeaders(inqueue, readHeaders(headers).headers, { deadLetter: 'expired' }));
