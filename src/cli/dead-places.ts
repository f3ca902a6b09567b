import { setTimeout as delay } from 'node:timers/promises';
import { DiscoveryFeed } from '../coordinator/index.js';
import { LAPSE_MS, type ParticipantTable } from '../discovery/index.js';
import { MsgfloError } from '../errors.js';
import type { QueueName } from '../names.js';
import type { Broker } from '../transport/index.js';
import type { CliContext } from './command.js';
import type { LetterPlace } from './dead-letter.js';

export interface PlaceWish {
  readonly role?: string;
  readonly port?: string;
  /** Named directly: nobody is asked. */
  readonly queues: readonly QueueName[];
  /** How long to listen for participants, in ms. */
  readonly waitMs: number;
}

/** Nobody that is there has such an inport. */
class InportUnknownError extends MsgfloError {
  readonly code = 'MSGFLO_INPORT_UNKNOWN';
}

/** How often it is looked whether the one that is waited for is there, in ms. */
const LOOK_EVERY_MS = 25;

/**
 * The inqueues that are meant, each once: those named, or those of the inports that participants announce. Who asks for one
 * role is answered as soon as it is heard. @throws {InportUnknownError} where nobody announces what was asked for
 */
export async function placesOf(broker: Broker, wish: PlaceWish, context: CliContext): Promise<readonly LetterPlace[]> {
  if (wish.queues.length > 0) return wish.queues.map((queue) => ({ queue }));
  const { signal, log } = context;
  const nowMs = (): number => performance.now();
  const feed = new DiscoveryFeed({ broker, lapseMs: LAPSE_MS, nowMs, log }, () => undefined);
  try {
    await feed.start();
    const untilMs = nowMs() + wish.waitMs;
    let places = inqueuesOf(feed.table, wish);
    while (nowMs() < untilMs && (wish.role === undefined || places.length === 0)) {
      await delay(Math.min(LOOK_EVERY_MS, wish.waitMs), undefined, { signal });
      places = inqueuesOf(feed.table, wish);
    }
    if (places.length === 0) throw new InportUnknownError(whyNone(feed.table, wish));
    return places;
  } finally {
    await feed.stop();
  }
}

function inqueuesOf(table: ParticipantTable, { role, port }: PlaceWish): LetterPlace[] {
  const places = new Map<QueueName, LetterPlace>();
  for (const { definition } of table.all()) {
    if (role !== undefined && definition.role !== role) continue;
    for (const { id, queue } of definition.inports) {
      const isMeant = port === undefined || id.toLowerCase() === port.toLowerCase();
      if (isMeant) places.set(queue, { queue, owner: { role: definition.role, port: id } });
    }
  }
  return [...places.values()].sort((a, b) => (a.queue < b.queue ? -1 : 1));
}

function whyNone(table: ParticipantTable, { role, port }: PlaceWish): string {
  const hint = '--queue NAME names an inqueue directly, also of participants that do not run';
  const ports = table.all().flatMap(({ definition }) => (definition.role === role ? definition.inports : []));
  if (role !== undefined && port !== undefined && ports.length > 0) {
    return `role '${role}' has no inport '${port}'; it has: ${ports.map(({ id }) => id).join(', ')}`;
  }
  const who = role === undefined ? 'a participant with such an inport' : `the role '${role}'`;
  return `nobody has announced ${who}; ${hint}`;
}
