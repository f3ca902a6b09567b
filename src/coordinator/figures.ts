import { setTimeout as delay } from 'node:timers/promises';
import type { ParticipantStatus } from '../discovery/index.js';
import type { PortName, Role } from '../names.js';
import { within } from '../support/index.js';
import type { Broker } from '../transport/index.js';
import type { CountersFeed } from './counters-feed.js';
import { deadLettersTold } from './dead-letter-edges.js';
import { definitionOf, isOurs, portNamed } from './edges.js';
import { type Feed, type Inlet, type InletFigures, type QueueFigures, QueueMeter } from './queue-meter.js';
import type { InportCounts, OutportCounts } from './role-counts.js';
import type { Desired, Observed, WantedEdge } from './state.js';

/** The queue at the end of an edge. */
export interface QueueReport extends QueueFigures {
  readonly edge: WantedEdge;
}

/** What is known of the network in numbers, of the roles of the graph only. */
export interface NetworkFigures {
  /** `counts` is absent while nobody of the role counts. */
  readonly inports: readonly (InletFigures & { readonly counts?: InportCounts })[];
  readonly outports: readonly { readonly role: Role; readonly port: PortName; readonly counts?: OutportCounts }[];
  readonly roles: readonly RoleFigures[];
  /** Ports beyond the limit, of which nothing is told. */
  readonly leftOut: number;
}

export interface RoleFigures {
  readonly role: Role;
  readonly participants: Readonly<Record<ParticipantStatus, number>>;
  /** Connections that were lost and came back. */
  readonly reconnects: number;
}

/** Longer together than a participant takes to tell that it is idle again. */
const BUSY_LOOKS = 8;
const BUSY_LOOK_MS = 50;

/** How long a broker may take to tell of all queues, in ms. */
const READ_WITHIN_MS = 3000;

const NOTHING_TAKEN: InportCounts = { taken: 0, settled: 0, dead: 0, retried: 0, inHand: 0 };
const NOTHING_SENT: OutportCounts = { sent: 0, dropped: 0 };

/** What waits in the queues of the graph, and what its participants have done. */
export class Figures {
  readonly #broker: Broker;
  readonly #counters: CountersFeed;
  readonly #meter: QueueMeter;

  constructor(broker: Broker, counters: CountersFeed, nowMs: () => number) {
    this.#broker = broker;
    this.#counters = counters;
    this.#meter = new QueueMeter({ broker, counters, nowMs });
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
    if (!this.#broker.capabilities.depths) return false;
    const queues = [...desired.roles].flatMap((role) =>
      (definitionOf(observed, role)?.inports ?? []).map(({ queue }) => queue),
    );
    const depths = queues.length === 0 ? [] : await this.#broker.depths(queues);
    return depths.some(({ ready, unacked = 0 }) => ready + unacked > 0);
  }

  /** Takes note of what is connected, for estimates; called at every change. O(edges) where the broker tells no depths. */
  note(desired: Desired, observed: Observed): void {
    if (!this.#broker.capabilities.depths) this.#meter.note(this.#inletsOf(desired, observed));
  }

  /** One for each edge whose target is known. */
  async queues(desired: Desired, observed: Observed): Promise<readonly QueueReport[]> {
    const figures = await this.#meter.read(this.#inletsOf(desired, observed));
    const byPort = new Map(figures.map((one) => [keyOf(one.role, one.port), one]));
    return desired.edges.flatMap((edge): QueueReport[] => {
      const { role } = edge.to;
      const inports = definitionOf(observed, role)?.inports ?? [];
      const port = portNamed(inports, edge.to.port, desired.caseSensitive);
      const found = port && byPort.get(keyOf(role, port.id));
      if (!found) return [];
      const { role: _role, port: _port, ...figure } = found;
      return [{ edge, ...figure }];
    });
  }

  /** Everything. @param maxPorts of further ones nothing is told, so that strangers cannot make it ever longer */
  async network(desired: Desired, observed: Observed, maxPorts: number): Promise<NetworkFigures> {
    const all = this.#inletsOf(desired, observed);
    const inlets = all.slice(0, maxPorts);
    const outlets = [...desired.roles].flatMap((role) =>
      (definitionOf(observed, role)?.outports ?? []).map(({ id: port }) => ({ role, port })),
    );
    const told = outlets.slice(0, maxPorts);
    const figures = await this.#readInTime(all);
    return {
      inports: figures.slice(0, maxPorts).map((one) => {
        const counts = this.#counters.ofInport(one.role, one.port) ?? countable(one.role, observed, NOTHING_TAKEN);
        return { ...one, ...(counts && { counts }) };
      }),
      outports: told.map(({ role, port }) => {
        const counts = this.#counters.ofOutport(role, port) ?? countable(role, observed, NOTHING_SENT);
        return { role, port, ...(counts && { counts }) };
      }),
      roles: [...desired.roles].slice(0, maxPorts).map((role) => this.#roleOf(role, observed)),
      leftOut: all.length - inlets.length + outlets.length - told.length,
    };
  }

  /** What is counted is told also while the broker is away, or too slow. */
  async #readInTime(inlets: readonly Inlet[]): Promise<readonly InletFigures[]> {
    let figures: readonly InletFigures[] = inlets.map(({ role, port, queue }) => ({ role, port, queue }));
    const read = this.#meter.read(inlets).then((read) => {
      figures = read;
    });
    await within(
      read.catch(() => undefined),
      READ_WITHIN_MS,
    );
    return figures;
  }

