import {
  type Definition,
  DISCOVERY_NOTICE,
  ParticipantTable,
  ROLL_CALL_NOTICE,
  readAnnouncement,
} from '../discovery/index.js';
import type { ParticipantId, Role } from '../names.js';
import type { Logger } from '../support/index.js';
import type { Broker, Subscription } from '../transport/index.js';
import { DeathWatch } from './death-watch.js';

/** What the feed tells its owner. `queues`: those whose bindings should be made again. */
export interface DiscoveryChange {
  readonly kind: 'heard' | 'gone';
  readonly definition: Definition;
  readonly queues: ReadonlySet<string>;
  /** Something that others see is different now. */
  readonly isNews: boolean;
}

interface HeardAnnouncement {
  readonly definition: Definition;
  readonly dropped: readonly string[];
}

/** When the roll is called again after the first time, in ms: others take some time to connect. */
const CALL_AGAIN_AFTER_MS = [700, 2500, 6000];
/** How often it is looked whether the connection is there, in ms. */
const LOOK_EVERY_MS = 250;

/**
 * Keeps the table of participants true: follows the discovery notice, calls the roll, and sweeps the silent.
 * What a peer sends wrong is counted, said once with its origin, and put aside.
 */
export class DiscoveryFeed {
  readonly table: ParticipantTable;
  /** When each was last heard, on the clock handed in. */
  readonly heardAtMs = new Map<ParticipantId, number>();
  #rejected = 0;
  readonly #broker: Broker;
  readonly #log: Logger;
  readonly #nowMs: () => number;
  readonly #lapseMs: number;
  readonly #onChange: (change: DiscoveryChange) => void;
  #subscription: Subscription | undefined;
  #sweeper: NodeJS.Timeout | undefined;
  #looker: NodeJS.Timeout | undefined;
  #wasAway = false;
  readonly #rollCalls: NodeJS.Timeout[] = [];
  readonly #deaths: DeathWatch;

