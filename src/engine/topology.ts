import type { LogNode } from '../log/index.js';
import { asQueueName, type QueueName } from '../names.js';
import type { EngineQueueKind, EngineQueueOptions } from './engine.js';
import { EngineRefusedError } from './errors.js';
import { Inqueue, type InqueueOptions, type InqueueParts, type QueueLimit } from './inqueue.js';

/** Dead letters of the inqueue `q` go to the outqueue `dead-q`; the inqueue of that name keeps them. */
export const deadName = (inqueue: QueueName): QueueName => `dead-${inqueue}` as QueueName;

const KINDS = ['inqueue', 'outqueue'] as const;
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
    const passing: QueueName[] = [];
    for (const kind of KINDS)
      for (const [key, value] of this.#node.facts.list(`queue/${kind}/`)) {
        const name = asQueueName(key.slice(`queue/${kind}/`.length));
        const options: EngineQueueOptions = JSON.parse(value);
        this.#declared[kind].set(name, { options, users: new Set() });
        if (kind === 'inqueue') await this.#create(name, this.#optionsOf(options));
        if (kind === 'inqueue') await this.keepDeadLetters(name);
        if (!options.persistent) passing.push(name);
      }
    for (const name of passing) await this.#forget(name);
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
    const existing = this.#declared[kind].get(name);
    this.#check(kind, name, options, existing);
    if (existing?.users.size === 0 && !isSame(existing.options, options)) {
      // Nobody uses it as it was: what its owner says now counts, and nothing in it is lost.
      this.#declared[kind].delete(name);
      this.#inqueues.get(name)?.stop();
      if (kind === 'inqueue') this.#inqueues.delete(name);
    }
    const declared = this.#declared[kind].get(name);
    if (declared) declared.users.add(user);
    else this.#declared[kind].set(name, { options, users: new Set([user]) });
    const kept = declared
      ? undefined
      : this.#node.facts.write([{ key: keyOf(kind, name), value: JSON.stringify(options) }]);
    if (kind === 'inqueue')
      await Promise.all([this.#create(name, this.#optionsOf(options)), this.keepDeadLetters(name), kept]);
    else await kept;
  }

  /** Makes the place where dead letters of `inqueue` are kept. */
  async keepDeadLetters(inqueue: QueueName): Promise<void> {
    await this.#create(deadName(inqueue), { limit: this.#limits.dead });
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

  /** Forgets a user. Returns the inqueues that went with it. */
  release(user: object): readonly Inqueue[] {
    const gone: Inqueue[] = [];
    for (const kind of KINDS)
      for (const [name, { options, users }] of this.#declared[kind]) {
        if (!users.delete(user) || options.persistent || users.size > 0) continue;
        const queue = kind === 'inqueue' && this.#inqueues.get(name);
        if (queue) gone.push(queue);
        this.#inChange(name, this.#forget(name)).catch((error: unknown) =>
          this.#parts.onError(error, `removing the queue '${name}'`),
        );
      }
    return gone;
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
    for (let before = this.#changing.get(name); before; before = this.#changing.get(name))
      await before.catch(() => undefined);
    if (this.#inqueues.has(name)) return;
    await this.#inChange(
      name,
      Inqueue.open(name, options, this.#parts).then((queue) => {
        this.#inqueues.set(name, queue);
        this.#routes.clear();
      }),
    );
  }

  #inChange(name: QueueName, change: Promise<void>): Promise<void> {
    const changing = change.finally(() => {
      if (this.#changing.get(name) === changing) this.#changing.delete(name);
    });
    this.#changing.set(name, changing);
    return changing;
  }

  /** At once, for those who look; the log follows. */
  async #forget(name: QueueName): Promise<void> {
    const queue = this.#inqueues.get(name);
    for (const kind of KINDS) this.#declared[kind].delete(name);
    this.#inqueues.delete(name);
    queue?.stop();
    this.#routes.clear();
    const node = this.#node;
    for (const binding of node.bindings())
      if (binding.source === name || (queue && binding.target === name)) await node.unbind(binding);
    await node.facts.write(
      [],
      KINDS.map((kind) => keyOf(kind, name)),
    );
    if (!queue) return;
    await node.subscribe(name, []);
    await node.destroyProc(queue.proc);
    if (!node.isRead(name)) await node.trim(name);
    await this.#forgetEmptyGrave(name);
    this.#routes.clear();
  }

  /** The place for dead letters goes too, unless there are some or somebody asked for it. */
  async #forgetEmptyGrave(inqueue: QueueName): Promise<void> {
    const dead = deadName(inqueue);
    const { ready, unacked, consumers } = this.#inqueues.get(dead)?.depth() ?? { ready: 1, unacked: 0, consumers: 0 };
    if (ready + unacked + consumers === 0 && !this.#declared.inqueue.has(dead)) await this.#forget(dead);
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
