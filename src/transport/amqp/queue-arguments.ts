import type { QueueName } from '../../names.js';
import type { QueueOptions } from '../index.js';

/** Arguments of a queue's declaration, by RabbitMQ's names. */
export type QueueArguments = Readonly<Record<string, string | number | boolean>>;

/** Arguments that have an option of their own, or are set for every inqueue. */
const OWN: Readonly<Record<string, keyof QueueOptions | undefined>> = {
  'x-message-ttl': 'ttlMs',
  'x-max-length': 'maxLength',
  'x-max-length-bytes': 'maxBytes',
  'x-delivery-limit': 'deliveryLimit',
  'x-max-priority': 'maxPriority',
  'x-dead-letter-exchange': undefined,
};

/**
 * A queue's arguments from its options; none without options. A queue that is full refuses what comes, so that senders
 * wait, unless `arguments` say otherwise.
 * @throws {TypeError} for options that contradict each other
 */
export function queueArguments(name: QueueName, options: QueueOptions): QueueArguments {
  const wrong = contradiction(options);
  if (wrong) throw new TypeError(`inqueue '${name}': ${wrong}`);
  const { ttlMs, maxLength, maxBytes, quorum, deliveryLimit, maxPriority } = options;
  const isBounded = maxLength !== undefined || maxBytes !== undefined;
  return {
    ...(ttlMs === undefined ? {} : { 'x-message-ttl': ttlMs }),
    ...(maxLength === undefined ? {} : { 'x-max-length': maxLength }),
    ...(maxBytes === undefined ? {} : { 'x-max-length-bytes': maxBytes }),
    ...(isBounded ? { 'x-overflow': 'reject-publish' } : {}),
    ...(quorum ? { 'x-queue-type': 'quorum' } : {}),
    ...(deliveryLimit === undefined ? {} : { 'x-delivery-limit': deliveryLimit }),
    ...(maxPriority === undefined ? {} : { 'x-max-priority': maxPriority }),
    ...options.arguments,
  };
}

/** What RabbitMQ would refuse in words that do not name the option, or silently not do. */
function contradiction(options: QueueOptions): string | undefined {
  const { arguments: further = {}, quorum, persistent, deliveryLimit, maxPriority } = options;
  for (const name in further) {
    if (!(name in OWN)) continue;
    const option = OWN[name];
    return `'${name}' among the arguments is ${option ? `the option '${option}'` : 'set by msgflo'}`;
  }
  if (quorum === true && 'x-queue-type' in further) return "'quorum' and an 'x-queue-type' among the arguments";
  const isQuorum = quorum === true || further['x-queue-type'] === 'quorum';
  if (isQuorum && persistent === false) return 'a quorum queue is always persistent: leave out persistent: false';
  if (isQuorum && maxPriority !== undefined) return "a quorum queue knows no priorities: leave out 'maxPriority'";
  if (!isQuorum && deliveryLimit !== undefined)
    return "only a quorum queue counts deliveries: 'deliveryLimit' needs it";
  return undefined;
}
