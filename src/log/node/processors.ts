import type { LogStore } from '../store/store.js';
import { LogError } from './log-error.js';
import type { Unsubscribe } from './log-listening.js';
import type { ProcessorDefinition } from './log-processors.js';
import type { ProcState } from './log-procs.js';
import type { ProcTable } from './proc-table.js';

const PROCESSOR = 'processor/';

/** Which processors were defined, kept in the log, and their procs. */
export class Processors {
  readonly #store: LogStore;
  readonly #table: ProcTable;
  readonly #definitions = new Map<string, ProcessorDefinition>();
  readonly #listeners = new Set<(definition: ProcessorDefinition) => void>();
  readonly #removed = new Set<(definition: ProcessorDefinition) => void>();

  constructor(store: LogStore, table: ProcTable) {
    this.#store = store;
    this.#table = table;
    for (const [key, value] of store.list(PROCESSOR)) {
      const definition: ProcessorDefinition = JSON.parse(value);
      this.#definitions.set(key.slice(PROCESSOR.length), definition);
    }
  }

  get all(): readonly ProcessorDefinition[] {
    return [...this.#definitions.values()];
  }

  /** Makes its procs, and keeps it. @throws {LogError} no_valid_processor_provided, invalid_topic */
  async define(definition: ProcessorDefinition): Promise<readonly ProcState[]> {
    const states: ProcState[] = [];
    for (const [name, topic] of procsOf(definition))
      states.push((await this.#table.ensure(topic, { ...definition.options, name })).state);
    const value = JSON.stringify(definition);
    const key = PROCESSOR + definition.name;
    if (this.#store.get(key) !== value) await this.#store.commit({ puts: [{ key, value }] });
    this.#definitions.set(definition.name, definition);
    for (const listener of [...this.#listeners]) listener(definition);
    return states;
  }

  onDefined(listener: (definition: ProcessorDefinition) => void): Unsubscribe {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  onRemoved(listener: (definition: ProcessorDefinition) => void): Unsubscribe {
    this.#removed.add(listener);
    return () => this.#removed.delete(listener);
  }

  /** Forgets it, and destroys its procs. @throws {LogError} invalid_proc */
  async remove(name: string): Promise<void> {
    const definition = this.#definitions.get(name);
    if (!definition) throw new LogError('invalid_proc', `there is no processor '${name}'`);
    this.#definitions.delete(name);
    for (const listener of [...this.#removed]) listener(definition);
    await this.#store.commit({ deletes: [PROCESSOR + name] });
    for (const [one] of procsOf(definition)) {
      const proc = this.#table.find(one);
      if (proc) await this.#table.destroy(proc);
    }
  }
}

/** Names of the procs of a processor, with their topics. @throws {LogError} no_valid_processor_provided, invalid_topic */
export function procsOf(definition: ProcessorDefinition): readonly (readonly [string, string])[] {
  const { name, from, isList = from.length > 1, processor } = definition;
  if (processor === '') throw new LogError('no_valid_processor_provided');
  if (from.length === 0) throw new LogError('invalid_topic', `processor '${name}' reads from no topic`);
  return from.map((topic) => [isList ? `${name}__${topic}` : name, topic] as const);
}
