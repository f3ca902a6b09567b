import { asQueueName, type QueueName } from '../../names.js';

/** Names of queues and topics; what is longer the log does not take. */
export const MAX_TOPIC_CHARS = 200;

/** Queues of the door begin with this. Clients send to none whose name does, and no filter that begins otherwise takes any. */
export const OWN_PREFIX = '$mqtt/';

const ESCAPES: Readonly<Record<string, string>> = { '%': '%25', '+': '%2B', '#': '%23', '\0': '%00' };

/** The topic of a queue or notice; as docs/wire.md has it: a topic holds no `+`, `#` and NUL. */
export function topicOf(name: string): string {
  return name.replace(/%(?=2B|23|00|25)|[+#\0]/g, (char) => ESCAPES[char] ?? char);
}

/** The name that `topicOf` was given. */
export function nameOf(topic: string): QueueName {
  if (!topic.includes('%')) return asQueueName(topic);
  return asQueueName(topic.replace(/%(?:2B|23|00|25)/g, (code) => decodeURIComponent(code)));
}

/** The topics of small messages to everybody (docs/wire.md), which go beside the queues. */
export function isNotice(topic: string): boolean {
  if (!topic.startsWith('fbp')) return false;
  return topic === 'fbp' || topic === 'fbp.rollcall' || topic === 'fbp.counters' || topic.startsWith('fbp.wiring.');
}

export function isPattern(filter: string): boolean {
  return filter.includes('+') || filter.includes('#');
}

/** Where messages may be sent to [MQTT-3.3.2-2]. */
export function isTopic(topic: string): boolean {
  return topic.length > 0 && topic.length <= MAX_TOPIC_CHARS && !isPattern(topic);
}

/** A word is `+`, or has none; `#` is the last word, or none has it [MQTT-4.7.1-2] [MQTT-4.7.1-3]. */
export function isFilter(filter: string): boolean {
  if (filter.length === 0 || filter.length > MAX_TOPIC_CHARS) return false;
  const words = filter.split('/');
  return words.every((word, at) => {
    if (word === '+') return true;
    if (word === '#') return at === words.length - 1;
    return !isPattern(word);
  });
}

/** Whether a filter takes a topic; one that begins with a wildcard takes none that begins with `$` [MQTT-4.7.2-1]. */
export function matches(filter: string, topic: string): boolean {
  if (filter === topic) return true;
  if (!isPattern(filter)) return false;
  if (topic.startsWith('$') && !filter.startsWith('$')) return false;
  const levels = topic.split('/');
  const wanted = filter.split('/');
  for (const [at, word] of wanted.entries()) {
    if (word === '#') return true;
    if (levels[at] === undefined || (word !== '+' && word !== levels[at])) return false;
  }
  return wanted.length === levels.length;
}

/** What the engine is asked for: names in place of topics. Where a name has what only stands for itself escaped, any word. */
export function engineFilter(filter: string): string {
  if (!filter.includes('%')) return filter;
  return filter
    .split('/')
    .map((word) => (nameOf(word) === word ? word : '+'))
    .join('/');
}
