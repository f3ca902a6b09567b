import type { PortName, PortRef, QueueName, Role } from '../names.js';
import type { Broker, QueueDepth } from '../transport/index.js';
import type { CountersFeed } from './counters-feed.js';
import type { InportCounts } from './role-counts.js';
import { type Traffic, WaitingEstimate } from './waiting-estimate.js';

/** What messages come from: an outport, or the dead letters of an inport. */
export interface Feed extends PortRef {
  readonly isDeadLetters: boolean;
}

/** The inqueue of an inport. The last two only matter where the broker tells no depths. */
export interface Inlet extends PortRef {
  readonly queue: QueueName;
  /** How many participants of ours take from it; absent where others may do so too. */
  readonly takers?: number;
  /** All that feeds it, if that is known and all of it counts. */
  readonly feeds?: readonly Feed[];
}

/** How a queue stands; what nobody tells is absent. */
export interface QueueFigures {
  readonly queue: QueueName;
  readonly ready?: number;
  readonly unacked?: number;
  readonly consumers?: number;
  readonly inPerSecond?: number;
  readonly outPerSecond?: number;
  /** It stands still: where and why, in words. */
  readonly damage?: string;
}

/** The same of an inport's. */
export interface InletFigures extends QueueFigures {
  readonly role: Role;
  readonly port: PortName;
}

type Rates = Pick<InletFigures, 'inPerSecond' | 'outPerSecond'>;

/** What is known of an inlet at a moment, in totals. */
interface Sample {
  readonly settled: number | undefined;
  /** Sent by all its feeds. */
  readonly sent: number | undefined;
  readonly feeds: string;
  /** Ready and unacked, where the broker tells. */
  readonly held: number | undefined;
}

interface Reading extends Sample {
  readonly atMs: number;
  readonly rates: Rates;
}

/** Rates are taken over at least so long, in ms. */
const RATE_OVER_MS = 500;

/**
 * Measures inqueues: by what the broker tells of them, completed by what participants of ours count. Where the broker tells
 * nothing, what waits is estimated from the counts. Rates are the change since the reading before, unless the broker
 * tells them.
 */
export class QueueMeter {
  readonly #broker: Broker;
  readonly #counters: CountersFeed;
  readonly #nowMs: () => number;
  #readings = new Map<string, Reading>();
  #estimates = new Map<string, WaitingEstimate>();

  constructor(parts: { readonly broker: Broker; readonly counters: CountersFeed; readonly nowMs: () => number }) {
    this.#broker = parts.broker;
    this.#counters = parts.counters;
    this.#nowMs = parts.nowMs;
  }

  /** Takes note of what feeds whom just now, for estimates; of no effect where none are needed. */
  note(inlets: readonly Inlet[]): void {
    if (this.#broker.capabilities.depths) return;
    const estimates = new Map<string, WaitingEstimate>();
    for (const inlet of inlets) {
      const traffic = this.#trafficOf(inlet);
      if (!traffic) continue;
      const key = keyOf(inlet);
      const known = this.#estimates.get(key);
      known?.take(traffic, this.#nowMs());
      estimates.set(key, known ?? new WaitingEstimate(traffic, this.#nowMs()));
    }
    this.#estimates = estimates;
  }

  /** One for each inlet, in their order. What is left out in a reading begins anew in the next. */
  async read(inlets: readonly Inlet[]): Promise<readonly InletFigures[]> {
    const depths = await this.#depths([...new Set(inlets.map(({ queue }) => queue))]);
    this.note(inlets);
    const readings = new Map<string, Reading>();
    const figures = inlets.map((inlet): InletFigures => {
      const { role, port, queue, takers } = inlet;
      const depth = depths.get(queue);
      const counts = this.#counters.ofInport(role, port);
      const ready = depth?.ready ?? this.#estimates.get(keyOf(inlet))?.waiting;
      const unacked = depth?.unacked ?? counts?.inHand;
      const consumers = depth?.consumers ?? takers;
      const reading = this.#reading(inlet, counts, depth && depth.ready + (unacked ?? 0));
      readings.set(keyOf(inlet), reading);
      return {
        ...{ role, port, queue },
        ...(ready !== undefined && { ready }),
        ...(unacked !== undefined && { unacked }),
        ...(consumers !== undefined && { consumers }),
        ...reading.rates,
        ...(depth?.inPerSecond !== undefined && { inPerSecond: depth.inPerSecond }),
        ...(depth?.outPerSecond !== undefined && { outPerSecond: depth.outPerSecond }),
        ...(depth?.damage !== undefined && { damage: depth.damage }),
      };
    });
    this.#readings = readings;
    return figures;
  }

  /** By queue; empty where the broker tells none. */
  async #depths(queues: readonly QueueName[]): Promise<ReadonlyMap<QueueName, QueueDepth>> {
    if (!this.#broker.capabilities.depths || queues.length === 0) return new Map();
    const depths = await this.#broker.depths(queues);
    return new Map(depths.map((depth) => [depth.queue, depth]));
  }

  #sentBy(feeds: readonly Feed[]): number {
    return feeds.reduce((sum, { role, port, isDeadLetters }) => {
      const count = isDeadLetters
        ? this.#counters.ofInport(role, port)?.dead
        : this.#counters.ofOutport(role, port)?.sent;
      return sum + (count ?? 0);
    }, 0);
  }

  #reading(inlet: Inlet, counts: InportCounts | undefined, held: number | undefined): Reading {
    const atMs = this.#nowMs();
    const { feeds } = inlet;
    const sample = {
      settled: counts?.settled,
      sent: feeds && this.#sentBy(feeds),
      feeds: nameOf(feeds),
      held,
    };
    const before = this.#readings.get(keyOf(inlet));
    if (!before) return { ...sample, atMs, rates: {} };
    if (atMs - before.atMs < RATE_OVER_MS) return before;
    const seconds = (atMs - before.atMs) / 1000;
    const left = grown(before.settled, sample.settled);
    const came = cameSince(before, sample, left);
    const rates = {
      ...(came !== undefined && { inPerSecond: came / seconds }),
      ...(left !== undefined && { outPerSecond: left / seconds }),
    };
    return { ...sample, atMs, rates };
  }

  /** Undefined where it cannot be told: somebody feeds it, or takes from it, who does not count. */
  #trafficOf({ role, port, feeds, takers }: Inlet): Traffic | undefined {
    if (!feeds || takers === undefined) return undefined;
    const { settled = 0, inHand = 0 } = this.#counters.ofInport(role, port) ?? {};
    return { feeds: nameOf(feeds), sent: this.#sentBy(feeds), settled, inHand, takers };
  }
}

/** Totals do not go down but where a role is forgotten and comes again. */
function grown(before: number | undefined, now: number | undefined): number | undefined {
  return before === undefined || now === undefined ? undefined : Math.max(0, now - before);
}

function cameSince(before: Sample, now: Sample, left: number | undefined): number | undefined {
  if (now.sent !== undefined) return before.feeds === now.feeds ? grown(before.sent, now.sent) : undefined;
  if (left === undefined || before.held === undefined || now.held === undefined) return undefined;
  return Math.max(0, left + now.held - before.held);
}

const keyOf = ({ role, port }: Inlet): string => JSON.stringify([role, port]);

const nameOf = (feeds: readonly Feed[] = []): string => JSON.stringify(feeds);
