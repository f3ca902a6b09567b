import { expect } from 'chai';
import { CountersFeed } from '../../src/coordinator/counters-feed.js';
import { type Inlet, QueueMeter } from '../../src/coordinator/queue-meter.js';
import { COUNTERS_NOTICE, countersMessageOf } from '../../src/discovery/index.js';
import { openMemoryEngine } from '../../src/engine/index.js';
import { asParticipantId, asPortName, asQueueName, asRole } from '../../src/names.js';
import { silentLogger } from '../../src/support/index.js';
import { DirectBroker } from '../../src/transport/direct/index.js';
import type { Capabilities, QueueDepth } from '../../src/transport/index.js';
import { until } from '../participant/network.js';

describe('QueueMeter', () => {
  const [a, b, port] = [asRole('a'), asRole('b'), asPortName('p')];
  const inlet: Inlet = { role: b, port, queue: asQueueName('b.P') };
  let told: QueueDepth[];
  let nowMs: number;
  let feed: CountersFeed;
  let meter: QueueMeter;
  let broker: DirectBroker;

  class Telling extends DirectBroker {
    override async depths(): Promise<readonly QueueDepth[]> {
      return told;
    }
  }

  async function tellingDepths(depths: boolean): Promise<DirectBroker> {
    const one = new Telling(await openMemoryEngine(), { id: 'c' }, silentLogger);
    const capabilities: Capabilities = { ...one.capabilities, depths };
    return Object.assign(one, { capabilities });
  }

  beforeEach(async () => {
    broker = await tellingDepths(true);
    await broker.connect();
    feed = new CountersFeed(broker, silentLogger);
    await feed.start();
    told = [];
    nowMs = 0;
    meter = new QueueMeter({ broker, counters: feed, nowMs: () => nowMs });
  });
  afterEach(async () => {
    await feed.stop();
    await broker.close();
  });

  async function counts(id: string, role: typeof a, taken: number, settled: number, sent: number): Promise<void> {
    const inports = { [port]: { taken, settled } };
    const outports = { [port]: { sent, dropped: 0 } };
    const counters = { id: asParticipantId(id), role, inports, outports, inHand: taken - settled };
    await broker.notify({ name: COUNTERS_NOTICE, body: countersMessageOf(counters) });
    await until(() => feed.ofOutport(role, port)?.sent === sent);
  }

  it('prefers what the broker tells, rates too', async () => {
    await counts('b-1', b, 10, 8, 0);
    told = [{ queue: inlet.queue, ready: 4, unacked: 3, consumers: 2, inPerSecond: 7, outPerSecond: 6 }];
    await meter.read([inlet]);
    nowMs += 1000;
    const [figures] = await meter.read([inlet]);
    const { queue, ready, unacked, consumers, inPerSecond, outPerSecond } = { ...told[0], ...figures };
    expect({ queue, ready, unacked, consumers, inPerSecond, outPerSecond }).to.deep.equal(told[0]);
    expect(figures).to.include({ inPerSecond: 7, outPerSecond: 6 });
  });

  it('passes on that a queue is damaged', async () => {
    told = [{ queue: inlet.queue, ready: 4, consumers: 2, damage: 'damaged at byte 7' }];
    expect((await meter.read([inlet]))[0]).to.include({ damage: 'damaged at byte 7' });
  });

  it('completes it by what participants count: unacked, and rates from one reading to the next', async () => {
    await counts('b-1', b, 10, 8, 0);
    told = [{ queue: inlet.queue, ready: 4, consumers: 2 }];
    expect(await meter.read([inlet])).to.deep.equal([{ ...inlet, ready: 4, unacked: 2, consumers: 2 }]);
    await counts('b-1', b, 30, 28, 1);
    told = [{ queue: inlet.queue, ready: 14, consumers: 2 }];
    nowMs += 2000;
    const second = { ...inlet, ready: 14, unacked: 2, consumers: 2, inPerSecond: 15, outPerSecond: 10 };
    expect(await meter.read([inlet])).to.deep.equal([second]);
    nowMs += 100;
    expect(await meter.read([inlet]), 'too short for a rate of its own').to.deep.equal([second]);
  });

  it('estimates all of it from counts where the broker tells nothing', async () => {
    meter = new QueueMeter({ broker: await tellingDepths(false), counters: feed, nowMs: () => nowMs });
    const fed: Inlet = { ...inlet, takers: 1, feeds: [{ role: a, port, isDeadLetters: false }] };
    await meter.read([fed]);
    await counts('a-1', a, 0, 0, 50);
    await counts('b-1', b, 12, 10, 0);
    nowMs += 2000;
    const { role, queue } = inlet;
    const expected = { role, port, queue, ready: 38, unacked: 2, consumers: 1, inPerSecond: 25 };
    expect(await meter.read([fed])).to.deep.equal([expected]);
    await counts('b-1', b, 32, 30, 1);
    nowMs += 2000;
    expect(await meter.read([fed])).to.deep.equal([{ ...expected, ready: 18, inPerSecond: 0, outPerSecond: 10 }]);
  });

  it('tells no more than it knows where somebody feeds the queue who does not count', async () => {
    meter = new QueueMeter({ broker: await tellingDepths(false), counters: feed, nowMs: () => nowMs });
    await counts('b-1', b, 12, 10, 0);
    expect(await meter.read([inlet])).to.deep.equal([{ ...inlet, unacked: 2 }]);
  });
});
