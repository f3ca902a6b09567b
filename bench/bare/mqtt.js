/**
 * The chain as one would write it by hand on mqtt.js, well tuned: QoS 1, protocol 5, a session that is kept, no Nagle,
 * many messages in work at a time, each acknowledged after what was made from it was confirmed. mqtt.js itself takes one
 * message after another, so handleMessage() lets the next in at once and the PUBACK is sent later.
 * Run as `node bench/bare/mqtt.js <url> source|repeat|sink [in topic] [out topic]`.
 */
import { randomUUID } from 'node:crypto';
import { connectAsync } from 'mqtt';
import { feed } from '../support/feed.js';
import { planFromEnv } from '../support/plan.js';
import { Tally } from '../support/tally.js';

/** As Repeat and BenchSink have. */
const PREFETCH = { repeat: 100, sink: 200 };
const KEPT_SECONDS = 3600;
const ACKED_LATER = new Error('acknowledged later');

const [url = '', part, ...topics] = process.argv.slice(2);
if (part === 'source') await source(topics[0] ?? '');
else if (part === 'repeat') await repeat(topics[0] ?? '', topics[1] ?? '');
else await sink(topics[0] ?? '');
process.stdout.write('ready\n');

/** @param {string} topic */
async function source(topic) {
  const publish = await publisher();
  await feed(planFromEnv(), (message, confirmed) => publish(topic, message, confirmed));
}

/** @param {string} from @param {string} to */
async function repeat(from, to) {
  const publish = await publisher();
  await subscribe(from, PREFETCH.repeat, (payload, done) => publish(to, JSON.parse(payload.toString()), done));
}

/** @param {string} topic */
async function sink(topic) {
  const tally = new Tally(planFromEnv());
  await subscribe(topic, PREFETCH.sink, (payload, done) => {
    tally.take(JSON.parse(payload.toString()));
    done();
  });
}

/** @returns {Promise<(topic: string, data: unknown, confirmed: () => void) => void>} */
async function publisher() {
  const client = await open({ clientId: `bare-out-${randomUUID()}`, clean: true });
  return (topic, data, confirmed) => {
    client.publish(topic, JSON.stringify(data), { qos: 1 }, (error) => {
      if (error) throw error;
      confirmed();
    });
  };
}

/**
 * @param {string} topic
 * @param {number} receiveMaximum
 * @param {(payload: Buffer, done: () => void) => void} handle
 */
async function subscribe(topic, receiveMaximum, handle) {
  const client = await open({
    clientId: `bare-in-${topic}`,
    clean: false,
    properties: { sessionExpiryInterval: KEPT_SECONDS, receiveMaximum },
  });
  /** @type {(packet: object) => void} */
  const send = Reflect.get(client, '_sendPacket').bind(client);
  client.handleMessage = ({ payload, messageId, qos }, next) => {
    next(qos === 1 ? ACKED_LATER : undefined);
    handle(Buffer.from(payload), () => {
      if (qos === 1) send({ cmd: 'puback', messageId, reasonCode: 0 });
    });
  };
  await client.subscribeAsync(topic, { qos: 1 });
}

/** @param {import('mqtt').IClientOptions} options */
async function open(options) {
  const client = await connectAsync(url, { protocolVersion: 5, ...options });
  const { stream } = client;
  if ('setNoDelay' in stream && typeof stream.setNoDelay === 'function') stream.setNoDelay(true);
  process.once('SIGTERM', () => client.end());
  return client;
}
