import type { LogStore } from '../store/store.js';
import { LogError } from './log-error.js';
import type { Unsubscribe } from './log-listening.js';
import type { ProcessorDefinition } from './log-processors.js';

const PROCESSOR = 'processor/';

/** Which processors were defined, kept in the log. */
export class Processors {
  readonly #store: LogStore;
  readonly #definitions = new Map<string, ProcessorDefinition>();
  readonly #listeners = new Set<(definition: ProcessorDefinition) => void>();
  readonly #removed = new Set<(definition: ProcessorDefinition) => void>();

  constructor(store: LogStore) {
    this.#store = store;
    for (const [key, value] of store.list(PROCESSOR)) {
      const definition: ProcessorDefinition = JSON.parse(value);
      this.#definitions.set(key.slice(PROCESSOR.length), definition);
    }
  }

  get all(): readonly ProcessorDefinition[] {
    return [...this.#definitions.values()];
  }

  find(name: string): ProcessorDefinition | undefined {
    return this.#definitions.get(name);
  }

  /** Its procs have to exist before. @throws {LogError} no_valid_processor_provided */
  async define(definition: ProcessorDefinition): Promise<void> {
    const value = JSON.stringify(definition);
    const key = PROCESSOR + definition.name;
    if (this.#store.get(key) !== value) await this.#store.commit({ puts: [{ key, value }] });
    this.#definitions.set(definition.name, definition);
    for (const listener of [...this.#listeners]) listener(definition);
  }

  onDefined(listener: (definition: ProcessorDefinition) => void): Unsubscribe {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  onRemoved(listener: (definition: ProcessorDefinition) => void): Unsubscribe {
    this.#removed.add(listener);
    return () => this.#removed.delete(listener);
  }

  async remove(definition: ProcessorDefinition): Promise<void> {
    const { name } = definition;
    this.#definitions.delete(name);
    for (const listener of [...this.#removed]) listener(definition);
    await this.#store.commit({ deletes: [PROCESSOR + name] });
  }
}

/** Names of the procs of a processor, with their topics. @throws {LogError} no_valid_processor_provided, invalid_topic */
export function procsOf(definition: ProcessorDefinition): readonly (readonly [string, string])[] {
  const { name, from, isList = from.length > 1, processor } = definition;
  if (processor === '') throw new LogError('no_valid_processor_provided');
  if (from.length === 0) throw new LogError('invalid_topic', `processor '${name}' reads from no topic`);
  return from.map((topic) => [isList ? `${name}__${topic}` : name, topic] as const);
}