  constructor(
    parts: { readonly broker: Broker; readonly lapseMs: number; readonly nowMs: () => number; readonly log: Logger },
    onChange: (change: DiscoveryChange) => void,
  ) {
    this.#broker = parts.broker;
    this.#log = parts.log;
    this.#nowMs = parts.nowMs;
    this.#lapseMs = parts.lapseMs;
    this.#onChange = onChange;
    this.table = new ParticipantTable(parts.lapseMs, parts.nowMs);
    this.#deaths = new DeathWatch({
      callRoll: () => this.callRoll(),
      silentSince: (role, sinceMs) => this.#silentSince(role, sinceMs),
      gone: (id) => this.#left(id),
      nowMs: parts.nowMs,
    });
  }

  /** Announcements that could not be read, since the start. */
  get rejected(): number {
    return this.#rejected;
  }

  /**
   * Who was there when the coordinator before ended. What was subscribed in an earlier run of the keeper may be so no longer,
   * and sources must not rely on it.
   */
  remember(definitions: readonly Definition[], { isSameRun }: { readonly isSameRun: boolean }): void {
    this.table.remember(isSameRun ? definitions : definitions.map(withoutSources));
  }

  async start(): Promise<void> {
    this.#subscription = await this.#broker.watch(DISCOVERY_NOTICE, (body, { retained }) => this.#take(body, retained));
    this.#sweeper = setInterval(() => this.#sweep(), Math.min(this.#lapseMs / 4, 10_000));
    await this.callRoll();
    this.#callAgain();
    this.#looker = setInterval(() => this.#lookAtConnection(), LOOK_EVERY_MS);
  }

  /** Asks all participants of ours to announce themselves at once. */
  async callRoll(): Promise<void> {
    const body = Buffer.from(JSON.stringify({ protocol: 'discovery', command: 'rollcall', payload: {} }));
    await this.#broker.notify({ name: ROLL_CALL_NOTICE, body });
  }

  /** A process of the role has ended: who of it does not answer any more is gone. */
  processEnded(role: Role): void {
    this.#deaths.ended(role);
  }

  async stop(): Promise<void> {
    this.#deaths.stop();
    clearInterval(this.#sweeper);
    clearInterval(this.#looker);
    for (const timer of this.#rollCalls) clearTimeout(timer);
    await this.#subscription?.cancel();
  }

  /** For those whose watch is not in place when the first call goes out. */
  #callAgain(): void {
    for (const timer of this.#rollCalls.splice(0)) clearTimeout(timer);
    for (const afterMs of CALL_AGAIN_AFTER_MS) {
      this.#rollCalls.push(setTimeout(() => void this.callRoll().catch(() => undefined), afterMs));
    }
  }

  /** What was announced while the broker was away, or while we were, was heard by nobody. */
  #lookAtConnection(): void {
    const isOpen = this.#broker.status === 'open';
    if (isOpen && this.#wasAway) {
      this.callRoll().catch(() => undefined);
      this.#callAgain();
    }
    this.#wasAway = !isOpen;
  }

  #take(body: Buffer, isKept: boolean): void {
    const announcement = readAnnouncement(body);
    if (announcement.kind === 'participant') this.#heard(announcement, isKept);
    if (announcement.kind === 'gone') this.#left(announcement.id);
    if (announcement.kind === 'invalid') {
      this.#rejected += 1;
      this.#log.warnOnce(announcement.reason, `${announcement.reason}; it is ignored`);
    }
  }

  #heard({ definition, dropped }: HeardAnnouncement, isKept: boolean): void {
    if (dropped.length > 0) {
      const { id, role } = definition;
      this.#log.warnOnce(`${role} ${dropped}`, `participant '${id}' of role '${role}' gives no queue for: ${dropped}`);
    }
    const before = this.table.get(definition.id)?.definition;
    const effect = this.table.announce(definition, { isKept });
    if (effect === 'refused') {
      this.#log.warnOnce('refused', `too many participants: '${definition.id}' and more are not taken in`);
      return;
    }
    this.heardAtMs.set(definition.id, this.#nowMs());
    // Others' queues may have come and gone with a connection we know nothing of: bound anew at every announcement.
    const isSuspect = effect === 'added' || effect === 'returned' || definition.wiring !== 1;
    const queues = isSuspect ? queuesOf(definition) : newQueues(before, definition);
    this.#onChange({ kind: 'heard', definition, queues, isNews: effect !== 'repeated' });
  }

  /**
   * Also those that a coordinator before this one knew: otherwise the dead would be remembered from one to the next. Those
   * that know no wiring do not hear the roll-call either.
   */
  #silentSince(role: Role, sinceMs: number): readonly ParticipantId[] {
    return this.table.ofRole(role).flatMap(({ status, definition: { id, wiring } }) => {
      const isSilent = status !== 'lost' && wiring === 1 && (this.heardAtMs.get(id) ?? 0) < sinceMs;
      return isSilent ? [id] : [];
    });
  }

  #left(id: ParticipantId): void {
    const definition = this.table.get(id)?.definition;
    if (!definition || !this.table.gone(id)) return;
    this.heardAtMs.delete(id);
    this.#onChange({ kind: 'gone', definition, queues: new Set(), isNews: true });
  }

  #sweep(): void {
    for (const definition of this.table.sweep()) {
      this.#log.warn(`participant '${definition.id}' of role '${definition.role}' has been silent for too long: lost`);
      this.heardAtMs.delete(definition.id);
      this.#onChange({ kind: 'gone', definition, queues: new Set(), isNews: true });
    }
  }
}

function queuesOf({ inports, outports }: Definition): Set<string> {
  return new Set([...inports, ...outports].map(({ queue }) => queue));
}

function newQueues(before: Definition | undefined, now: Definition): Set<string> {
  const queues = queuesOf(now);
  if (before) for (const known of queuesOf(before)) queues.delete(known);
  return queues;
}

function withoutSources(definition: Definition): Definition {
  const { wired: _wired, ...rest } = definition;
  return { ...rest, inports: definition.inports.map(({ sources: _sources, ...port }) => port) };
}
