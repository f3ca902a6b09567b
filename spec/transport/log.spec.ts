import { randomUUID } from 'node:crypto';
import { silentLogger } from '../../src/support/index.js';
import { LogBroker } from '../../src/transport/log/index.js';
import { BrokerProcess, freshDir } from '../embedded/broker-process.js';
import { describeTransport } from './conformance.js';

describeTransport('log', {
  async start() {
    const { dir, remove } = await freshDir();
    let running = await BrokerProcess.start(dir);
    return {
      async connect(options) {
        const broker = new LogBroker(new URL(running.address), { id: randomUUID(), ...options }, silentLogger);
        await broker.connect();
        return broker;
      },
      async kill(client) {
        if (client instanceof LogBroker) client.kill();
      },
      async killAndRestart() {
        await running.kill('SIGKILL');
        running = await BrokerProcess.start(dir);
      },
      async unreachable() {
        const address = new URL('log://127.0.0.1:9?token=secret');
        return new LogBroker(address, { id: randomUUID() }, silentLogger);
      },
      async stop() {
        await running.kill('SIGTERM');
        await remove();
      },
    };
  },
});
