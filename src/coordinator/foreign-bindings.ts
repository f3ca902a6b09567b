import type { Binding, Broker } from '../transport/index.js';
import { bindingKey, type Records } from './state.js';

/** The bindings at the broker that are none of ours. Empty where the broker cannot tell (`capabilities.foreignBindings`). */
export async function foreignBindings(broker: Broker, records: Records): Promise<readonly Binding[]> {
  if (!broker.capabilities.foreignBindings) return [];
  const all = await broker.bindings();
  return all.filter((binding) => !records.bindings.has(bindingKey(binding)));
}
