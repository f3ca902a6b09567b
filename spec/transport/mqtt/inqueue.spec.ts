import { expect } from 'chai';
import { asQueueName } from '../../../src/names.js';
import { Arrivals } from '../../../src/transport/mqtt/arrivals.js';
import { Inqueue, Member } from '../../../src/transport/mqtt/inqueue.js';
import type { Incoming } from '../../../src/transport/mqtt/session.js';

describe('an mqtt inqueue', () => {
  const message = (packetId: number, dup: boolean): Incoming => ({
    topic: 't',
    payload: Buffer.from(`m${packetId}`),
    qos: 1,
    dup,
    retain: false,
    headers: {},
    subscriptionIds: [],
    packetId,
  });
  const session = () => ({ sessionPresent: true, ack: () => undefined });

  for (const prefetch of [1, 3]) {
    it(`hands over again only what its handlers had when the session broke (prefetch ${prefetch}), and in order`, async () => {
      const begun: number[] = [];
      const settle: (() => void)[] = [];
      const inqueue = new Inqueue(asQueueName('q'), ({ arrival }) => {
        begun.push(arrival.message.packetId);
        return new Promise((resolve) => settle.push(() => resolve(true)));
      });
      inqueue.add(new Member(async () => ({ verdict: 'ack', outputs: [] }), prefetch));
      const bring = (arrivals: Arrivals, dup: boolean): void => {
        for (const packetId of [1, 2, 3, 4, 5]) {
          const arrival = arrivals.add(message(packetId, dup));
          if (arrival) inqueue.offer({ arrival, done: () => arrival.settle() });
        }
      };
      const before = new Arrivals(session(), undefined);
      bring(before, false);
      bring(new Arrivals(session(), before), true);
      const inHand = [1, 2, 3].slice(0, prefetch);
      expect(begun).to.deep.equal([...inHand, ...inHand]);
      while (begun.length < 5 + prefetch) {
        settle.shift()?.();
        await new Promise((next) => setImmediate(next));
      }
      expect(begun).to.deep.equal([...inHand, 1, 2, 3, 4, 5]);
    });
  }
});
