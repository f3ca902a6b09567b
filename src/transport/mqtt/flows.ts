import { messageOf } from '../../errors.js';
import type { QueueName } from '../../names.js';
import type { Logger } from '../../support/index.js';
import type { Subscription } from '../index.js';
import { askedTopic, readReport, settledTopic } from './credit.js';
import { Flow } from './flow.js';
import { FlowTarget } from './flow-target.js';
import type { Outlet } from './outlet.js';
import { readTaker, takersOf } from './takers.js';

/** How often it is looked after what does not get on. */
const TICK_MS = 500;
/** Of whom nothing was heard for so long, though it was sent something, it is not waited for. */
const UNHEARD_MS = 5000;

/** A target in use, and how to look away from it. */
interface Watched {
  readonly target: FlowTarget;
  readonly watch: Promise<Subscription>;
}

/** The outqueues of a client of which no more may be unsettled at their targets than the broker keeps. */
export class Flows {
  readonly #outlet: Outlet;
  readonly #log: Logger;
  readonly #flows = new Map<QueueName, Flow>();
  readonly #watched = new Map<Flow, Map<QueueName, Watched>>();
  #ended: Error | undefined;
  #ticking: NodeJS.Timeout | undefined;

  constructor(outlet: Outlet, log: Logger) {
    this.#outlet = outlet;
    this.#log = log;
    outlet.onRestoring(() => {
      for (const { targets } of this.#flows.values()) for (const target of targets) target.forgetKept();
    });
  }

  /** That of an outqueue which flows to somebody. */
  of(outqueue: QueueName): Flow | undefined {
    const flow = this.#flows.size === 0 ? undefined : this.#flows.get(outqueue);
    return flow?.isWanted ? flow : undefined;
  }

  /** Resolves when what the targets tell will be heard. */
  async flowTo(outqueue: QueueName, inqueues: readonly QueueName[]): Promise<void> {
    const flow = this.#flows.get(outqueue) ?? (inqueues.length > 0 ? await this.#newFlow(outqueue) : undefined);
    if (!flow || this.#ended) return;
    const before = this.#watched.get(flow) ?? new Map<QueueName, Watched>();
    const now = new Map(
      [...new Set(inqueues)].map((inqueue) => [inqueue, before.get(inqueue) ?? this.#watch(inqueue)]),
    );
    this.#watched.set(flow, now);
    await Promise.all([...now.values()].map(({ watch }) => watch));
    flow.targets = [...now.values()].map(({ target }) => target);
    const left = [...before].filter(([inqueue]) => !now.has(inqueue));
    await Promise.all(left.map(async ([, { watch }]) => (await watch).cancel()));
  }

  /** A message has gone out in a flow, or waits to. */
  keepUp(): void {
    this.#ticking ??= setInterval(() => this.#tick(), TICK_MS).unref();
  }

  /** Nobody waits any longer, now or later. */
  end(error: Error): void {
    this.#ended = error;
    clearInterval(this.#ticking);
    for (const flow of this.#flows.values()) flow.end(error);
  }

  async #newFlow(outqueue: QueueName): Promise<Flow> {
    const flow = new Flow();
    const listening = await this.#outlet.subscribe(settledTopic(flow.token), 1, ({ payload }) => {
      const report = readReport(payload);
      if (report) flow.hear(report);
    });
    const other = this.#flows.get(outqueue);
    if (other) {
      await listening.cancel();
      return other;
    }
    this.#flows.set(outqueue, flow);
    return flow;
  }

  #watch(inqueue: QueueName): Watched {
    const target = new FlowTarget(inqueue);
    const watch = this.#outlet.subscribe(takersOf(inqueue), 1, (message) => {
      const taker = readTaker(message);
      if (taker) target.see(taker);
    });
    return { target, watch };
  }

  #tick(): void {
    const flows = [...this.#flows.values()];
    for (const flow of flows) {
      for (const target of flow.targets) this.#lookAfter(flow, target);
      flow.pump();
    }
    if (!flows.every(({ isQuiet }) => isQuiet)) return;
    clearInterval(this.#ticking);
    this.#ticking = undefined;
  }

  #lookAfter(flow: Flow, target: FlowTarget): void {
    if (!target.isStuck(flow.confirmedUpTo)) return;
    const { inqueue, asked, isHeard } = target;
    if (!isHeard && flow.ageMs > UNHEARD_MS) {
      const text = `who takes from '${inqueue}' does not tell what it has settled: messages to it are not held back`;
      this.#log.warnOnce(`unheard:${inqueue}`, text);
      target.giveUp();
      return;
    }
    const payload = Buffer.from(JSON.stringify({ token: flow.token, asked }));
    this.#outlet
      .publish({ topic: askedTopic(inqueue), payload })
      .catch((error) => this.#log.debug(`could not ask: ${messageOf(error)}`));
  }
}
