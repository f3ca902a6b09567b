import type { QueueName } from '../names.js';
import type { EngineBinding, EngineBindingKind, EngineQueueKind, EngineQueueOptions } from './engine.js';
import { EngineRefusedError } from './errors.js';
import { Inqueue, type InqueueOptions } from './inqueue.js';
import type { QueueLimit } from './message-list.js';

/** Dead letters of the inqueue `q` go to the outqueue `dead-q`; the inqueue of that name keeps them. */
export const deadName = (inqueue: QueueName): QueueName => `dead-${inqueue}` as QueueName;

const OPTIONS = ['persistent', 'ttlMs', 'maxLength', 'maxBytes'] as const satisfies (keyof EngineQueueOptions)[];

interface Declared {
  readonly options: EngineQueueOptions;
  /** Sessions that use it. */
  readonly users: Set<object>;
}

export interface Limits {
  readonly inqueue: QueueLimit;
  readonly dead: QueueLimit;
}

/** Which queues there are, what is bound to what, and so where a message goes. */
export class Topology {
  readonly #inqueues = new Map<QueueName, Inqueue>();
  readonly #declared = { inqueue: new Map<QueueName, Declared>(), outqueue: new Map<QueueName, Declared>() };
  readonly #bindings = new Map<QueueName, Map<QueueName, Set<EngineBindingKind>>>();
  /** Targets by outqueue, worked out at the first message and forgotten at any change. */
  readonly #routes = new Map<QueueName, readonly Inqueue[]>();
  readonly #limits: Limits;

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  inqueue(name: QueueName): Inqueue | undefined {
    return this.#inqueues.get(name);
  }

  routes(kind: EngineQueueKind, name: QueueName): readonly Inqueue[] {
    if (kind === 'inqueue') {
      const inqueue = this.#inqueues.get(name);
      return inqueue ? [inqueue] : [];
    }
    const known = this.#routes.get(name);
    if (known) return known;
    const targets = new Set([name, ...(this.#bindings.get(name)?.keys() ?? [])]);
    const routes = [...targets].flatMap((target) => this.#inqueues.get(target) ?? []);
    this.#routes.set(name, routes);
    return routes;
  }

  declare(kind: EngineQueueKind, name: QueueName, options: EngineQueueOptions, user: object): void {
    const existing = this.#declared[kind].get(name);
    // What only keeps dead letters has limits of its own, and nothing that is asked for is ignored.
    const keepsLetters = kind === 'inqueue' && this.#inqueues.has(name);
    const is = existing?.options ?? (keepsLetters ? { persistent: options.persistent } : options);
    for (const option of OPTIONS) {
      if (is[option] === options[option]) continue;
      const [there, asked] = [is[option] ?? 'not set', options[option] ?? 'none'];
      throw new EngineRefusedError('mismatch', name, `'${option}' is ${there} there, asked for was ${asked}`);
    }
    if (existing) existing.users.add(user);
    else this.#declared[kind].set(name, { options, users: new Set([user]) });
    if (kind !== 'inqueue') return;
    this.#create(name, { limit: this.#limitOf(options), ttlMs: options.ttlMs });
    this.keepDeadLetters(name);
  }

  /** Makes the place where dead letters of `inqueue` are kept. */
  keepDeadLetters(inqueue: QueueName): void {
    this.#create(deadName(inqueue), { limit: this.#limits.dead });
  }

  use(inqueue: QueueName, user: object): Inqueue {
    const queue = this.#inqueues.get(inqueue);
    if (!queue) throw new EngineRefusedError('not-found', inqueue, 'there is no such inqueue');
    this.#declared.inqueue.get(inqueue)?.users.add(user);
    return queue;
  }

  /** Forgets a user. Returns the inqueues that went with it. */
  release(user: object): readonly Inqueue[] {
    const gone: Inqueue[] = [];
    for (const kind of ['inqueue', 'outqueue'] as const) {
      for (const [name, { options, users }] of this.#declared[kind]) {
        if (!users.delete(user) || options.persistent || users.size > 0) continue;
        this.#declared[kind].delete(name);
        const queue = kind === 'inqueue' && this.#inqueues.get(name);
        if (queue) gone.push(queue);
        if (queue) this.#remove(queue);
        this.#unbindAll(name);
      }
    }
    return gone;
  }

  bind({ kind, source, target }: EngineBinding): void {
    if (!this.#declared.outqueue.has(source) && !this.#inqueues.has(source))
      throw new EngineRefusedError('not-found', source, 'there is no such outqueue');
    if (!this.#inqueues.has(target)) throw new EngineRefusedError('not-found', target, 'there is no such inqueue');
    const targets = this.#bindings.get(source) ?? new Map<QueueName, Set<EngineBindingKind>>();
    this.#bindings.set(source, targets.set(target, (targets.get(target) ?? new Set()).add(kind)));
    this.#routes.clear();
  }

  unbind({ kind, source, target }: EngineBinding): void {
    const targets = this.#bindings.get(source);
    const kinds = targets?.get(target);
    if (!targets || !kinds?.delete(kind)) return;
    if (kinds.size === 0) targets.delete(target);
    if (targets.size === 0) this.#bindings.delete(source);
    this.#routes.clear();
  }

  bindings(): readonly EngineBinding[] {
    return [...this.#bindings].flatMap(([source, targets]) =>
      [...targets].flatMap(([target, kinds]) => [...kinds].map((kind) => ({ kind, source, target }))),
    );
  }

  #create(name: QueueName, options: InqueueOptions): void {
    if (this.#inqueues.has(name)) return;
    this.#inqueues.set(name, new Inqueue(name, options));
    this.#routes.clear();
  }

  #limitOf({ maxLength, maxBytes }: EngineQueueOptions): QueueLimit {
    const own = this.#limits.inqueue;
    return {
      ...own,
      maxMessages: Math.min(maxLength ?? own.maxMessages, own.maxMessages),
      maxBytes: Math.min(maxBytes ?? own.maxBytes, own.maxBytes),
    };
  }

  /** Its place for dead letters goes too, unless there are some or somebody asked for it. */
  #remove(queue: Inqueue): void {
    this.#inqueues.delete(queue.name);
    queue.expiry?.clear();
    const dead = deadName(queue.name);
    const { ready, unacked, consumers } = this.#inqueues.get(dead)?.depth() ?? { ready: 1, unacked: 0, consumers: 0 };
    if (ready + unacked + consumers > 0 || this.#declared.inqueue.has(dead)) return;
    this.#inqueues.delete(dead);
    this.#unbindAll(dead);
  }

  #unbindAll(name: QueueName): void {
    const exists = this.#inqueues.has(name) || this.#declared.outqueue.has(name);
    if (!exists) this.#bindings.delete(name);
    if (!this.#inqueues.has(name)) {
      for (const [source, targets] of this.#bindings) {
        targets.delete(name);
        if (targets.size === 0) this.#bindings.delete(source);
      }
    }
    this.#routes.clear();
  }
}
