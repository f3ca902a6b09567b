import type { LogStore, NewRecord } from '../store/store.js';
import type { TopicBinding } from './log-bindings.js';
import { withSource } from './marked-source.js';
import { checkTopic } from './names.js';
import { matchesFilter } from './topic-filter.js';

const BINDING = 'bind/';
const SUBSCRIPTION = 'subscribe/';
/** Sources of which is known where they go; any number of names may be sent to. */
const MAX_KNOWN = 10_000;

/** A topic that gets a copy. */
interface Route {
  readonly target: string;
  /** The copy says where it comes from. */
  readonly source?: string;
}

/** Which topics get copies of what is committed to others. The copies go into the same batch: all of it is stored, or none. */
export class Bindings {
  readonly #store: LogStore;
  /** Kinds by target, by source. */
  readonly #bound = new Map<string, Map<string, Set<string>>>();
  readonly #filters = new Map<string, readonly string[]>();
  /** By source; forgotten at any change. */
  readonly #routes = new Map<string, readonly Route[]>();

  constructor(store: LogStore) {
    this.#store = store;
    for (const [key] of store.list(BINDING)) {
      const [source = '', target = '', kind = ''] = key.slice(BINDING.length).split('\0');
      this.#add({ source, target, kind });
    }
    for (const [key, value] of store.list(SUBSCRIPTION))
      this.#filters.set(key.slice(SUBSCRIPTION.length), JSON.parse(value));
  }

  get all(): readonly TopicBinding[] {
    return [...this.#bound].flatMap(([source, targets]) =>
      [...targets].flatMap(([target, kinds]) => [...kinds].map((kind) => ({ source, target, kind }))),
    );
  }

  async bind(binding: TopicBinding): Promise<void> {
    checkTopic(binding.source);
    checkTopic(binding.target);
    if (this.#bound.get(binding.source)?.get(binding.target)?.has(binding.kind)) return;
    this.#add(binding); // in force in the order of the calls, as the store has it
    try {
      await this.#store.commit({ puts: [{ key: keyOf(binding), value: '' }] });
    } catch (error) {
      this.#remove(binding);
      throw error;
    }
  }

  async unbind(binding: TopicBinding): Promise<void> {
    if (!this.#remove(binding)) return;
    try {
      await this.#store.commit({ deletes: [keyOf(binding)] });
    } catch (error) {
      this.#add(binding);
      throw error;
    }
  }

  async subscribe(target: string, filters: readonly string[]): Promise<void> {
    checkTopic(target);
    const key = SUBSCRIPTION + target;
    const before = this.#filters.get(target);
    if (!before && filters.length === 0) return;
    const now = filters.length > 0 ? [...filters] : undefined;
    this.#setFilters(target, now);
    try {
      await this.#store.commit(now ? { puts: [{ key, value: JSON.stringify(now) }] } : { deletes: [key] });
    } catch (error) {
      if (this.#filters.get(target) === now) this.#setFilters(target, before);
      throw error;
    }
  }

  #setFilters(target: string, filters: readonly string[] | undefined): void {
    if (filters) this.#filters.set(target, filters);
    else this.#filters.delete(target);
    this.#routes.clear();
  }

  filtersOf(target: string): readonly string[] {
    return this.#filters.get(target) ?? [];
  }

  /** All topics that get a copy of what is committed to this one. */
  targets(source: string): readonly string[] {
    return this.#of(source).map(({ target }) => target);
  }

  /** The records, and behind them their copies. */
  spread(records: readonly NewRecord[]): readonly NewRecord[] {
    if (this.#bound.size + this.#filters.size === 0) return records;
    let all: NewRecord[] | undefined;
    for (const record of records) {
      const { body, headers } = record;
      for (const { target, source } of this.#of(record.topic)) {
        all ??= [...records];
        if (source !== undefined) all.push({ topic: target, body, headers: withSource(headers, source) });
        else all.push(headers ? { topic: target, body, headers } : { topic: target, body });
      }
    }
    return all ?? records;
  }

  #of(source: string): readonly Route[] {
    const known = this.#routes.get(source);
    if (known) return known;
    const reached = this.#reach(source);
    const routes: Route[] = [...reached].slice(1).map((target) => ({ target }));
    for (const [target, filters] of this.#filters) {
      const match = reached.has(target) ? undefined : firstMatch(reached, filters);
      if (match !== undefined) routes.push({ target, source: match });
    }
    if (this.#routes.size >= MAX_KNOWN) this.#routes.clear();
    this.#routes.set(source, routes);
    return routes;
  }

  /** The topic itself, what is bound to it, and what is bound to that. */
  #reach(source: string): ReadonlySet<string> {
    const reached = new Set([source]);
    for (const one of reached) for (const target of this.#bound.get(one)?.keys() ?? []) reached.add(target);
    return reached;
  }

  #add({ source, target, kind }: TopicBinding): void {
    const targets = this.#bound.get(source) ?? new Map<string, Set<string>>();
    this.#bound.set(source, targets.set(target, (targets.get(target) ?? new Set()).add(kind)));
    this.#routes.clear();
  }

  #remove({ source, target, kind }: TopicBinding): boolean {
    const targets = this.#bound.get(source);
    const kinds = targets?.get(target);
    if (!kinds?.delete(kind)) return false;
    if (kinds.size === 0) targets?.delete(target);
    if (targets?.size === 0) this.#bound.delete(source);
    this.#routes.clear();
    return true;
  }
}

function firstMatch(topics: ReadonlySet<string>, filters: readonly string[]): string | undefined {
  for (const topic of topics) if (filters.some((filter) => matchesFilter(filter, topic))) return topic;
  return undefined;
}

function keyOf({ source, target, kind }: TopicBinding): string {
  return `${BINDING}${source}\0${target}\0${kind}`;
}
