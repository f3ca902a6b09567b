import { type Handler, HEADER } from '../index.js';
import type { Incoming } from './session.js';

/** Whether a message has waited too long since it was first sent. One that does not tell when that was has not. */
export function isExpired({ headers }: Pick<Incoming, 'headers'>, ttlMs: number | undefined): boolean {
  if (ttlMs === undefined) return false;
  const createdMs = Number(headers[HEADER.createdAt]);
  return Date.now() - createdMs > ttlMs;
}

/** What such a message is given to instead of its handler. */
export const bury: Handler = async () => ({ verdict: { deadLetter: 'expired' }, outputs: [] });
