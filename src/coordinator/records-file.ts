import { readFile, rename } from 'node:fs/promises';
import type { Definition } from '../discovery/index.js';
import { messageOf } from '../errors.js';
import { asParticipantId, type ParticipantId, type QueueName, type Role } from '../names.js';
import { type Logger, writeFileAtomic } from '../support/index.js';
import type { Binding } from '../transport/index.js';
import { bindingKey, type Move, type RecordedBinding, type Records } from './state.js';
import { readStoredRecords, type StoredRecords } from './stored-records.js';

export interface RecordsOptions {
  /** Undefined: nothing is kept. */
  readonly path: string | undefined;
  /** Names the broker (no password in it); records made at another are not taken over. */
  readonly broker: string;
  /** The run of the keeper, where there is one. */
  readonly run: string | undefined;
  /** Gives those that the next coordinator should remember. */
  readonly participants: () => readonly Definition[];
  readonly log: Logger;
}

/**
 * The coordinator's records and its cache of participants, in one small file beside the project. Changes are written
 * together, atomically; `saved()` resolves when everything changed so far is on disk.
 */
export class RecordsFile implements Records {
  readonly bindings = new Map<string, RecordedBinding>();
  readonly sentIips = new Map<ParticipantId, Set<string>>();
  readonly wiredRoles = new Set<Role>();
  moves: readonly Move[] = [];
  readonly #options: RecordsOptions;
  #isSameRun = false;
  #isDirty = false;
  #writing: Promise<boolean> | undefined;

  constructor(options: RecordsOptions) {
    this.#options = options;
  }

  /** What was read is of this very run of the keeper: processes and bindings go on, only the coordinator is another. */
  get isSameRun(): boolean {
    return this.#isSameRun;
  }

  /** Everything changed so far is on disk, or on the way there. */
  get isSaved(): boolean {
    return !this.#isDirty;
  }

  /** Reads the file, if there is one. A file that cannot be read is put aside, said, and begun anew. */
  async load(): Promise<readonly Definition[]> {
    const { path, log } = this.#options;
    if (path === undefined) return [];
    try {
      return this.#fill(readStoredRecords(await readFile(path, 'utf8')));
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
      log.warn(`${path} cannot be read (${messageOf(error)}); it is kept as ${path}.bad`);
      await rename(path, `${path}.bad`).catch(() => undefined);
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

  /**
   * What waits for the old name is to be moved, and what is still to be moved goes to the new name too: a -> b -> c leaves
   * a -> c and b -> c. One that leads back to where it began stands until `keepMoves`, so that until then it is known of.
   */
  recordRename({ from, to, slots }: Pick<Move, 'from' | 'to' | 'slots'>): void {
    const earlier = this.moves.map((known) => (known.to === from ? { ...known, to } : known));
    const others = earlier.filter((known) => known.from !== from);
    this.moves = [...others, { from, to, queues: {}, sources: {}, slots }];
    this.#isDirty = true;
  }

  /** Where messages wait for a role that was renamed; its processes may announce themselves only afterwards. */
  recordInports({ role, inports }: Definition): void {
    const move = this.moves.find(({ from }) => from === role);
    if (!move) return;
    const queues: Record<string, QueueName> = { ...move.queues };
    const sources: Record<string, readonly QueueName[]> = { ...move.sources };
    for (const { id, queue, sources: heard = [] } of inports) {
      queues[id] = queue;
      sources[id] = [...new Set([...(sources[id] ?? []), ...heard])];
    }
    this.moves = this.moves.map((known) => (known === move ? { ...move, queues, sources } : known));
    this.#isDirty = true;
  }

  forgetMove(from: Role): void {
    this.moves = this.moves.filter((move) => move.from !== from);
    this.#isDirty = true;
  }

  keepMoves(isKept: (move: Move) => boolean): void {
    const kept = this.moves.filter(isKept);
    if (kept.length === this.moves.length) return;
    this.moves = kept;
    this.#isDirty = true;
  }

  /** Something outside changed that is stored too. */
  touch(): void {
    this.#isDirty = true;
  }

  /**
   * Resolves when everything changed so far is on disk. Where it cannot be written, that is said once, the network is
   * made all the same, and the next call tries again.
   */
  async saved(): Promise<void> {
    while (this.#isDirty || this.#writing) {
      if (!this.#writing) this.#writing = this.#write().finally(() => (this.#writing = undefined));
      if (!(await this.#writing)) return;
    }
  }

  /** @returns whether it is written */
  async #write(): Promise<boolean> {
    this.#isDirty = false;
    const { path, broker, run, log } = this.#options;
    if (path === undefined) return true;
    const participants = this.#options.participants();
    const known = new Set(participants.map(({ id }) => id));
    for (const id of this.sentIips.keys()) if (!known.has(id)) this.sentIips.delete(id);
    const stored: StoredRecords = {
      version: 1,
      broker,
      ...(run === undefined ? {} : { run }),
      bindings: [...this.bindings.values()],
      iips: Object.fromEntries([...this.sentIips].map(([id, keys]) => [id, [...keys]])),
      wiredRoles: [...this.wiredRoles],
      moves: this.moves,
      participants,
    };
    try {
      await writeFileAtomic(path, JSON.stringify(stored), 0o600);
      return true;
    } catch (error) {
      this.#isDirty = true;
      log.warnOnce(`write ${messageOf(error)}`, `${path} cannot be written (${messageOf(error)}): going on without`);
      return false;
    }
  }

  #fill(stored: StoredRecords): readonly Definition[] {
    const { broker, run } = this.#options;
    if (stored.broker !== broker) return [];
    this.#isSameRun = run !== undefined && stored.run === run;
    for (const recorded of stored.bindings) this.bindings.set(bindingKey(recorded.binding), recorded);
    for (const [id, keys] of Object.entries(stored.iips)) this.sentIips.set(asParticipantId(id), new Set(keys));
    for (const role of stored.wiredRoles) this.wiredRoles.add(role);
    this.moves = stored.moves;
    return stored.participants;
  }
}
