import type { LogNode } from '../log/index.js';
import { asQueueName, type QueueName } from '../names.js';
import type { EngineQueueKind, EngineQueueOptions } from './engine.js';
import { EngineRefusedError } from './errors.js';
import { Inqueue, type InqueueOptions, type InqueueParts } from './inqueue.js';
import type { QueueLimit } from './room.js';

const DEAD = 'dead-';
/** Dead letters of the inqueue `q` go to the outqueue `dead-q`; the inqueue of that name keeps them. */
export const deadName = (inqueue: QueueName): QueueName => asQueueName(DEAD + inqueue);

const KINDS = ['inqueue', 'outqueue'] as const;
/** Names of which is known where they go; any number of them may be sent to. */
const MAX_KNOWN = 10_000;
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

/** Which queues there are, kept by the node, and so where a message goes. */
export class Topology {
  readonly #node: LogNode;
  readonly #limits: Limits;
  readonly #parts: InqueueParts;
  readonly #inqueues = new Map<QueueName, Inqueue>();
  readonly #declared = { inqueue: new Map<QueueName, Declared>(), outqueue: new Map<QueueName, Declared>() };
  /** Inqueues on their way in or out, by name: one after another. */
  readonly #changing = new Map<QueueName, Promise<unknown>>();
  /** Inqueues by where something is sent, worked out at the first message and forgotten at any change. */
  readonly #routes = new Map<QueueName, readonly Inqueue[]>();

  constructor(limits: Limits, parts: InqueueParts) {
    this.#node = parts.node;
    this.#limits = limits;
    this.#parts = parts;
  }

