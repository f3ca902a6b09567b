import { setTimeout as delay } from 'node:timers/promises';
import type { QueueName } from '../names.js';
import type { Broker, QueueDepth } from '../transport/index.js';
import type { CountersFeed } from './counters-feed.js';
import { definitionOf, portNamed } from './edges.js';
import type { Desired, Observed, WantedEdge } from './state.js';

/** The queue at the end of an edge; what nobody tells is absent. */
export interface QueueReport {
  readonly edge: WantedEdge;
  readonly queue: QueueName;
  readonly ready?: number;
  readonly unacked?: number;
  readonly consumers?: number;
  readonly inPerSecond?: number;
  readonly outPerSecond?: number;
}

interface Reading {
  readonly atMs: number;
  readonly settled: number;
  /** Ready and unacked, where the broker tells. */
  readonly held: number | undefined;
  readonly rates: Pick<QueueReport, 'inPerSecond' | 'outPerSecond'>;
}

/** Rates are taken over at least so long, in ms. */
const RATE_OVER_MS = 500;
/** Longer together than a participant takes to tell that it is idle again. */
const BUSY_LOOKS = 8;
const BUSY_LOOK_MS = 50;

/**
 * What waits in the queues of the graph: of the broker, where that tells, completed by what participants of ours count.
 * Rates are the change since the reading before: what left is what was settled, what came is what left and what is more.
 */
export class Figures {
  readonly #broker: Broker;
  readonly #counters: CountersFeed;
  readonly #nowMs: () => number;
  #readings = new Map<QueueName, Reading>();

  constructor(broker: Broker, counters: CountersFeed, nowMs: () => number) {
    this.#broker = broker;
    this.#counters = counters;
    this.#nowMs = nowMs;
  }

  /**
   * Messages wait in some inqueue of the graph, or are in hand, for longer than a moment: one that is just being settled
   * while it is asked makes no busy network. Answers at once when nothing is there, else within about 350 ms.
   */
  async isBusy(look: () => { readonly desired: Desired; readonly observed: Observed }): Promise<boolean> {
    for (let looks = 1; ; looks += 1) {
      const { desired, observed } = look();
      if (!(await this.#isBusyNow(desired, observed))) return false;
      if (looks === BUSY_LOOKS) return true;
      await delay(BUSY_LOOK_MS);
    }
  }

  async #isBusyNow(desired: Desired, observed: Observed): Promise<boolean> {
    if (this.#counters.isAnyBusy(desired.roles)) return true;
    const queues = [...desired.roles].flatMap((role) =>
      (definitionOf(observed, role)?.inports ?? []).map(({ queue }) => queue),
    );
    const depths = await this.#depths(queues);
    return [...depths.values()].some(({ ready, unacked = 0 }) => ready + unacked > 0);
  }

  /** One for each edge whose target is known. */
  async queues(desired: Desired, observed: Observed): Promise<readonly QueueReport[]> {
    const ends = desired.edges.flatMap((edge) => {
      const port = portNamed(definitionOf(observed, edge.to.role)?.inports ?? [], edge.to.port, desired.caseSensitive);
      return port ? [{ edge, port: port.id, queue: port.queue }] : [];
    });
    const depths = await this.#depths([...new Set(ends.map(({ queue }) => queue))]);
    const readings = new Map<QueueName, Reading>();
    const reports = ends.map(({ edge, port, queue }): QueueReport => {
      const depth = depths.get(queue);
      const counts = this.#counters.ofInport(edge.to.role, port);
      const unacked = depth?.unacked ?? (counts && Math.max(0, counts.taken - counts.settled));
      const held = depth && depth.ready + (unacked ?? 0);
      const reading = counts && this.#read(queue, counts.settled, held);
      if (reading) readings.set(queue, reading);
      return {
        edge,
        queue,
        ...(depth && { ready: depth.ready, consumers: depth.consumers }),
        ...(unacked !== undefined && { unacked }),
        ...reading?.rates,
      };
    });
    this.#readings = readings;
    return reports;
  }

  #read(queue: QueueName, settled: number, held: number | undefined): Reading {
    const before = this.#readings.get(queue);
    const atMs = this.#nowMs();
    if (!before) return { atMs, settled, held, rates: {} };
    const seconds = (atMs - before.atMs) / 1000;
    if (seconds * 1000 < RATE_OVER_MS) return before;
    // Less than before: a participant has gone, and its count with it.
    const left = Math.max(0, settled - before.settled);
    const outPerSecond = left / seconds;
    const came = held === undefined || before.held === undefined ? undefined : Math.max(0, left + held - before.held);
    return { atMs, settled, held, rates: { outPerSecond, ...(came !== undefined && { inPerSecond: came / seconds }) } };
  }

  async #depths(queues: readonly QueueName[]): Promise<ReadonlyMap<QueueName, QueueDepth>> {
    if (!this.#broker.capabilities.depths || queues.length === 0) return new Map();
    const depths = await this.#broker.depths(queues);
    return new Map(depths.map((depth) => [depth.queue, depth]));
  }
}
