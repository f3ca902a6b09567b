import { randomUUID } from 'node:crypto';
import { silentLogger } from '../../src/support/index.js';
import { openAmqp } from '../../src/transport/amqp/index.js';
import { startRabbit } from '../support/rabbitmq.js';
import { describeTransport } from './conformance.js';

describeTransport('amqp', {
  async start() {
    const rabbit = await startRabbit();
    return {
      async connect(options) {
        const broker = await openAmqp(new URL(rabbit.url), { id: randomUUID(), ...options }, silentLogger);
        await broker.connect();
        return broker;
      },
      async killAndRestart() {
        await rabbit.kill();
        await rabbit.restart();
      },
      unreachable: () => openAmqp(new URL('amqp://somebody:secret@127.0.0.1:1'), { id: randomUUID() }, silentLogger),
      stop: () => rabbit.stop(),
    };
  },
});
