import { FORWARD_COUNT, Forwarder, type ForwarderOptions } from './forwarder.js';
import type { TopicBinding } from './log-node.js';
import { checkTopic } from './names.js';
import type { Proc } from './proc.js';

/** The forwarders of a node: one for each proc with a target, from the start or from `bind` on. */
export class Bindings {
  readonly #options: ForwarderOptions;
  readonly #forwarders = new Map<Proc, Forwarder>();

  constructor(options: ForwarderOptions) {
    this.#options = options;
    for (const proc of options.table.procs) this.#start(proc);
  }

  get all(): readonly TopicBinding[] {
    return [...this.#options.table.procs].flatMap(({ topic, definition: { target } }) =>
      target === undefined ? [] : [{ source: topic.name, target }],
    );
  }

  async bind(source: string, target: string): Promise<void> {
    checkTopic(target);
    const proc = await this.#options.table.ensure(
      source,
      { name: bindingName(source, target), offset: '$>', count: FORWARD_COUNT, maxReclaims: -1, reclaimTimeout: -1 },
      target,
    );
    this.#start(proc);
  }

  async unbind(source: string, target: string): Promise<void> {
    const proc = this.#options.table.find(bindingName(source, target));
    if (!proc) return;
    const forwarder = this.#forwarders.get(proc);
    this.#forwarders.delete(proc);
    await Promise.all([forwarder?.stop(), this.#options.table.destroy(proc)]);
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#forwarders.values()].map((forwarder) => forwarder.stop()));
  }

  #start(proc: Proc): void {
    const { target } = proc.definition;
    if (target === undefined || this.#forwarders.has(proc) || proc.isDestroyed) return;
    this.#forwarders.set(proc, new Forwarder(proc, target, this.#options));
  }
}

/** A colon in the source is escaped, so that two bindings never have one name. */
function bindingName(source: string, target: string): string {
  return `bind:${source.replace(/[%:]/g, encodeURIComponent)}:${target}`;
}
