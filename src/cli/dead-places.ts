import { setTimeout as delay } from 'node:timers/promises';
import { DiscoveryFeed } from '../coordinator/index.js';
import { LAPSE_MS, type ParticipantTable } from '../discovery/index.js';
import { MsgfloError } from '../errors.js';
import { asQueueName, type QueueName } from '../names.js';
import type { Logger } from '../support/index.js';
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
  /** Nothing becomes of what is found. */
  readonly isLooking: boolean;
}

/** Nobody that is there has such an inport. */
class InportUnknownError extends MsgfloError {
  readonly code = 'MSGFLO_INPORT_UNKNOWN';
}

const HINT = '--role R --port P, or --queue NAME, name one also where its participants do not run';

/** How often it is looked whether the one that is waited for is there, in ms. */
const LOOK_EVERY_MS = 25;

/**
 * The inqueues that are meant, each once: those named, those of the inports that participants announce, and, to be looked at
 * only, all others of which the broker tells that it keeps letters. Who asks for one role is answered as soon as it is heard,
 * and where nobody is, by the name that the queue of such an inport has unless it was given another.
 * @throws {InportUnknownError} where nobody announces what was asked for
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
    const { role } = wish;
    return role === undefined
      ? await allPlaces(broker, places, wish, log)
      : await ofRole(broker, places, { role, table: feed.table, wish, log });
  } finally {
    await feed.stop();
  }
}

/** Of whom nobody is heard letters may be kept all the same. */
async function allPlaces(
  broker: Broker,
  heard: readonly LetterPlace[],
  { port, isLooking }: PlaceWish,
  log: Logger,
): Promise<readonly LetterPlace[]> {
  const kept = await broker.deadLetterInqueues?.();
  if (!kept) {
    if (heard.length === 0) throw new InportUnknownError(`nobody has announced such an inport; ${HINT}`);
    const roles = [...new Set(heard.flatMap(({ owner }) => owner?.role ?? []))].sort();
    log.info(`asked for: ${roles.join(', ')}; this broker does not tell of others: ${HINT}`);
    return heard;
  }
  const known = new Set(heard.map(({ queue }) => queue));
  const isMeant = (queue: QueueName): boolean =>
    port === undefined || queue.toLowerCase().endsWith(`.${port.toLowerCase()}`);
  const others = kept.filter((queue) => !known.has(queue) && isMeant(queue)).sort();
  if (isLooking) return [...heard, ...others.map((queue) => ({ queue }))];
  if (others.length > 0)
    log.warn(`left alone, since nobody is heard of whom they are: dead letters of ${others.join(', ')}; ${HINT}`);
  return heard;
}

interface Asked {
  readonly role: string;
  readonly table: ParticipantTable;
  readonly wish: PlaceWish;
  readonly log: Logger;
}

/** @throws {InportUnknownError} */
async function ofRole(
  broker: Broker,
  heard: readonly LetterPlace[],
  { role, table, wish, log }: Asked,
): Promise<readonly LetterPlace[]> {
  if (heard.length > 0) return heard;
  const { port } = wish;
  const isHeard = table.all().some(({ definition }) => definition.role === role);
  const queues = isHeard ? [] : await queuesNamedAfter(broker, role, port);
  if (queues.length === 0) throw new InportUnknownError(whyNone(table, wish));
  log.info(`nobody has announced the role '${role}': looking at ${queues.join(', ')}, as its inqueues are called`);
  return queues.map((queue) => ({ queue }));
}

/** As inqueues are called unless they were named. */
async function queuesNamedAfter(broker: Broker, role: string, port: string | undefined): Promise<readonly QueueName[]> {
  if (port !== undefined) return [asQueueName(`${role}.${port.toUpperCase()}`)];
  const kept = (await broker.deadLetterInqueues?.()) ?? [];
  return kept.filter((queue) => queue.startsWith(`${role}.`)).sort();
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
  const ports = table.all().flatMap(({ definition }) => (definition.role === role ? definition.inports : []));
  if (role !== undefined && port !== undefined && ports.length > 0) {
    return `role '${role}' has no inport '${port}'; it has: ${ports.map(({ id }) => id).join(', ')}`;
  }
  const who = role === undefined ? 'a participant with such an inport' : `the role '${role}'`;
  return `nobody has announced ${who}; ${HINT}`;
}
