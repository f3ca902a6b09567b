import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import type { QueueName } from '../../../src/names.js';
import type { Logger } from '../../../src/support/index.js';
import { silentLogger } from '../../../src/support/index.js';
import type { Broker, ClientOptions, Handler } from '../../../src/transport/index.js';
import { MqttBroker } from '../../../src/transport/mqtt/broker.js';
import { killed } from '../../support/child-process.js';
import { type Mosquitto, startMosquitto } from '../../support/mosquitto.js';
import { hanging } from './hanging.js';
import { eventually, Opened, Received, unique } from './harness.js';

const DEFAULTS = {
  config: ['max_queued_messages 1000', 'sys_interval 1', 'autosave_on_changes false', 'autosave_interval 60'],
};
const MANY = 3000;

describe('mqtt flow on a broker that drops what a slow reader leaves', function () {
  this.timeout(60_000);
  const opened = new Opened();
  let mosquitto: Mosquitto;
  before(async () => {
    mosquitto = await startMosquitto(DEFAULTS);
  });
  after(() => mosquitto.stop());
  afterEach(() => opened.closeAll());

  /** Settles nothing until it is opened. */
  async function gated(outs: readonly QueueName[], inqueue: QueueName, options: Partial<ClientOptions> = {}) {
    const client = await opened.client(mosquitto.url, { slot: unique('slot'), ...options });
    const received = new Received();
    let open = (): void => undefined;
    const isOpen = new Promise<void>((resolve) => {
      open = resolve;
    });
    const handler: Handler = async (delivery) => {
      await isOpen;
      return received.handler(delivery);
    };
    const consumer = await client.consume(inqueue, handler, { prefetch: 4 });
    await consumer.listenTo(outs);
    return { client, received, consumer, open };
  }

  /** Sends them as fast as they are taken; `confirmed` is how many the broker has so far. */
  function sendAll(source: Broker, out: QueueName, from: number, count: number) {
    const progress = { confirmed: 0, done: Promise.resolve() as Promise<unknown> };
    progress.done = Promise.all(
      Array.from({ length: count }, async (_, n) => {
        await source.send('outqueue', out, { data: from + n });
        progress.confirmed += 1;
      }),
    );
    return progress;
  }

  it('loses what is sent too fast where nothing holds the source back, and says so', async () => {
    const [out, inqueue] = [unique('out'), unique('in')];
    const source = await opened.client(mosquitto.url);
    const told: [string, number | undefined][] = [];
    await source.losses((text, messages) => told.push([text, messages]));
    const { received, open } = await gated([out], inqueue);
    await sendAll(source, out, 0, 3500).done;
    open();
    const dropped = (): number => told.reduce((sum, [, messages = 0]) => sum + messages, 0);
    await eventually(() => dropped() > 1000);
    expect(told[0]?.[0]).to.match(/^the broker has dropped \d+ messages: .*max_queued_messages/);
    await received.until(3500 - dropped());
    expect(received.distinct.size).to.be.below(2500);
  });

  it('loses nothing: the source is held back', async () => {
    const [out, inqueue] = [unique('out'), unique('in')];
    const source = await opened.client(mosquitto.url);
    const { received, open } = await gated([out], inqueue);
    await source.flowTo(out, [inqueue]);
    const sending = sendAll(source, out, 0, MANY);
    await stopped(() => sending.confirmed);
    expect(sending.confirmed).to.be.within(8, 900);
    open();
    await sending.done;
    await received.until(MANY, 20_000);
    expect(received.deliveries).to.have.length(MANY);
  });

  it('waits for the slower of two targets, and for it no more once it has left for good', async () => {
    const [out, quick, lame] = [unique('out'), unique('quick'), unique('lame')];
    const source = await opened.client(mosquitto.url);
    const one = await gated([out], quick);
    const two = await gated([out], lame);
    one.open();
    await source.flowTo(out, [quick, lame]);
    const sending = sendAll(source, out, 0, 2000);
    await stopped(() => sending.confirmed);
    expect(sending.confirmed).to.be.at.least(8);
    await one.received.until(sending.confirmed);
    expect(sending.confirmed).to.be.below(1000);
    await two.consumer.listenTo([]);
    await source.flowTo(out, [quick]);
    await sending.done;
    await one.received.until(2000);
  });

  it('shares what a session may hold among several sources', async () => {
    const inqueue = unique('in');
    const outs = Array.from({ length: 6 }, () => unique('out'));
    const { received, open } = await gated(outs, inqueue);
    const sendings = await Promise.all(
      outs.map(async (out, n) => {
        const source = await opened.client(mosquitto.url);
        await source.flowTo(out, [inqueue]);
        return sendAll(source, out, n * 1000, 300);
      }),
    );
    const confirmed = (): number => sendings.reduce((sum, sending) => sum + sending.confirmed, 0);
    await stopped(confirmed);
    expect(confirmed()).to.be.within(48, 1000);
    open();
    await Promise.all(sendings.map(({ done }) => done));
    await received.until(1800, 20_000);
  });

  it('loses nothing where many sources begin before anything is settled', async () => {
    const inqueue = unique('in');
    const outs = Array.from({ length: 60 }, () => unique('out'));
    const { received, open } = await gated(outs, inqueue);
    const source = await opened.client(mosquitto.url);
    await Promise.all(outs.map((out) => source.flowTo(out, [inqueue])));
    const sendings = outs.map((out, n) => sendAll(source, out, n * 100, 25));
    const confirmed = (): number => sendings.reduce((sum, sending) => sum + sending.confirmed, 0);
    await stopped(confirmed);
    expect(confirmed()).to.be.below(1000);
    open();
    await Promise.all(sendings.map(({ done }) => done));
    await received.until(60 * 25, 20_000);
  });

  it('has as much room as before for what came back unrouted', async function () {
    // Those that took room would make the others wait for 5 s.
    this.timeout(4000);
    const [out, inqueue] = [unique('out'), unique('in')];
    const source = await opened.client(mosquitto.url);
    await source.flowTo(out, [inqueue]);
    const codes = await Promise.all(
      Array.from({ length: 30 }, (_, data) =>
        source.send('outqueue', out, { data }, { mandatory: true }).catch((error) => error.code),
      ),
    );
    expect(new Set(codes)).to.deep.equal(new Set(['MSGFLO_UNROUTED']));
  });

  it('goes on at once when a target that was killed is started again, and nothing is lost', async () => {
    const [out, inqueue, slot] = [unique('out'), unique('in'), unique('slot')];
    const source = await opened.client(mosquitto.url);
    const child = await hanging(opened, mosquitto.url, inqueue, slot, 'certain', out);
    await source.flowTo(out, [inqueue]);
    const sending = sendAll(source, out, 0, 2000);
    await stopped(() => sending.confirmed);
    expect(sending.confirmed).to.be.within(8, 1000);
    await killed(child);
    await stopped(() => sending.confirmed);
    expect(sending.confirmed, 'while it is dead').to.be.below(1000);
    const { received, open } = await gated([out], inqueue, { slot });
    open();
    await sending.done;
    await received.until(2000, 20_000);
  });

  it('is not stuck for ever by what a killed target had settled and not told', async () => {
    const [out, inqueue, slot] = [unique('out'), unique('in'), unique('slot')];
    const source = await opened.client(mosquitto.url);
    await source.flowTo(out, [inqueue]);
    let total = 0;
    for (let turn = 0; turn < 2; turn += 1) {
      const target = await gated([out], inqueue, { slot });
      target.open();
      const sending = sendAll(source, out, total, 1200);
      await target.received.until(700 + turn * 30);
      expect(target.client).to.be.instanceOf(MqttBroker);
      if (target.client instanceof MqttBroker) target.client.kill();
      const next = await gated([out], inqueue, { slot });
      next.open();
      await sending.done;
      total += 1200;
      await eventually(() => next.received.data.includes(total - 1));
      await next.client.close();
    }
  });

  it('asks how things stand once it is connected again, for it missed what was told', async () => {
    const [out, inqueue] = [unique('out'), unique('in')];
    const source = await opened.client(mosquitto.url);
    await source.flowTo(out, [inqueue]);
    const { received, open } = await gated([out], inqueue);
    open();
    const sending = sendAll(source, out, 0, 1500);
    await received.until(300);
    await mosquitto.save();
    await mosquitto.kill();
    await mosquitto.restart();
    await sending.done;
    await sendAll(source, out, 1500, 1000).done;
    await eventually(() => received.data.includes(2499), 20_000);
  });

  it('does not wait for who never tells, and says so once', async () => {
    const [out, inqueue] = [unique('out'), unique('in')];
    const warnings: string[] = [];
    const log: Logger = {
      ...silentLogger,
      warn: (text) => warnings.push(text),
      warnOnce: (_, text) => warnings.push(text),
    };
    const source = await opened.client(mosquitto.url, {}, log);
    const old = await opened.client(mosquitto.url);
    const seen: unknown[] = [];
    await old.tap(out, ({ data }) => seen.push(data));
    await source.flowTo(out, [inqueue]);
    await sendAll(source, out, 0, 500).done;
    await eventually(() => seen.length === 500);
    expect(warnings).to.have.length(1);
    expect(warnings[0]).to.include(inqueue).and.include('does not tell');
  });

  it('lets those go that wait when the client closes: MSGFLO_NOT_CONNECTED', async () => {
    const [out, inqueue] = [unique('out'), unique('in')];
    const source = await opened.client(mosquitto.url);
    await gated([out], inqueue);
    await source.flowTo(out, [inqueue]);
    const outcomes = Promise.allSettled(
      Array.from({ length: 2000 }, (_, data) => source.send('outqueue', out, { data })),
    );
    await delay(100);
    await source.close();
    const refused = (await outcomes).filter((outcome) => outcome.status === 'rejected');
    expect(refused.length).to.be.above(1000);
    expect(refused[0]?.reason).to.have.property('code', 'MSGFLO_NOT_CONNECTED');
  });
});

/** Waits until a figure has not changed for 200 ms. */
async function stopped(figure: () => number): Promise<void> {
  for (let last = -1; last !== figure(); ) {
    last = figure();
    await delay(200);
  }
}
