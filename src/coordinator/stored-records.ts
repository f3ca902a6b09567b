import { announcementOf, type Definition, readAnnouncement } from '../discovery/index.js';
import { asParticipantId, asQueueName, asRole, type ParticipantId, type Role } from '../names.js';
import type { Move, RecordedBinding } from './state.js';

/** What a records file holds. */
export interface StoredRecords {
  readonly version: 1;
  /** Records are facts about one broker; another knows nothing of them. */
  readonly broker: string;
  /** The run of the keeper under which they were written. */
  readonly run?: string;
  readonly bindings: readonly RecordedBinding[];
  readonly iips: Readonly<Record<ParticipantId, readonly string[]>>;
  readonly wiredRoles: readonly Role[];
  readonly moves: readonly Move[];
  readonly participants: readonly Definition[];
}

type Fields = Readonly<Record<string, unknown>>;

/** Reads the text of a records file: all of it fits, or nothing is taken. @throws {Error} saying what does not fit */
export function readStoredRecords(text: string): StoredRecords {
  const stored = fields(JSON.parse(text), 'it');
  if (stored.version !== 1) throw new Error(`version ${JSON.stringify(stored.version)} is not known`);
  return {
    version: 1,
    broker: word(stored.broker, 'broker'),
    ...(stored.run === undefined ? {} : { run: word(stored.run, 'run') }),
    bindings: list(stored.bindings, 'bindings').map(readBinding),
    iips: Object.fromEntries(
      Object.entries(fields(stored.iips, 'iips')).map(([id, keys]) => [
        asParticipantId(id),
        list(keys, `iips of ${id}`).map((key) => word(key, `iips of ${id}`)),
      ]),
    ),
    wiredRoles: list(stored.wiredRoles, 'wiredRoles').map((role) => asRole(word(role, 'wiredRoles'))),
    moves: list(stored.moves ?? [], 'moves').map(readMove),
    participants: list(stored.participants, 'participants').map(readDefinition),
  };
}

function readBinding(value: unknown): RecordedBinding {
  const { binding, edge } = fields(value, 'bindings');
  const { kind, source, target } = fields(binding, 'bindings');
  if (kind !== 'pubsub' && kind !== 'roundrobin') throw new Error(`bindings: ${JSON.stringify(kind)} is no kind`);
  const queues = { source: asQueueName(word(source, 'bindings')), target: asQueueName(word(target, 'bindings')) };
  return { binding: { kind, ...queues }, edge: word(edge, 'bindings') };
}

function readMove(value: unknown): Move {
  const { from, to, queues, sources, slots } = fields(value, 'moves');
  return {
    from: asRole(word(from, 'moves')),
    to: asRole(word(to, 'moves')),
    queues: Object.fromEntries(
      Object.entries(fields(queues, 'moves')).map(([port, queue]) => [port, asQueueName(word(queue, 'moves'))]),
    ),
    sources: Object.fromEntries(
      Object.entries(fields(sources, 'moves')).map(([port, names]) => [
        port,
        list(names, 'moves').map((name) => asQueueName(word(name, 'moves'))),
      ]),
    ),
    slots: list(slots, 'moves').map((slot) => word(slot, 'moves')),
  };
}

/** As it would be heard. */
function readDefinition(value: unknown): Definition {
  const read = readAnnouncement(announcementOf(value as Definition));
  if (read.kind === 'participant') return read.definition;
  throw new Error(read.kind === 'invalid' ? read.reason : 'participants: not a definition');
}

function fields(value: unknown, name: string): Fields {
  if (value !== null && typeof value === 'object' && !Array.isArray(value)) return value as Fields;
  throw new Error(`${name} is no object`);
}

function list(value: unknown, name: string): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw new Error(`${name} is no list`);
}

function word(value: unknown, name: string): string {
  if (typeof value === 'string') return value;
  throw new Error(`${name}: ${JSON.stringify(value)} is no text`);
}