  #roleOf(role: Role, observed: Observed): RoleFigures {
    const participants = { live: 0, lost: 0, remembered: 0 };
    for (const { status } of observed.participants.get(role) ?? []) participants[status] += 1;
    return { role, participants, reconnects: this.#counters.ofRole(role)?.reconnects ?? 0 };
  }

  /** All inports of the graph's roles that are known. */
  #inletsOf(desired: Desired, observed: Observed): readonly Inlet[] {
    const feeds = this.#broker.capabilities.depths ? undefined : feedsByInport(desired, observed);
    return [...desired.roles].flatMap((role) => {
      const inports = definitionOf(observed, role)?.inports ?? [];
      if (!feeds) return inports.map(({ id: port, queue }) => ({ role, port, queue }));
      const known = observed.participants.get(role) ?? [];
      const takers = known.filter(({ status, definition }) => status === 'live' && definition.wiring === 1).length;
      return inports.map(({ id: port, queue }): Inlet => {
        const fedBy = feeds.get(keyOf(role, port)) ?? [];
        return { role, port, queue, ...(isOurs(known) && { takers }), ...(fedBy !== 'unknown' && { feeds: fedBy }) };
      });
    });
  }
}

/** Those of ours count, even if they have not had anything to tell yet. */
function countable<T>(role: Role, observed: Observed, nothing: T): T | undefined {
  return isOurs(observed.participants.get(role) ?? []) ? nothing : undefined;
}

/** `unknown`: one of them does not count, or shares its messages out among several. O(edges). */
function feedsByInport(desired: Desired, observed: Observed): ReadonlyMap<string, readonly Feed[] | 'unknown'> {
  const feeds = new Map<string, readonly Feed[] | 'unknown'>();
  for (const { kind, from, to } of deadLettersTold(desired, observed).edges) {
    const port = portNamed(definitionOf(observed, to.role)?.inports ?? [], to.port, desired.caseSensitive);
    if (!port) continue;
    const key = keyOf(to.role, port.id);
    const before = feeds.get(key) ?? [];
    const sources = observed.participants.get(from.role) ?? [];
    const counts = kind !== 'roundrobin' && sources.every(({ definition }) => definition.wiring === 1);
    const isDeadLetters = kind === 'deadletter';
    const ports = definitionOf(observed, from.role)?.[isDeadLetters ? 'inports' : 'outports'] ?? [];
    const source = portNamed(ports, from.port, desired.caseSensitive);
    const more = source ? [{ role: from.role, port: source.id, isDeadLetters }] : [];
    feeds.set(key, before === 'unknown' || !counts ? 'unknown' : [...before, ...more]);
  }
  return feeds;
}

const keyOf = (role: Role, port: PortName): string => JSON.stringify([role, port]);
