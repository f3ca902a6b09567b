import { randomUUID } from 'node:crypto';
import { connectAsync, type IPublishPacket } from 'mqtt';
import type { QueueName } from '../../src/names.js';
import { silentLogger } from '../../src/support/index.js';
import type { Delivery } from '../../src/transport/index.js';
import { decodePayload } from '../../src/transport/index.js';
import { MqttBroker } from '../../src/transport/mqtt/broker.js';
import { openMqtt, Router } from '../../src/transport/mqtt/index.js';
import { startMosquitto } from '../support/mosquitto.js';
import { describeTransport } from './conformance.js';

describeTransport('mqtt', {
  async start() {
    const mosquitto = await startMosquitto();
    const router = new Router({ address: new URL(mosquitto.url), log: silentLogger, heartbeatMs: 500 });
    await router.start();
    return {
      async connect(options) {
        const broker = await openMqtt(new URL(mosquitto.url), { id: randomUUID(), ...options }, silentLogger);
        await broker.connect();
        return broker;
      },
      async kill(client) {
        if (client instanceof MqttBroker) client.kill();
      },
      async killAndRestart() {
        await mosquitto.save();
        await mosquitto.kill();
        await mosquitto.restart();
      },
      unreachable: () => openMqtt(new URL('mqtt://somebody:secret@127.0.0.1:1'), { id: randomUUID() }, silentLogger),
      keptDeadLetters: (inqueue) => keptDeadLetters(mosquitto.url, inqueue),
      async stop() {
        await router.stop();
        await mosquitto.stop();
      },
    };
  },
});

async function keptDeadLetters(url: string, inqueue: QueueName): Promise<Pick<Delivery, 'data' | 'headers'>[]> {
  const client = await connectAsync(url, { protocolVersion: 5 });
  const kept: IPublishPacket[] = [];
  const marker = `dead/${inqueue}/end-${randomUUID()}`;
  const all = new Promise<void>((resolve) => {
    client.on('message', (topic, _payload, packet) => {
      if (topic === marker) resolve();
      else kept.push(packet);
    });
  });
  await client.subscribeAsync(`dead/${inqueue}/+`, { qos: 1 });
  await client.publishAsync(marker, '', { qos: 1 });
  await all;
  await client.endAsync();
  return kept.map(({ payload, properties }) => {
    const headers = Object.entries(properties?.userProperties ?? {}).map(([key, value]) => [key, String(value)]);
    return { data: decodePayload(Buffer.from(payload)), headers: Object.fromEntries(headers) };
  });
}
