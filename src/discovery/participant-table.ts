import type { ParticipantId, Role } from '../names.js';
import { canonicalJson } from '../support/index.js';
import type { Definition } from './definition.js';

/**
 * `live`: heard within the limit. `lost`: silent for longer, or known to have died; it is still shown and stays bound.
 * `remembered`: read from the cache of an earlier run and not heard since.
 */
export type ParticipantStatus = 'live' | 'lost' | 'remembered';

export interface KnownParticipant {
  readonly definition: Definition;
  readonly status: ParticipantStatus;
}

interface Entry {
  definition: Definition;
  text: string;
  status: ParticipantStatus;
  atMs: number;
}

/** What an announcement changed: `repeated` is the same definition of one that is live. */
export type AnnouncementEffect = 'added' | 'changed' | 'returned' | 'repeated' | 'refused';

/**
 * Participants as told by their discovery announcements, by id and by role.
 *
 * One is lost after `ttlMs` milliseconds of silence; make that several announcing intervals, so that one lost message
 * is not taken for a death. Source: discovery message of msgflo-nodejs 0.11.
 */
export class ParticipantTable {
  readonly #byId = new Map<ParticipantId, Entry>();
  readonly #byRole = new Map<Role, Set<Entry>>();
  readonly #ttlMs: number;
  readonly #nowMs: () => number;
  readonly #limit: number;

  /** @param limit most participants known at a time; further ones are refused. @throws {RangeError} unless `ttlMs` > 0 */
  constructor(ttlMs: number, nowMs: () => number = () => performance.now(), limit = 20_000) {
    if (!(ttlMs > 0)) throw new RangeError(`ttlMs must be above zero, got ${ttlMs}`);
    this.#ttlMs = ttlMs;
    this.#nowMs = nowMs;
    this.#limit = limit;
  }

  /** Records an announcement and says what it changed; telling others is the caller's affair. */
  announce(definition: Definition): AnnouncementEffect {
    const text = canonicalJson(definition);
    const known = this.#byId.get(definition.id);
    if (!known) return this.#add({ definition, text, status: 'live', atMs: this.#nowMs() });
    const effect = known.text !== text ? 'changed' : known.status === 'live' ? 'repeated' : 'returned';
    if (known.definition.role !== definition.role) {
      this.#remove(known);
      this.#add({ definition, text, status: 'live', atMs: this.#nowMs() });
    } else {
      Object.assign(known, { definition, text, status: 'live', atMs: this.#nowMs() });
    }
    return effect;
  }

  /** Fills the table with what an earlier run knew; those heard since stay as they are. */
  remember(definitions: readonly Definition[]): void {
    for (const definition of definitions) {
      if (this.#byId.has(definition.id)) continue;
      this.#add({ definition, text: canonicalJson(definition), status: 'remembered', atMs: this.#nowMs() });
    }
  }

  /**
   * One has left, or its death was reported. It is forgotten when others of its role are known; the last of a role is
   * kept as lost, for its queues hold what waits for the next. False if it was not known.
   */
  gone(id: ParticipantId): boolean {
    const entry = this.#byId.get(id);
    if (!entry) return false;
    if ((this.#byRole.get(entry.definition.role)?.size ?? 0) > 1) this.#remove(entry);
    else entry.status = 'lost';
    return true;
  }

  /** Marks those that were silent for too long as lost and returns them. O(participants). */
  sweep(): readonly Definition[] {
    const oldestMs = this.#nowMs() - this.#ttlMs;
    const lapsed = [...this.#byId.values()].filter((entry) => entry.status !== 'lost' && entry.atMs < oldestMs);
    for (const entry of lapsed) this.gone(entry.definition.id);
    return lapsed.map((entry) => entry.definition);
  }

  /** Forgets a participant altogether, also the last of its role. */
  forget(id: ParticipantId): void {
    const entry = this.#byId.get(id);
    if (entry) this.#remove(entry);
  }

  get(id: ParticipantId): KnownParticipant | undefined {
    return this.#byId.get(id);
  }

  roles(): readonly Role[] {
    return [...this.#byRole.keys()];
  }

  /** Those of a role, the latest heard last. */
  ofRole(role: Role): readonly KnownParticipant[] {
    return [...(this.#byRole.get(role) ?? [])].sort((a, b) => a.atMs - b.atMs);
  }

  all(): readonly KnownParticipant[] {
    return [...this.#byId.values()];
  }

  #add(entry: Entry): 'added' | 'refused' {
    if (this.#byId.size >= this.#limit) return 'refused';
    this.#byId.set(entry.definition.id, entry);
    const { role } = entry.definition;
    const ofRole = this.#byRole.get(role) ?? new Set();
    // The first live one of a role takes the place of those that were only kept for their queues.
    for (const other of ofRole) if (other.status === 'lost' && entry.status === 'live') this.#drop(other, ofRole);
    this.#byRole.set(role, ofRole.add(entry));
    return 'added';
  }

  #remove(entry: Entry): void {
    const ofRole = this.#byRole.get(entry.definition.role);
    this.#drop(entry, ofRole);
    if (ofRole?.size === 0) this.#byRole.delete(entry.definition.role);
  }

  #drop(entry: Entry, ofRole: Set<Entry> | undefined): void {
    this.#byId.delete(entry.definition.id);
    ofRole?.delete(entry);
  }
}
