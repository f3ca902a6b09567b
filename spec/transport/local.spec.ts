import { randomUUID } from 'node:crypto';
import { silentLogger } from '../../src/support/index.js';
import { LocalBroker } from '../../src/transport/local/index.js';
import { BrokerProcess, freshDir } from '../embedded/broker-process.js';
import { describeTransport } from './conformance.js';

describeTransport('local', {
  async start() {
    const { dir, remove } = await freshDir();
    let running = await BrokerProcess.start(dir);
    return {
      async connect(options) {
        const broker = new LocalBroker(new URL(running.address), { id: randomUUID(), ...options }, silentLogger);
        await broker.connect();
        return broker;
      },
      async kill(client) {
        if (client instanceof LocalBroker) client.kill();
      },
      async killAndRestart() {
        await running.kill('SIGKILL');
        running = await BrokerProcess.start(dir);
      },
      async unreachable() {
        const address = new URL('local://127.0.0.1:9?token=secret');
        return new LocalBroker(address, { id: randomUUID() }, silentLogger);
      },
      async stop() {
        await running.kill('SIGTERM');
        await remove();
      },
    };
  },
});
