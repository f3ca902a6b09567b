import { readFile, rename } from 'node:fs/promises';
import type { Definition } from '../discovery/index.js';
import { messageOf } from '../errors.js';
import { asParticipantId, asRole, type ParticipantId, type Role } from '../names.js';
import { type Logger, writeFileAtomic } from '../support/index.js';
import type { Binding } from '../transport/index.js';
import { bindingKey, type RecordedBinding, type Records } from './state.js';

interface Stored {
  readonly version: 1;
  /** Records are facts about one broker; another knows nothing of them. */
  readonly broker: string;
  readonly bindings: readonly RecordedBinding[];
  readonly iips: Readonly<Record<string, readonly string[]>>;
  readonly wiredRoles: readonly string[];
  readonly participants: readonly Definition[];
}

/**
 * The coordinator's records and its cache of participants, in one small file beside the project. Changes are written
 * together, atomically; `saved()` resolves when everything changed so far is on disk.
 */
export class RecordsFile implements Records {
  readonly bindings = new Map<string, RecordedBinding>();
  readonly sentIips = new Map<ParticipantId, Set<string>>();
  readonly wiredRoles = new Set<Role>();
  readonly #path: string | undefined;
  readonly #broker: string;
  readonly #log: Logger;
  readonly #participants: () => readonly Definition[];
  #isDirty = false;
  #writing: Promise<void> | undefined;

  /**
   * @param path undefined: nothing is kept
   * @param broker names the broker (no password in it); records made at another are not taken over
   * @param participants gives those that the next run should remember
   */
  constructor(path: string | undefined, broker: string, participants: () => readonly Definition[], log: Logger) {
    this.#path = path;
    this.#broker = broker;
    this.#participants = participants;
    this.#log = log;
  }

  /** Reads the file, if there is one. A file that cannot be read is put aside, said, and begun anew. */
  async load(): Promise<readonly Definition[]> {
    if (this.#path === undefined) return [];
    try {
      return this.#fill(JSON.parse(await readFile(this.#path, 'utf8')) as Stored);
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
      this.#log.warn(`${this.#path} cannot be read (${messageOf(error)}); it is kept as ${this.#path}.bad`);
      await rename(this.#path, `${this.#path}.bad`).catch(() => undefined);
      return [];
    }
  }

  recordBinding(binding: Binding, edge: string): void {
    const key = bindingKey(binding);
    if (this.bindings.get(key)?.edge === edge) return;
    this.bindings.set(key, { binding, edge });
    this.#isDirty = true;
  }

  forgetBinding(binding: Binding): void {
    if (this.bindings.delete(bindingKey(binding))) this.#isDirty = true;
  }

  recordIip(participant: ParticipantId, key: string): void {
    const sent = this.sentIips.get(participant) ?? new Set();
    this.sentIips.set(participant, sent.add(key));
    this.#isDirty = true;
  }

  recordWiring(role: Role): void {
    if (this.wiredRoles.has(role)) return;
    this.wiredRoles.add(role);
    this.#isDirty = true;
  }

  forgetWiring(role: Role): void {
    if (this.wiredRoles.delete(role)) this.#isDirty = true;
  }

  /** Something outside changed that is stored too. */
  touch(): void {
    this.#isDirty = true;
  }

  /** Resolves when everything changed so far is on disk. @throws {Error} when it cannot be written */
  async saved(): Promise<void> {
    while (this.#isDirty || this.#writing) {
      if (!this.#writing) this.#writing = this.#write().finally(() => (this.#writing = undefined));
      await this.#writing;
    }
  }

  async #write(): Promise<void> {
    this.#isDirty = false;
    if (this.#path === undefined) return;
    const participants = this.#participants();
    const known = new Set(participants.map(({ id }) => id));
    for (const id of this.sentIips.keys()) if (!known.has(id)) this.sentIips.delete(id);
    const stored: Stored = {
      version: 1,
      broker: this.#broker,
      bindings: [...this.bindings.values()],
      iips: Object.fromEntries([...this.sentIips].map(([id, keys]) => [id, [...keys]])),
      wiredRoles: [...this.wiredRoles],
      participants,
    };
    await writeFileAtomic(this.#path, JSON.stringify(stored), 0o600);
  }

  #fill(stored: Stored): readonly Definition[] {
    if (stored.version !== 1) throw new Error(`version ${stored.version} is not known`);
    if (stored.broker !== this.#broker) return [];
    for (const recorded of stored.bindings) this.bindings.set(bindingKey(recorded.binding), recorded);
    for (const [id, keys] of Object.entries(stored.iips)) this.sentIips.set(asParticipantId(id), new Set(keys));
    for (const role of stored.wiredRoles) this.wiredRoles.add(asRole(role));
    return stored.participants;
  }
}
