import { CountersFeed } from '../../src/coordinator/counters-feed.js';
import { COUNTERS_NOTICE, countersMessageOf } from '../../src/discovery/index.js';
import { MemoryEngine } from '../../src/engine/index.js';
import { asParticipantId, asPortName, asRole } from '../../src/names.js';
import { silentLogger } from '../../src/support/index.js';
import { DirectBroker } from '../../src/transport/direct/index.js';
import { until } from '../participant/network.js';

describe('CountersFeed', () => {
  let broker: DirectBroker;
  beforeEach(async () => {
    broker = new DirectBroker(new MemoryEngine(), { id: 'c' }, silentLogger);
    await broker.connect();
  });
  afterEach(() => broker.close());

  it('takes in no more participants than its limit, until one of them is gone', async () => {
    const feed = new CountersFeed(broker, silentLogger, 2);
    await feed.start();
    const [role, port] = [asRole('a'), asPortName('in')];
    const tell = (id: string, settled: number): Promise<void> => {
      const inports = { [port]: { taken: settled, settled } };
      const body = countersMessageOf({ id: asParticipantId(id), role, inports, outports: {}, inHand: 0 });
      return broker.notify({ name: COUNTERS_NOTICE, body });
    };
    for (const [id, settled] of [
      ['one', 1],
      ['two', 10],
      ['three', 100],
      ['one', 2],
    ] as const)
      await tell(id, settled);
    await until(() => feed.ofInport(role, port)?.settled === 12);
    feed.forget(asParticipantId('two'));
    await tell('three', 100);
    await until(() => feed.ofInport(role, port)?.settled === 102);
    await feed.stop();
  });
});
