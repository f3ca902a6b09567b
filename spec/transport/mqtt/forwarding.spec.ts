import { expect } from 'chai';
import { type Logger, silentLogger } from '../../../src/support/index.js';
import type { Binding } from '../../../src/transport/index.js';
import { startMosquitto } from '../../support/mosquitto.js';
import { Opened, Received, unique } from './harness.js';

describe('what the router forwards and nobody takes', () => {
  const opened = new Opened();
  afterEach(() => opened.closeAll());
  const newBinding = (): Binding => ({ kind: 'pubsub', source: unique('out'), target: unique('in') });

  it('is held while a target is on its way back after a restart of the broker', async () => {
    const mosquitto = await startMosquitto();
    opened.later(() => mosquitto.stop());
    await opened.router(mosquitto.url);
    const client = await opened.client(mosquitto.url);
    const binding = newBinding();
    const slot = unique('slot');
    const [before, after] = [new Received(), new Received()];
    const target = await opened.client(mosquitto.url, { slot });
    await target.consume(binding.target, before.handler);
    await client.bind(binding);
    await client.send('outqueue', binding.source, { data: 0 }, { mandatory: true });
    await before.until(1);
    await target.close();
    await mosquitto.kill('SIGTERM');
    await mosquitto.restart();
    for (const data of [1, 2, 3]) await client.send('outqueue', binding.source, { data }, { mandatory: true });
    const back = await opened.client(mosquitto.url, { slot });
    await back.consume(binding.target, after.handler);
    await after.until(3);
    expect(after.data).to.have.members([1, 2, 3]);
  });

  it('is dropped, which is said, when a target stays away, and other targets do not wait any longer', async () => {
    const mosquitto = await startMosquitto();
    opened.later(() => mosquitto.stop());
    const said: string[] = [];
    const log: Logger = { ...silentLogger, warnOnce: (_key, text) => void said.push(text) };
    await opened.router(mosquitto.url, { log, patienceMs: 300 });
    const client = await opened.client(mosquitto.url);
    const binding = newBinding();
    const alsoTo = { ...binding, target: unique('there') };
    const received = new Received();
    await client.consume(alsoTo.target, received.handler, { prefetch: 10 });
    await client.bind(binding);
    await client.bind(alsoTo);
    await client.send('outqueue', binding.source, { data: 1 }, { mandatory: true });
    await received.until(1);
    while (said.length === 0) await new Promise((after) => setTimeout(after, 10));
    expect(said[0]).to.contain(`nobody is subscribed to '${binding.target}'`);
    const device = new Received();
    await client.consume(binding.target, device.handler);
    await client.send('outqueue', binding.source, { data: 2 }, { mandatory: true });
    await device.until(1);
    expect(device.data).to.deep.equal([2]);
  });
});
