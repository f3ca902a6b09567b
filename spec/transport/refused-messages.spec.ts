import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { EmbeddedBroker } from '../../src/embedded/index.js';
import { asQueueName } from '../../src/names.js';
import { silentLogger } from '../../src/support/index.js';
import { openDirect } from '../../src/transport/direct/index.js';
import { type Broker, HEADER } from '../../src/transport/index.js';
import { LogBroker } from '../../src/transport/log/index.js';
import { freshDir } from '../embedded/broker-process.js';
import { eventually, rejection } from './conformance/stage.js';

/** No log has a topic of such a name. */
const TOO_LONG = asQueueName('x'.repeat(300));

describe('what no log takes', () => {
  let clients: Broker[];
  let closing: (() => Promise<void>)[];
  beforeEach(async () => {
    const { dir, remove } = await freshDir();
    const node = await EmbeddedBroker.listen({ dir, log: silentLogger });
    const direct = await openDirect()(new URL('direct://refused'), { id: randomUUID() }, silentLogger);
    clients = [new LogBroker(new URL(node.address), { id: 'refused' }, silentLogger), direct];
    await Promise.all(clients.map((client) => client.connect()));
    closing = [() => node.stop(), remove];
  });
  afterEach(async () => {
    for (const client of clients) await client.close({ graceMs: 0 });
    for (const close of closing) await close();
  });

  it('is refused to who sends it, and makes a dead letter of what came to it', async () => {
    for (const client of clients) {
      const { message } = await rejection(client.send('outqueue', TOO_LONG, { data: 1 }), 'MSGFLO_REFUSED');
      expect(message).to.match(/1 to 200 characters/);
      const inqueue = asQueueName('in');
      await client.declare('inqueue', inqueue);
      await client.consume(inqueue, async () => ({ verdict: 'ack', outputs: [{ outqueue: TOO_LONG, data: 1 }] }));
      await client.send('inqueue', inqueue, { data: 'whole' });
      const reasons: (string | undefined)[] = [];
      await eventually(async () => {
        await client.visitDeadLetters(inqueue, async ({ headers }) => {
          reasons.push(headers[HEADER.deadReason]);
          return 'keep';
        });
        return reasons.length > 0;
      }, 'the dead letter');
      expect(reasons[0]).to.match(/1 to 200 characters/);
      expect((await client.depths([inqueue]))[0]).to.include({ ready: 0, unacked: 0 });
    }
  });
});
