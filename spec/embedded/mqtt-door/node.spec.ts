import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { connectAsync } from 'mqtt';
import { EmbeddedBroker, readBrokerFile } from '../../../src/embedded/index.js';
import { silentLogger } from '../../../src/support/index.js';
import { until } from './stage.js';

describe('a node with an MQTT door', () => {
  it('counts who comes by MQTT among its clients, so that it does not rest while there are some', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'msgflo-mqtt-door-'));
    const broker = await EmbeddedBroker.listen({ dir, log: silentLogger, mqtt: { host: '127.0.0.1', port: 0 } });
    try {
      const file = await readBrokerFile(dir);
      const others = broker.clients;
      const client = await connectAsync(file?.mqtt ?? '', { protocolVersion: 4 });
      expect(broker.clients).to.equal(others + 1);
      expect(broker.counters.connections).to.be.at.least(1);
      await client.endAsync();
      await until(() => broker.clients === others, 'it has gone');
    } finally {
      await broker.stop();
      await rm(dir, { recursive: true, force: true });
    }
  });
});
