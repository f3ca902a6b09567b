import { randomUUID } from 'node:crypto';
import { silentLogger } from '../../src/support/index.js';
import { DirectBroker, openDirect } from '../../src/transport/direct/index.js';
import { describeTransport } from './conformance.js';

describeTransport('direct', {
  async start() {
    const open = openDirect();
    return {
      async connect(options) {
        const broker = await open(new URL('direct://specs'), { id: randomUUID(), ...options }, silentLogger);
        await broker.connect();
        return broker;
      },
      async kill(client) {
        if (client instanceof DirectBroker) client.kill();
      },
      async stop() {},
    };
  },
});
