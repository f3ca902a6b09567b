import { expect } from 'chai';
import {
  type Broker,
  type Capabilities,
  decodePayload,
  HEADER,
  type QueueOptions,
} from '../../../src/transport/index.js';
import { expectExpiry, TTL_MS } from './expiry.js';
import { sendAll } from './limits.js';
import type { Server } from './server.js';
import { eventually, rejection, type Stage } from './stage.js';

interface Option {
  readonly needs: keyof Capabilities;
  /** As it may be asked for, and otherwise. */
  readonly one: QueueOptions;
  readonly other: QueueOptions;
}

const OPTIONS: Readonly<Record<string, Option>> = {
  ttlMs: { needs: 'expiry', one: { ttlMs: 60_000 }, other: { ttlMs: 50_000 } },
  maxLength: { needs: 'limits', one: { maxLength: 10 }, other: { maxLength: 20 } },
  maxBytes: { needs: 'limits', one: { maxBytes: 1000 }, other: { maxBytes: 2000 } },
  quorum: { needs: 'queueArguments', one: { quorum: true }, other: {} },
  deliveryLimit: {
    needs: 'queueArguments',
    one: { quorum: true, deliveryLimit: 2 },
    other: { quorum: true, deliveryLimit: 3 },
  },
  maxPriority: { needs: 'queueArguments', one: { maxPriority: 5 }, other: { maxPriority: 9 } },
  arguments: {
    needs: 'queueArguments',
    one: { arguments: { 'x-single-active-consumer': true } },
    other: { arguments: { 'x-single-active-consumer': false } },
  },
};

const NUMBERS = ['ttlMs', 'maxLength', 'maxBytes', 'deliveryLimit', 'maxPriority'] as const;
const WRONG_NUMBERS = [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 41];

export function queueOptionSpecs(server: () => Server, stage: () => Stage): void {
  for (const [option, { needs, one, other }] of Object.entries(OPTIONS)) {
    it(`take ${option}, as often as asked, and work; or refuse it: MSGFLO_UNSUPPORTED`, async () => {
      const [broker, second] = [await stage().connect(), await stage().connect()];
      const declaring = stage().inqueue(broker, one);
      if (!broker.capabilities[needs]) return void (await rejection(declaring, 'MSGFLO_UNSUPPORTED'));
      const inqueue = await declaring;
      await broker.declare('inqueue', inqueue, one);
      await second.declare('inqueue', inqueue, one);
      const inbox = await stage().collect(broker, inqueue);
      await second.send('inqueue', inqueue, { data: 1 });
      expect((await inbox.next()).delivery.data).to.equal(1);
    });

    it(`refuse another ${option} than there is, where the broker can tell: MSGFLO_QUEUE_MISMATCH`, async function () {
      const [broker, second] = [await stage().connect(), await stage().connect()];
      if (!broker.capabilities[needs] || !broker.capabilities.binds) return this.skip();
      const inqueue = await stage().inqueue(broker, one);
      const error = await rejection(second.declare('inqueue', inqueue, other), 'MSGFLO_QUEUE_MISMATCH');
      expect(error).to.include({ queue: inqueue, retryable: false });
      const inbox = await stage().collect(broker, inqueue);
      await second.send('inqueue', inqueue, { data: 'unharmed' });
      expect((await inbox.next()).delivery.data).to.equal('unharmed');
    });
  }

  it('are whole numbers within reason: RangeError', async () => {
    const broker = await stage().connect();
    for (const option of NUMBERS) {
      const needs = OPTIONS[option]?.needs;
      if (needs === undefined || !broker.capabilities[needs]) continue;
      for (const value of WRONG_NUMBERS) {
        const outcome = await stage()
          .inqueue(broker, { [option]: value })
          .catch((error: unknown) => error);
        expect(outcome, `${option} ${value}`).to.be.instanceOf(RangeError);
      }
    }
  });

  it('are for queues that hold something: TypeError for an outqueue', async () => {
    const broker = await stage().connect();
    for (const [option, { one }] of Object.entries(OPTIONS)) {
      const outcome = await broker.declare('outqueue', stage().name(), one).catch((error: unknown) => error);
      expect(outcome, option).to.be.instanceOf(TypeError);
    }
  });

  it('outlive a broker that was killed and has come back', async function () {
    const { killAndRestart } = server();
    const broker = await stage().connect({ slot: 'options.0' });
    const { expiry, limits } = broker.capabilities;
    if (!killAndRestart || !(expiry || limits)) return this.skip();
    this.timeout(60_000);
    const passing = expiry ? await stage().inqueue(broker, { ttlMs: TTL_MS }) : undefined;
    const bounded = limits ? await stage().inqueue(broker, { maxLength: 1 }) : undefined;
    await killAndRestart();
    await eventually(() => cameBack(broker), 'it to be back', 30_000);
    if (passing) await expectExpiry(stage(), broker, passing);
    if (!bounded) return;
    const { taken, all } = sendAll(broker, bounded, [1, 2, 3]);
    await eventually(() => taken.length > 0, 'the first');
    await stage().pass(broker);
    expect(taken).to.deep.equal([1]);
    const inbox = await stage().collect(broker, bounded);
    await all;
    for (const data of [1, 2, 3]) expect((await inbox.next()).delivery.data).to.equal(data);
  });

  async function cameBack(broker: Broker): Promise<boolean> {
    await stage().pass(broker);
    return broker.status === 'open';
  }

  it('make a dead letter of what was given back too often', async function () {
    const broker = await stage().connect();
    if (!broker.capabilities.queueArguments) return this.skip();
    const inqueue = await stage().inqueue(broker, { quorum: true, deliveryLimit: 2 });
    await broker.consume(inqueue, async () => ({ verdict: 'requeue', outputs: [] }));
    await broker.send('inqueue', inqueue, { data: 'poison' });
    const reasons: unknown[] = [];
    await eventually(
      async () => {
        await broker.visitDeadLetters(inqueue, async ({ headers, body }) => {
          reasons.push([decodePayload(body), headers[HEADER.deadReason], headers[HEADER.deadQueue]]);
          return 'keep';
        });
        return reasons.length > 0;
      },
      'the dead letter',
      15_000,
    );
    expect(reasons).to.deep.equal([['poison', 'delivery_limit', inqueue]]);
  });

  it('deliver first what has the higher priority', async function () {
    const broker = await stage().connect();
    if (!broker.capabilities.queueArguments) return this.skip();
    const inqueue = await stage().inqueue(broker, { maxPriority: 9 });
    for (const priority of ['0', '1', '9', '5'])
      await broker.send('inqueue', inqueue, { data: priority, headers: { [HEADER.priority]: priority } });
    await broker.send('inqueue', inqueue, { data: 'none' });
    const inbox = await stage().collect(broker, inqueue);
    await eventually(() => inbox.all.length === 5, 'all deliveries');
    expect(inbox.data).to.deep.equal(['9', '5', '1', '0', 'none']);
  });
}
