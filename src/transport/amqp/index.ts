/**
 * The transport for AMQP 0-9-1 brokers, made for and checked with RabbitMQ. It comes back by itself when the broker was
 * away: what a client declared, bound, consumes and watches is made again, what was unconfirmed is published again.
 *
 * What stands in the broker (exchanges and queues are durable unless a port says `persistent: false`):
 * - inqueue `q`: queue `q` with `x-dead-letter-exchange: dead-q`, bound to a fanout exchange of the same name; what its
 *   options ask for stands among its arguments, nothing without options; one that is full refuses, and senders wait
 * - dead letters of `q`: fanout exchange `dead-q`, and bound to it a queue `dead-q` that holds the last 10,000
 * - outqueue `q`: fanout exchange `q`
 * - pubsub binding: the target's queue bound to the source's exchange; round-robin: a direct exchange `out-<source>`
 *   between the two, removed when no queue is bound to it any more
 * - notice `n`: fanout exchange `n`, each watcher with an exclusive queue of its own; the retained one lies in the queue
 *   `n.last` (maximum length 1), from which it is taken and put back for a look; clearing it deletes that queue
 * - the queue `fbp`, into which old libraries announce: a client that watches the notice `fbp` passes its messages on to
 *   the exchange `fbp`
 * Message id, content type, reply-to and priority travel as the AMQP properties of that name, other headers in the header
 * table; the time of creation in both, the property (seconds) being for others.
 * RabbitMQ closes the channel of a delivery that is held longer than its consumer timeout (30 minutes unless set
 * otherwise); the message is handed over again then.
 */
import type { TransportFactory } from '../index.js';
import { AmqpClient } from './client.js';

/** Makes a client for `amqp://` and `amqps://` addresses; it is not connected yet. */
export const openAmqp: TransportFactory = async (address, options, log) => new AmqpClient(address, options, log);