  /** Finds again what was declared, once, before anything else. What was not persistent goes: nobody uses it any more. */
  async restore(): Promise<void> {
    for (const kind of KINDS)
      for (const [key, value] of this.#node.facts.list(`queue/${kind}/`)) {
        const options: EngineQueueOptions = JSON.parse(value);
        this.#declared[kind].set(asQueueName(key.slice(`queue/${kind}/`.length)), { options, users: new Set() });
      }
    for (const [name, { options }] of this.#declared.inqueue) await this.#create(name, this.#optionsOf(options));
    for (const name of this.#declared.inqueue.keys()) await this.keepDeadLetters(name);
    for (const kind of KINDS)
      for (const [name, { options }] of [...this.#declared[kind]])
        if (!options.persistent) await this.#forget(kind, name).catch((error: unknown) => this.#leftover(name, error));
  }

  inqueue(name: QueueName): Inqueue | undefined {
    return this.#inqueues.get(name);
  }

  get inqueues(): Iterable<Inqueue> {
    return this.#inqueues.values();
  }

  /** The inqueues that get what is sent there. */
  routes(name: QueueName): readonly Inqueue[] {
    const known = this.#routes.get(name);
    if (known) return known;
    const topics = [name, ...this.#node.targets(name).map(asQueueName)];
    const routes = topics.flatMap((topic) => this.#inqueues.get(topic) ?? []);
    if (this.#routes.size >= MAX_KNOWN) this.#routes.clear();
    this.#routes.set(name, routes);
    return routes;
  }

  /** Whether anybody may be given what is sent there: an inqueue, or a proc of somebody else's. */
  isTaken(name: QueueName): boolean {
    if (this.routes(name).length > 0 || this.#node.isRead(name)) return true;
    return this.#node.targets(name).some((target) => this.#node.isRead(target));
  }

  routesChanged(): void {
    this.#routes.clear();
  }

  async declare(kind: EngineQueueKind, name: QueueName, options: EngineQueueOptions, user: object): Promise<void> {
    while (this.#changing.has(name)) await this.#unchanging(name);
    const existing = this.#declared[kind].get(name);
    this.#check(kind, name, options, existing);
    if (existing && isSame(existing.options, options)) existing.users.add(user);
    else await this.#inChange(name, this.#declareAnew(kind, name, options, user));
    if (kind === 'inqueue' && this.#declared.inqueue.has(name)) await this.keepDeadLetters(name);
  }

  async #declareAnew(kind: EngineQueueKind, name: QueueName, options: EngineQueueOptions, user: object): Promise<void> {
    const all = this.#declared[kind];
    const before = all.get(name);
    const declared: Declared = { options, users: new Set([user]) };
    all.set(name, declared);
    const queue = this.#inqueues.get(name);
    try {
      const kept = this.#node.facts.write([{ key: keyOf(kind, name), value: JSON.stringify(options) }]);
      if (kind === 'inqueue' && !queue) await Promise.all([kept, this.#open(name, this.#optionsOf(options))]);
      else await kept;
      // Nobody used it as it was: what its owner says now counts, and nothing in it is lost.
      if (kind === 'inqueue' && before) queue?.change(this.#optionsOf(options));
    } catch (error) {
      if (all.get(name) === declared && before) all.set(name, before);
      else if (all.get(name) === declared) all.delete(name);
      throw error;
    }
  }

  /** Makes the place where dead letters of `inqueue` are kept. What is declared there has the limits it is given. */
  async keepDeadLetters(inqueue: QueueName): Promise<void> {
    const name = deadName(inqueue);
    const { ttlMs, maxLength, maxBytes } = this.#declared.inqueue.get(name)?.options ?? {};
    if (ttlMs !== undefined || maxLength !== undefined || maxBytes !== undefined) return;
    await this.#create(name, { limit: this.#limits.dead });
    const queue = this.#inqueues.get(name);
    if (queue && queue.limit !== this.#limits.dead) queue.change({ limit: this.#limits.dead });
  }

  use(inqueue: QueueName, user: object): Inqueue {
    const queue = this.need(inqueue);
    this.#declared.inqueue.get(inqueue)?.users.add(user);
    return queue;
  }

  need(inqueue: QueueName): Inqueue {
    const queue = this.#inqueues.get(inqueue);
    if (!queue) throw new EngineRefusedError('not-found', inqueue, 'there is no such inqueue');
    return queue;
  }

  /** @throws {EngineRefusedError} not-found */
  checkBinding(source: QueueName, target: QueueName): void {
    if (!this.#declared.outqueue.has(source) && !this.#inqueues.has(source))
      throw new EngineRefusedError('not-found', source, 'there is no such outqueue');
    if (!this.#inqueues.has(target) && !this.isTaken(target))
      throw new EngineRefusedError('not-found', target, 'there is no such inqueue');
  }

  /** Forgets a user, and what only it used. */
  release(user: object): void {
    for (const kind of KINDS)
      for (const [name, { users }] of [...this.#declared[kind]])
        if (users.delete(user)) this.#leave(kind, name).catch((error: unknown) => this.#leftover(name, error));
  }

  /** What the log still knows of it goes at the next start. */
  #leftover(name: QueueName, error: unknown): void {
    this.#parts.onError(error, `removing the queue '${name}'`);
  }

  /** A queue that nobody uses goes unless it is persistent; one that is on its way in does so when it is there. */
  async #leave(kind: EngineQueueKind, name: QueueName): Promise<void> {
    const isUnused = (): boolean => {
      const declared = this.#declared[kind].get(name);
      return declared !== undefined && !declared.options.persistent && declared.users.size === 0;
    };
    if (!isUnused()) return;
    while (this.#changing.has(name)) await this.#unchanging(name);
    if (isUnused()) await this.#inChange(name, this.#forget(kind, name));
  }

  /** Resolves when nothing is on its way in or out. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#changing.values());
  }

  #check(kind: EngineQueueKind, name: QueueName, options: EngineQueueOptions, existing: Declared | undefined): void {
    // What only keeps dead letters has limits of its own, and nothing that is asked for is ignored.
    const keepsLetters = !existing && kind === 'inqueue' && this.#inqueues.has(name);
    if (existing?.users.size === 0 || (!existing && !keepsLetters)) return;
    const is: EngineQueueOptions = existing?.options ?? { persistent: options.persistent };
    const option = OPTIONS.find((one) => is[one] !== options[one]);
    if (!option) return;
    const [there, asked] = [is[option] ?? 'not set', options[option] ?? 'none'];
    throw new EngineRefusedError('mismatch', name, `'${option}' is ${there} there, asked for was ${asked}`);
  }

  async #create(name: QueueName, options: InqueueOptions): Promise<void> {
    while (this.#changing.has(name)) await this.#unchanging(name);
    if (!this.#inqueues.has(name)) await this.#inChange(name, this.#open(name, options));
  }

  async #open(name: QueueName, options: InqueueOptions): Promise<void> {
    this.#inqueues.set(name, await Inqueue.open(name, options, this.#parts));
    this.#routes.clear();
  }

  /** Resolves when it is neither on its way in nor out, and then nobody else has begun anything with it. */
  async #unchanging(name: QueueName): Promise<void> {
    for (let change = this.#changing.get(name); change; change = this.#changing.get(name))
      await change.catch(() => undefined);
  }

  #inChange(name: QueueName, change: Promise<void>): Promise<void> {
    const changing = change.finally(() => {
      if (this.#changing.get(name) === changing) this.#changing.delete(name);
    });
    this.#changing.set(name, changing);
    return changing;
  }

  /**
   * At once, for those who look; the log follows, in an order that a restart goes on with wherever it stopped: that there
   * is such a queue is forgotten last.
   */
  async #forget(kind: EngineQueueKind, name: QueueName): Promise<void> {
    const node = this.#node;
    this.#declared[kind].delete(name);
    const queue = kind === 'inqueue' && !this.#keepsLetters(name) ? this.#inqueues.get(name) : undefined;
    const steps: Promise<unknown>[] = [];
    if (queue) {
      this.#inqueues.delete(name);
      queue.stop();
      if (node.backlog(queue.proc)) steps.push(node.destroyProc(queue.proc));
      steps.push(node.subscribe(name, []));
    }
    const isSource = this.#declared.outqueue.has(name) || this.#inqueues.has(name);
    for (const binding of node.bindings())
      if ((!isSource && binding.source === name) || (queue && binding.target === name))
        steps.push(node.unbind(binding));
    steps.push(node.facts.write([], [keyOf(kind, name)]));
    this.#routes.clear();
    if (queue) this.#parts.onGone(queue);
    await Promise.all(steps);
    if (!queue) return;
    if (!node.isRead(name)) await node.trim(name);
    await this.#forgetEmptyGrave(name);
  }

  /** The place for dead letters goes too, unless there are some or somebody asked for it. */
  async #forgetEmptyGrave(inqueue: QueueName): Promise<void> {
    const dead = deadName(inqueue);
    while (this.#changing.has(dead)) await this.#unchanging(dead);
    const { ready, unacked, consumers } = this.#inqueues.get(dead)?.depth() ?? { ready: 1, unacked: 0, consumers: 0 };
    if (ready + unacked + consumers > 0 || this.#declared.inqueue.has(dead)) return;
    await this.#inChange(dead, this.#forget('inqueue', dead));
  }

  #keepsLetters(name: QueueName): boolean {
    return name.startsWith(DEAD) && this.#declared.inqueue.has(asQueueName(name.slice(DEAD.length)));
  }

  #optionsOf({ ttlMs, maxLength, maxBytes }: EngineQueueOptions): InqueueOptions {
    const own = this.#limits.inqueue;
    const limit = {
      ...own,
      maxMessages: Math.min(maxLength ?? own.maxMessages, own.maxMessages),
      maxBytes: Math.min(maxBytes ?? own.maxBytes, own.maxBytes),
    };
    return { limit, ttlMs };
  }
}

function isSame(a: EngineQueueOptions, b: EngineQueueOptions): boolean {
  return OPTIONS.every((option) => a[option] === b[option]);
}

function keyOf(kind: EngineQueueKind, name: QueueName): string {
  return `queue/${kind}/${name}`;
}
