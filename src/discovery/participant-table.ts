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
  /** Only known from an announcement made while nobody listened. */
  isKept: boolean;
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

  /**
   * Records an announcement and says what it changed; telling others is the caller's affair.
   * @param isKept it was made while nobody listened, so that its sender may be dead by now: it counts as live until
   * another of its role is heard
   */
  announce(definition: Definition, { isKept = false }: { readonly isKept?: boolean } = {}): AnnouncementEffect {
    const text = canonicalJson(definition);
    const known = this.#byId.get(definition.id);
    const heard: Entry = { definition, text, status: 'live', atMs: this.#nowMs(), isKept };
    if (!known) return this.#add(heard);
    const effect = known.text !== text ? 'changed' : known.status === 'live' ? 'repeated' : 'returned';
    if (known.definition.role !== definition.role) {
      this.#remove(known);
      this.#add(heard);
    } else {
      Object.assign(known, { ...heard, isKept: isKept && known.isKept });
    }
    return effect;
  }

  /** Fills the table with what an earlier run knew; those heard since stay as they are. */
  remember(definitions: readonly Definition[]): void {
    for (const definition of definitions) {
      if (this.#byId.has(definition.id)) continue;
      this.#add({
        definition,
        text: canonicalJson(definition),
        status: 'remembered',
        atMs: this.#nowMs(),
        isKept: false,
      });
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
    const isHeard = (other: Entry): boolean => other.status === 'live' && !other.isKept;
    if (entry.isKept && [...ofRole].some(isHeard)) entry.status = 'remembered';
    for (const other of ofRole) {
      // The first live one of a role takes the place of those that were only kept for their queues.
      if (other.status === 'lost' && entry.status === 'live') this.#drop(other, ofRole);
      else if (other.isKept) other.status = 'remembered';
    }
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
