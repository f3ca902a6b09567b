/**
 * The transport within one process, for specs and for programs that need no other process: `direct://name`. Engines are
 * known by name to the one `openDirect()` they were made through; two registries share nothing.
 */
import { type Engine, MemoryEngine, type MemoryEngineOptions } from '../../engine/index.js';
import { deadLetterHeaders, type TransportFactory } from '../index.js';
import { DirectBroker } from './direct-broker.js';

export { DirectBroker };

/** A factory for `direct://name`; the engine of a name is made when it is first asked for. */
export function openDirect(engines: Map<string, Engine> = new Map()): TransportFactory {
  return async (address, options, log) => {
    const name = address.host;
    const engine = engines.get(name) ?? new MemoryEngine({ expired });
    engines.set(name, engine);
    return new DirectBroker(engine, options, log);
  };
}

const expired: Required<MemoryEngineOptions>['expired'] = (inqueue, headers) =>
  deadLetterHeaders(inqueue, headers, { deadLetter: 'expired' });
