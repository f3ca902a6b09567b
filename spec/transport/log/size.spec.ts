import { expect } from 'chai';
import { EmbeddedBroker } from '../../../src/embedded/index.js';
import { asQueueName } from '../../../src/names.js';
import { silentLogger } from '../../../src/support/index.js';
import { type Delivery, deadLetterQueue } from '../../../src/transport/index.js';
import { LogBroker } from '../../../src/transport/log/index.js';
import { freshDir } from '../../embedded/broker-process.js';
import { rejection } from '../conformance/stage.js';

const MIB = 1024 * 1024;
const MOST_BYTES = 62 * MIB;
const QUEUE = asQueueName('large.IN');

describe('sizes of messages on the log', function () {
  this.timeout(20_000);
  let node: EmbeddedBroker;
  let client: LogBroker;
  let remove: () => Promise<void>;

  beforeEach(async () => {
    const fresh = await freshDir();
    remove = fresh.remove;
    node = await EmbeddedBroker.listen({ dir: fresh.dir, log: silentLogger });
    client = new LogBroker(new URL(`${node.address}?start=false`), { id: 'sizes' }, silentLogger);
    await client.connect();
    await client.declare('inqueue', QUEUE);
  });
  afterEach(async () => {
    await client.close();
    await node.stop();
    await remove();
  });

  it('counts a text as it is written', async () => {
    const text = 'x'.repeat(30 * MIB);
    await client.send('inqueue', QUEUE, { data: { text } });
    const { data } = await new Promise<Delivery>((resolve) => {
      void client.consume(QUEUE, async (delivery) => {
        resolve(delivery);
        return { verdict: 'ack', outputs: [] };
      });
    });
    expect((data as { text: string }).text).to.have.length(text.length);
  });

  it('refuses what is too large with the limit, and the connection goes on', async () => {
    const data = Buffer.alloc(MOST_BYTES);
    const { message } = await rejection(client.send('inqueue', QUEUE, { data }), 'MSGFLO_REFUSED');
    expect(message).to.include(String(MOST_BYTES));
    await client.send('inqueue', QUEUE, { data: 'small' });
  });

  it('makes a dead letter of the largest there can be', async () => {
    await client.send('inqueue', QUEUE, { data: Buffer.alloc(MOST_BYTES - 1000) });
    await new Promise<void>((resolve) => {
      void client.consume(QUEUE, async () => ({
        ...{ verdict: { deadLetter: 'x'.repeat(5000) }, outputs: [] },
        settled: () => resolve(),
      }));
    });
    const [depth] = await client.depths([deadLetterQueue(QUEUE)]);
    expect(depth?.ready).to.equal(1);
  });
});
