import { messageOf } from '../errors.js';
import { asParticipantId, asPortName, asQueueName, asRole, type ParticipantId, type Role } from '../names.js';
import { checkWiring } from './check-wiring.js';
import type { Definition, PortDefinition } from './definition.js';
import { MAX_DISCOVERY_BYTES } from './names.js';
import { createDefinitionCheck } from './schema.js';
import type { Wiring } from './wiring.js';

/** One message of the discovery notice, read. What is invalid says so in words that name the sender if that is known. */
export type Announcement =
  | { readonly kind: 'participant'; readonly definition: Definition; readonly dropped: readonly string[] }
  | { readonly kind: 'gone'; readonly id: ParticipantId; readonly role: Role }
  | { readonly kind: 'other' }
  | { readonly kind: 'invalid'; readonly reason: string };

export type ReadWiring =
  | { readonly kind: 'wiring'; readonly wiring: Wiring }
  | { readonly kind: 'invalid'; readonly reason: string };

type Fields = Readonly<Record<string, unknown>>;

const checkDefinition = createDefinitionCheck();

/** Reads a discovery message. Never throws: a peer's garbage is an answer like any other. */
export function readAnnouncement(body: Buffer): Announcement {
  const message = parse(body);
  if (typeof message === 'string') return { kind: 'invalid', reason: `a discovery message ${message}` };
  if (message.protocol !== 'discovery') return { kind: 'other' };
  const { payload } = message;
  if (message.command === 'gone') return readGone(payload);
  if (message.command !== 'participant') return { kind: 'other' };
  const problem = checkDefinition(payload);
  if (problem) return { kind: 'invalid', reason: `the discovery message ${origin(payload)} is wrong: ${problem}` };
  return normalise(payload as Fields);
}

/** Reads a wiring message. Never throws. */
export function readWiring(body: Buffer): ReadWiring {
  const message = parse(body);
  if (typeof message === 'string') return { kind: 'invalid', reason: `a wiring message ${message}` };
  const problem = checkWiring(message);
  if (problem) return { kind: 'invalid', reason: `a wiring message is wrong: ${problem}` };
  return { kind: 'wiring', wiring: message as unknown as Wiring };
}

/** The body of the message that announces a participant. */
export function announcementOf(definition: Definition): Buffer {
  return Buffer.from(JSON.stringify({ protocol: 'discovery', command: 'participant', payload: definition }));
}

/** The body of the message that says a participant left or died. */
export function goneMessageOf({ id, role }: Pick<Definition, 'id' | 'role'>): Buffer {
  return Buffer.from(JSON.stringify({ protocol: 'discovery', command: 'gone', payload: { id, role } }));
}

function parse(body: Buffer): Fields | string {
  if (body.length > MAX_DISCOVERY_BYTES) return `of ${body.length} bytes was put aside: at most ${MAX_DISCOVERY_BYTES}`;
  try {
    const value = JSON.parse(body.toString('utf8')) as unknown;
    if (value !== null && typeof value === 'object' && !Array.isArray(value)) return value as Fields;
    return `is no JSON object: ${excerpt(body)}`;
  } catch (error) {
    return `is not JSON (${messageOf(error)}): ${excerpt(body)}`;
  }
}

function excerpt(body: Buffer): string {
  return JSON.stringify(body.subarray(0, 60).toString('utf8'));
}

function origin(payload: unknown): string {
  const { id, role } = (payload ?? {}) as Fields;
  if (typeof id === 'string') return `of participant '${id}'`;
  if (typeof role === 'string') return `of role '${role}'`;
  return 'of somebody who gives neither id nor role';
}

function readGone(payload: unknown): Announcement {
  const { id, role } = (payload ?? {}) as Fields;
  if (typeof id !== 'string' || typeof role !== 'string') {
    return { kind: 'invalid', reason: "a discovery message 'gone' lacks id or role" };
  }
  return { kind: 'gone', id: asParticipantId(id), role: asRole(role) };
}

/** Known fields only, nulls and empty texts left out; ports without a queue are dropped, since nothing can be wired to them. */
function normalise(payload: Fields): Announcement {
  const dropped: string[] = [];
  const definition: Definition = {
    id: asParticipantId(payload.id as string),
    role: asRole(payload.role as string),
    component: payload.component as string,
    inports: portsOf(payload.inports, dropped),
    outports: portsOf(payload.outports, dropped),
    ...texts(payload, ['label', 'icon', 'type', 'wired', 'inqueue', 'outqueue']),
    ...(payload.version === undefined || payload.version === null ? {} : { version: String(payload.version) }),
    ...(payload.wiring === 1 ? { wiring: 1 } : {}),
  };
  return { kind: 'participant', definition, dropped };
}

function portsOf(ports: unknown, dropped: string[]): PortDefinition[] {
  const wired: PortDefinition[] = [];
  for (const port of (ports ?? []) as readonly Fields[]) {
    if (typeof port.queue !== 'string' || port.queue === '') {
      dropped.push(port.id as string);
      continue;
    }
    wired.push({
      id: asPortName(port.id as string),
      queue: asQueueName(port.queue),
      ...texts(port, ['type', 'description']),
      ...(port.schema ? { schema: port.schema as string | Fields } : {}),
      ...(port.options ? { options: port.options as Fields } : {}),
      ...(port.hidden === true ? { hidden: true } : {}),
      ...(Array.isArray(port.sources) ? { sources: (port.sources as string[]).map(asQueueName) } : {}),
    });
  }
  return wired;
}

function texts(fields: Fields, keys: readonly string[]): Record<string, never> {
  const kept = keys.filter((key) => typeof fields[key] === 'string' && fields[key] !== '');
  return Object.fromEntries(kept.map((key) => [key, fields[key]])) as Record<string, never>;
}
