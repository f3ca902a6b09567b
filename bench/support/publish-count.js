import { connectAsync } from 'mqtt';
import { until } from './children.js';

const TOPIC = '$SYS/broker/publish/messages/received';

/**
 * How many PUBLISH packets a Mosquitto takes while `work` is done, discovery and wiring among them.
 * @param {string} url
 * @param {() => Promise<void>} work
 */
export async function countPublishes(url, work) {
  const client = await connectAsync(url, { protocolVersion: 5 });
  /** @type {number[]} */
  const told = [];
  client.on('message', (_topic, payload) => void told.push(Number(payload.toString())));
  try {
    await client.subscribeAsync(TOPIC);
    const before = await settled(told);
    await work();
    told.length = 0;
    return (await settled(told)) - before;
  } finally {
    await client.endAsync();
  }
}

/** Told each second if it has changed: what stays for two is all. @param {readonly number[]} told */
async function settled(told) {
  let last = -1;
  let sinceMs = performance.now();
  return until(
    () => {
      if (told.length !== last) {
        last = told.length;
        sinceMs = performance.now();
      }
      return performance.now() - sinceMs > 2500 ? told.at(-1) : undefined;
    },
    { what: `${TOPIC} of the broker` },
  );
}
