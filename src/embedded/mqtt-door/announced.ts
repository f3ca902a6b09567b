import { readAnnouncement } from '../../discovery/index.js';
import type { QueueName } from '../../names.js';

/** The queues that a participant sends to, by its announcement; none of what is no announcement. */
export function announcedOutqueues(body: Buffer): readonly QueueName[] {
  const announcement = readAnnouncement(body);
  return announcement.kind === 'participant' ? announcement.definition.outports.map(({ queue }) => queue) : [];
}
