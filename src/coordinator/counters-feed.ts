import { COUNTERS_NOTICE, type Counters, readCounters } from '../discovery/index.js';
import type { ParticipantId, PortName, Role } from '../names.js';
import type { Logger } from '../support/index.js';
import type { Broker, Subscription } from '../transport/index.js';
import { type InportCounts, type OutportCounts, RoleCounts, type Told } from './role-counts.js';

export interface CountersFeedOptions {
  /** Most participants known at a time; of further ones nothing is taken in. @default 20000 */
  readonly limit?: number;
  readonly nowMs?: () => number;
}

/** So many of those that have gone are remembered: what they said last may come after the news that they are gone. */
const MAX_GONE = 1000;

/**
 * What the participants that count have done, by role: anybody at the broker may send counters, so those who do are
 * bounded in number. Totals outlive the participants.
 */
export class CountersFeed {
  readonly #broker: Broker;
  readonly #log: Logger;
  readonly #limit: number;
  readonly #nowMs: () => number;
  readonly #roles = new Map<Role, RoleCounts>();
  readonly #told = new Map<ParticipantId, Told>();
  readonly #gone = new Map<ParticipantId, Told>();
  readonly #expected = new Set<ParticipantId>();
  #subscription: Subscription | undefined;
  #messages = 0;

  constructor(broker: Broker, log: Logger, options: CountersFeedOptions = {}) {
    const { limit = 20_000, nowMs = () => performance.now() } = options;
    this.#broker = broker;
    this.#log = log;
    this.#limit = limit;
    this.#nowMs = nowMs;
  }

  /** How many messages were taken in, since the start. */
  get messages(): number {
    return this.#messages;
  }

  /** These were at work before we began: what they tell first is where their counts begin for us. */
  expect(ids: Iterable<ParticipantId>): void {
    for (const id of ids) this.#expected.add(id);
  }

  async start(): Promise<void> {
    this.#subscription = await this.#broker.watch(COUNTERS_NOTICE, (body) => {
      const read = readCounters(body);
      if (read.kind === 'counters') this.#take(read.counters);
      else this.#log.warnOnce(read.reason, `${read.reason}; it is ignored`);
    });
  }

  async stop(): Promise<void> {
    await this.#subscription?.cancel();
  }

  /** The participant is heard: should it have been forgotten, it is there again. */
  heard(id: ParticipantId): void {
    const told = this.#gone.get(id);
    if (!told || this.#told.size >= this.#limit) return;
    this.#gone.delete(id);
    this.#told.set(id, told);
    told.counts.members.add(told);
  }

  /** The participant is gone, and has nothing in hand any more. What it has done stays in the totals of its role. */
  forget(id: ParticipantId): void {
    this.#expected.delete(id);
    const told = this.#told.get(id);
    if (!told) return;
    this.#told.delete(id);
    told.counts.members.delete(told);
    this.#gone.set(id, told);
    const [oldest] = this.#gone.keys();
    if (this.#gone.size > MAX_GONE && oldest !== undefined) this.#gone.delete(oldest);
  }

  /** Forgets the totals of all roles but these and those that have participants. O(roles). */
  keepRoles(roles: ReadonlySet<Role>): void {
    for (const [role, { members }] of this.#roles) {
      if (members.size > 0 || roles.has(role)) continue;
      this.#roles.delete(role);
      for (const [id, told] of this.#gone) if (told.counts.role === role) this.#gone.delete(id);
    }
  }

  /** Some participant of these roles has messages in hand. */
  isAnyBusy(roles: ReadonlySet<Role>): boolean {
    for (const { inHand, counts } of this.#told.values()) if (inHand > 0 && roles.has(counts.role)) return true;
    return false;
  }

  /** The roles of which somebody counts, or did. */
  roles(): readonly Role[] {
    return [...this.#roles.keys()];
  }

  ofRole(role: Role): RoleCounts | undefined {
    return this.#roles.get(role);
  }

  /** Undefined when nobody of the role counts. */
  ofInport(role: Role, port: PortName): InportCounts | undefined {
    return this.#roles.get(role)?.inport(port);
  }

  /** Undefined when nobody of the role counts. */
  ofOutport(role: Role, port: PortName): OutportCounts | undefined {
    return this.#roles.get(role)?.outport(port);
  }

  #take(counters: Counters): void {
    this.#messages += 1;
    const { id, role } = counters;
    if (this.#told.get(id)?.counts.role !== role && this.#gone.get(id)?.counts.role !== role) this.#leave(id);
    const told = this.#told.get(id) ?? this.#gone.get(id) ?? this.#join(id, role);
    if (!told) return;
    told.counts.take(told, counters, { isBaseline: this.#expected.delete(id), nowMs: this.#nowMs() });
  }

  /** It plays another role from now on. */
  #leave(id: ParticipantId): void {
    const told = this.#told.get(id);
    told?.counts.members.delete(told);
    this.#told.delete(id);
    this.#gone.delete(id);
  }

  #join(id: ParticipantId, role: Role): Told | undefined {
    if (this.#told.size >= this.#limit) {
      this.#log.warnOnce('counters refused', `too many participants count: '${id}' and more are left out`);
      return undefined;
    }
    const counts = this.#roles.get(role) ?? new RoleCounts(role);
    this.#roles.set(role, counts);
    const told = counts.join();
    this.#told.set(id, told);
    return told;
  }
}
