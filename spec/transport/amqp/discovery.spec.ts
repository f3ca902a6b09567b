import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import type { Broker } from '../../../src/transport/index.js';
import { eventually } from '../conformance/stage.js';
import { AmqpStage, replyCode } from './stage.js';

describe('notices on an AMQP broker', () => {
  const stage = AmqpStage.onSharedServer();

  async function watched(broker: Broker, name: string): Promise<string[]> {
    const texts: string[] = [];
    await broker.watch(name, (body) => texts.push(body.toString()));
    return texts;
  }

  it('passes announcements in the queue fbp on to every coordinator, whatever else is in it', async () => {
    const old = await stage.bare();
    await old.assertQueue('fbp');
    const mark = randomUUID();
    const texts = [`not JSON ${mark}`, `{"stale": "${mark}"}`, `one ${mark}`, `two ${mark}`];
    for (const text of texts.slice(0, 2)) old.sendToQueue('fbp', Buffer.from(text));
    const coordinators = [await stage.connect(), await stage.connect()];
    const seen = await Promise.all(coordinators.map((coordinator) => watched(coordinator, 'fbp')));
    const heard = (text: string): boolean => seen.some((all) => all.includes(text));
    await eventually(() => texts.slice(0, 2).every(heard), 'what lay there before');
    for (const text of texts.slice(2)) old.sendToQueue('fbp', Buffer.from(text));
    for (const all of seen)
      await eventually(() => texts.slice(2).every((text) => all.includes(text)), 'both announcements');
    await eventually(async () => (await old.checkQueue('fbp')).messageCount === 0, 'the empty queue');
    for (const all of seen) expect(all.filter((text) => text === texts[3])).to.have.length(1);
  });

  it('lets ours announce on the durable fanout exchange fbp, beside which the queue stays empty', async () => {
    const [participant, coordinator, old] = [await stage.connect(), await stage.connect(), await stage.bare()];
    const seen = await watched(coordinator, 'fbp');
    const text = randomUUID();
    await participant.notify({ name: 'fbp', body: Buffer.from(text) });
    await eventually(() => seen.includes(text), 'the announcement');
    await old.assertExchange('fbp', 'fanout', { durable: true });
    expect((await old.checkQueue('fbp')).messageCount).to.equal(0);
  });

  it('shows a retained notice to many who begin to watch at once', async () => {
    const sender = await stage.connect();
    const name = stage.name('wiring');
    await sender.notify({ name, body: Buffer.from('kept'), retain: true });
    const clients = await Promise.all(Array.from({ length: 12 }, () => stage.connect()));
    const seen = await Promise.all(clients.map((client) => watched(client, name)));
    expect(seen).to.deep.equal(clients.map(() => ['kept']));
  });

  it('keeps the newest retained notice though an older one is put back after it', async () => {
    const [sender, old] = [await stage.connect(), await stage.bare()];
    const name = stage.name('wiring');
    await sender.notify({ name, body: Buffer.from('older'), retain: true });
    const looked = await old.get(`${name}.last`);
    await sender.notify({ name, body: Buffer.from('newer'), retain: true });
    if (looked) old.nack(looked, false, true);
    await old.checkQueue(`${name}.last`);
    expect(await watched(await stage.connect(), name)).to.deep.equal(['newer']);
  });

  it('removes the queue of a retained notice when it is cleared', async () => {
    const [sender, old] = [await stage.connect(), await stage.bare()];
    const name = stage.name('wiring');
    await sender.notify({ name, body: Buffer.from('1'), retain: true });
    await sender.notify({ name, body: Buffer.from('2'), retain: true });
    expect((await old.checkQueue(`${name}.last`)).messageCount).to.equal(1);
    await sender.notify({ name, body: Buffer.alloc(0), retain: true });
    expect(await replyCode(old.checkQueue(`${name}.last`))).to.equal(404);
  });
});
