import { expect } from 'chai';
import { connectAsync } from 'mqtt';
import type { QueueName } from '../../../src/names.js';
import { type Broker, HEADER } from '../../../src/transport/index.js';
import { MqttBroker } from '../../../src/transport/mqtt/broker.js';
import { keepingLogger } from '../../participant/network.js';
import { type Mosquitto, startMosquitto } from '../../support/mosquitto.js';
import { eventually, flood, Opened, unique } from './harness.js';

describe('mqtt visits to dead letters', function () {
  this.timeout(30_000);
  const opened = new Opened();
  let mosquitto: Mosquitto;
  before(async () => {
    mosquitto = await startMosquitto({
      config: ['max_queued_messages 1000', 'autosave_on_changes false', 'autosave_interval 60'],
    });
  });
  after(() => mosquitto.stop());
  afterEach(() => opened.closeAll());

  /** Whose inqueue makes a dead letter of everything. */
  async function grave(): Promise<{ client: Broker; queue: QueueName }> {
    const [client, queue] = [await opened.client(mosquitto.url), unique('grave')];
    await client.consume(queue, async () => ({ verdict: { deadLetter: 'why' }, outputs: [] }), { prefetch: 50 });
    return { client, queue };
  }

  const count = (broker: Broker, queue: QueueName): Promise<number> =>
    broker.visitDeadLetters(queue, async () => 'keep');

  it('of a second client are refused for as long as the first looks, or lives: MSGFLO_DEAD_LETTERS_BUSY', async () => {
    const { client, queue } = await grave();
    await client.send('inqueue', queue, { data: 1 });
    await eventually(async () => (await count(client, queue)) === 1);
    const first = await opened.client(mosquitto.url);
    let isLooking = false;
    const looking = first.visitDeadLetters(queue, () => {
      isLooking = true;
      return new Promise(() => undefined);
    });
    const outcome = looking.catch((error: unknown) => error);
    await eventually(() => isLooking);
    const refused = await count(client, queue).catch((error: unknown) => error);
    expect(refused).to.include({ code: 'MSGFLO_DEAD_LETTERS_BUSY', retryable: true });
    if (first instanceof MqttBroker) first.kill();
    expect(await outcome).to.have.property('code', 'MSGFLO_NOT_CONNECTED');
    await eventually(async () => (await count(client, queue).catch(() => 0)) === 1);
  });

  it('do not take away who was sent back and died again meanwhile', async () => {
    const { client, queue } = await grave();
    await client.send('inqueue', queue, { data: 1, headers: { [HEADER.messageId]: 'm' } });
    await eventually(async () => (await count(client, queue)) === 1);
    const other = await opened.client(mosquitto.url);
    let deaths = 0;
    await other.tap(`dead-${queue}` as QueueName, () => {
      deaths += 1;
    });
    await client.visitDeadLetters(queue, async ({ body, headers }) => {
      await client.send('inqueue', queue, { data: body, headers: { ...headers, [HEADER.redriven]: '1' } });
      await eventually(() => deaths === 1);
      return 'remove';
    });
    expect(await count(client, queue)).to.equal(1);
  });

  it('end, and say that there is more, where the broker drops what is too much for it', async () => {
    const [log, queue] = [keepingLogger(), unique('grave')];
    const client = await opened.client(mosquitto.url, {}, log);
    const programs = await connectAsync(mosquitto.url, { protocolVersion: 5 });
    opened.later(() => programs.endAsync(true));
    const many = 5000;
    await flood(many, async (n) => {
      await programs.publishAsync(`dead/${queue}/${n}`, 'x', { qos: 1, retain: true });
    });
    const seen = await count(client, queue);
    expect(seen).to.be.within(1000, many);
    if (seen < many) expect(log.lines.join()).to.contain(`may have more dead letters than these ${seen}`);
    let removed = 0;
    for (let last = -1; removed !== last; ) {
      last = removed;
      removed += await client.visitDeadLetters(queue, async () => 'remove');
    }
    expect(removed).to.equal(many);
  });

  it('see more than the broker sends at once, as those before them are removed', async () => {
    const { client, queue } = await grave();
    const many = 1500;
    await flood(many, (data) => client.send('inqueue', queue, { data }));
    const seen = new Set<string>();
    await eventually(async () => {
      await client.visitDeadLetters(queue, async ({ body }) => {
        seen.add(`${body}`);
        return 'remove';
      });
      return seen.size === many;
    });
    expect(await count(client, queue)).to.equal(0);
  });
});
