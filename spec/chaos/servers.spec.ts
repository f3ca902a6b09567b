import { expect } from 'chai';
import mqtt from 'mqtt';
import { type ChaosServer, startServer } from './servers.js';

describe('what is left in Mosquitto after a chaos run', function () {
  this.timeout(15_000);
  let server: ChaosServer;
  before(async () => {
    server = await startServer('mqtt');
  });
  after(() => server.stop());

  it('is what waits in the sessions of participants, and the dead letters, also after a restart', async () => {
    expect(await server.remains()).to.deep.equal({ waiting: 0, where: [], deadLetters: 0 });
    const session = { sessionExpiryInterval: 3600 };
    const options = { clientId: 'msgflo-two.1', clean: false, protocolVersion: 5, properties: session } as const;
    const participant = await mqtt.connectAsync(server.url, options);
    await participant.subscribeAsync('some/topic', { qos: 1 });
    await participant.endAsync();
    const sender = await mqtt.connectAsync(server.url);
    for (const n of ['1', '2', '3']) await sender.publishAsync('some/topic', n, { qos: 1 });
    await sender.publishAsync('dead/two.IN/x', 'it', { qos: 1, retain: true });
    await sender.endAsync();
    await server.takeDown();
    await server.bringBack();
    expect(await server.remains()).to.deep.equal({ waiting: 3, where: ['msgflo-two.1: some/topic'], deadLetters: 1 });
  });
});
