import type { QueueName } from '../names.js';
import type { EngineBinding, EngineBindingKind, EngineQueueKind } from './engine.js';
import { EngineRefusedError } from './errors.js';
import { Inqueue } from './inqueue.js';
import type { QueueLimit } from './message-list.js';

/** Dead letters of the inqueue `q` go to the outqueue `dead-q`; the inqueue of that name keeps them. */
export const deadName = (inqueue: QueueName): QueueName => `dead-${inqueue}` as QueueName;

interface Declared {
  readonly persistent: boolean;
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

  declare(kind: EngineQueueKind, name: QueueName, persistent: boolean, user: object): void {
    const existing = this.#declared[kind].get(name);
    if (existing && existing.persistent !== persistent) {
      const [is, asked] = persistent ? ['not persistent', 'persistent'] : ['persistent', 'not persistent'];
      throw new EngineRefusedError('mismatch', name, `it is ${is}, asked for was ${asked}`);
    }
    if (existing) existing.users.add(user);
    else this.#declared[kind].set(name, { persistent, users: new Set([user]) });
    if (kind === 'inqueue') this.#create(name, this.#limits.inqueue);
    if (kind === 'inqueue') this.keepDeadLetters(name);
  }

  /** Makes the place where dead letters of `inqueue` are kept. */
  keepDeadLetters(inqueue: QueueName): void {
    this.#create(deadName(inqueue), this.#limits.dead);
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
      for (const [name, { persistent, users }] of this.#declared[kind]) {
        if (!users.delete(user) || persistent || users.size > 0) continue;
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

  #create(name: QueueName, limit: QueueLimit): void {
    if (this.#inqueues.has(name)) return;
    this.#inqueues.set(name, new Inqueue(name, limit));
    this.#routes.clear();
  }

  /** Its place for dead letters goes too, unless there are some or somebody asked for it. */
  #remove(queue: Inqueue): void {
    this.#inqueues.delete(queue.name);
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
