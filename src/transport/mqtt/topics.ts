import { createHash } from 'node:crypto';
import { asQueueName, type QueueName } from '../../names.js';

/**
 * The topic of a queue or notice: its name, but for what a topic must not hold [MQTT-3.3.2-2]: `+`, `#` and NUL become
 * `%2B`, `%23` and `%00`, and a `%` that would read as one of these (or as itself) becomes `%25`.
 */
export function topicOf(name: string): string {
  return UNUSUAL.test(name) ? name.replace(TO_ESCAPE, (char) => ESCAPES[char] ?? char) : name;
}

/** The name that `topicOf` was given. */
export function nameOf(topic: string): QueueName {
  if (!topic.includes('%')) return asQueueName(topic);
  return asQueueName(topic.replace(/%(?:2B|23|00|25)/g, (code) => decodeURIComponent(code)));
}

const TO_ESCAPE = /%(?=2B|23|00|25)|[+#\0]/g;
/** Mostly there is none. */
const UNUSUAL = /[%+#\0]/;
const ESCAPES: Readonly<Record<string, string>> = { '%': '%25', '+': '%2B', '#': '%23', '\0': '%00' };

/** The share group of an inqueue: its name without what a ShareName must not hold [MQTT-4.8.2-1]. */
export function groupOf(inqueue: QueueName): string {
  return `msgflo-${encodeURIComponent(inqueue)}`;
}

/** The same in every run, since a session remembers it: 1 to 268,435,455 [MQTT-3.3.2.3.8]. */
export function subscriptionIdOf(inqueue: QueueName): number {
  return (createHash('sha256').update(inqueue).digest().readUInt32BE(0) % 268_435_455) + 1;
}

/** The client id of the one who holds a slot, the same in every run. */
export function slotClientId(slot: string): string {
  return `msgflo-${encodeURIComponent(slot)}`;
}

const SLOTS = 'msgflo/slots/';
/** What is said of all slots. */
export const EVERY_SLOT = `${SLOTS}+`;

/** Where clients settle who holds a slot. */
export function slotTopic(slot: string): string {
  return `${SLOTS}${encodeURIComponent(slot)}`;
}

/** The slot that `slotTopic` was given; a stranger's topic as it is. */
export function nameOfSlot(topic: string): string {
  const name = topic.slice(SLOTS.length);
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}

/** Where dead letters that nobody listens to are kept, one retained message each. */
export function heldDeadLetterTopic(inqueue: QueueName, messageId: string): string {
  return `dead/${topicOf(inqueue)}/${topicOf(messageId)}`;
}

/** All of them, of whichever inqueue. */
export const EVERY_DEAD_LETTER = 'dead/#';

/** The inqueue of a topic that `heldDeadLetterTopic` made; undefined for a stranger's. */
export function inqueueOfLetter(topic: string): QueueName | undefined {
  const end = topic.lastIndexOf('/');
  return topic.startsWith('dead/') && end > 'dead/'.length ? nameOf(topic.slice('dead/'.length, end)) : undefined;
}

/** Whether a topic filter takes more than the one topic of its name. */
export function isPattern(filter: string): boolean {
  return filter.includes('+') || filter.includes('#');
}

/** Whether a topic filter (without `$share/<group>/`) takes a topic [MQTT-4.7.1-2]. */
export function matches(filter: string, topic: string): boolean {
  if (filter === topic) return true;
  if (!isPattern(filter)) return false;
  const levels = topic.split('/');
  const wanted = filter.split('/');
  for (const [at, level] of wanted.entries()) {
    if (level === '#') return true;
    if (levels[at] === undefined || (level !== '+' && level !== levels[at])) return false;
  }
  return wanted.length === levels.length;
}
