/**
 * The chain as one would write it by hand on amqplib, well tuned: persistent messages, confirms on their way for many
 * messages at a time, acks after the confirms and for many deliveries at once, no Nagle, straight to the next queue.
 * Run as `node bench/bare/amqp.js <url> source|repeat|sink [inqueue] [outqueue]`.
 */
import { connect } from 'amqplib';
import { feed } from '../support/feed.js';
import { planFromEnv } from '../support/plan.js';
import { Tally } from '../support/tally.js';

/** As Repeat and BenchSink have. */
const PREFETCH = { repeat: 100, sink: 200 };

const [url = '', part, ...queues] = process.argv.slice(2);
const model = await connect(url, { noDelay: true });
process.once('SIGTERM', () => void model.close());
if (part === 'source') await source(queues[0] ?? '');
else if (part === 'repeat') await repeat(queues[0] ?? '', queues[1] ?? '');
else await sink(queues[0] ?? '');
process.stdout.write('ready\n');

/** @param {string} outqueue */
async function source(outqueue) {
  const channel = await model.createConfirmChannel();
  await channel.assertQueue(outqueue);
  await feed(planFromEnv(), (message, confirmed) => {
    channel.sendToQueue(outqueue, Buffer.from(JSON.stringify(message)), { persistent: true }, orEnd(confirmed));
  });
}

/** @param {string} inqueue @param {string} outqueue */
async function repeat(inqueue, outqueue) {
  const outgoing = await model.createConfirmChannel();
  await outgoing.assertQueue(outqueue);
  await consume(inqueue, PREFETCH.repeat, (message, done) => {
    const data = JSON.parse(message.content.toString());
    outgoing.sendToQueue(outqueue, Buffer.from(JSON.stringify(data)), { persistent: true }, orEnd(done));
  });
}

/** @param {string} inqueue */
async function sink(inqueue) {
  const tally = new Tally(planFromEnv());
  await consume(inqueue, PREFETCH.sink, (message, done) => {
    tally.take(JSON.parse(message.content.toString()));
    done();
  });
}

/**
 * Takes messages; one that is done is acked together with all before it.
 * @param {string} inqueue
 * @param {number} prefetch
 * @param {(message: import('amqplib').ConsumeMessage, done: () => void) => void} handle
 */
async function consume(inqueue, prefetch, handle) {
  const channel = await model.createChannel();
  await channel.assertQueue(inqueue);
  await channel.prefetch(prefetch);
  /** @type {{ message: import('amqplib').ConsumeMessage, isDone: boolean }[]} */
  let open = [];
  let isScheduled = false;
  const flush = () => {
    isScheduled = false;
    const first = open.findIndex(({ isDone }) => !isDone);
    const done = first === -1 ? open.length : first;
    const last = open[done - 1];
    if (!last) return;
    channel.ack(last.message, true);
    open = open.slice(done);
  };
  await channel.consume(inqueue, (message) => {
    if (!message) throw new Error('the broker cancelled the consumer');
    const entry = { message, isDone: false };
    open.push(entry);
    handle(message, () => {
      entry.isDone = true;
      if (!isScheduled) setImmediate(flush);
      isScheduled = true;
    });
  });
}

/** @param {() => void} confirmed @returns {(error: unknown) => void} */
function orEnd(confirmed) {
  return (error) => {
    if (error) throw error;
    confirmed();
  };
}
