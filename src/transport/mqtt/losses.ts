import type { Subscription } from '../index.js';
import type { Outlet } from './outlet.js';

/** Where Mosquitto tells how many messages it has dropped since it was started. */
const DROPPED = '$SYS/broker/publish/messages/dropped';

/** Tells of each rise of the broker's own count of dropped messages; never, where the broker does not count. */
export function followLosses(outlet: Outlet, handler: (text: string, messages: number) => void): Promise<Subscription> {
  let before: number | undefined;
  return outlet.subscribe(DROPPED, 1, ({ payload }) => {
    const now = Number(payload.toString());
    if (!Number.isSafeInteger(now)) return;
    // A broker that was started again counts from 0.
    const isRestarted = before !== undefined && now < before;
    const more = isRestarted ? now : now - (before ?? now);
    before = now;
    if (more > 0) handler(wordsFor(more), more);
  });
}

function wordsFor(count: number): string {
  const what = count === 1 ? 'a message' : `${count} messages`;
  return (
    `the broker has dropped ${what}: somebody reads too slowly, or not at all, and what waits for one reader exceeds ` +
    "the broker's limit (Mosquitto: max_queued_messages, 1000 by default)"
  );
}
