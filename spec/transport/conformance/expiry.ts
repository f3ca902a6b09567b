import { expect } from 'chai';
import type { QueueName } from '../../../src/names.js';
import { type Broker, decodePayload, HEADER, type KeptLetter } from '../../../src/transport/index.js';
import { eventually, rejection, type Stage } from './stage.js';

/** Long enough that what is young is handed over in time on a busy machine. */
export const TTL_MS = 700;

/**
 * Expects of a queue with TTL_MS, of which the client takes one at a time, that it delivers what is young and makes a dead
 * letter of what waited too long.
 */
export async function expectExpiry(stage: Stage, broker: Broker, inqueue: QueueName): Promise<void> {
  const inbox = await stage.hold(broker, inqueue, { prefetch: 1 });
  await broker.send('inqueue', inqueue, { data: 'in hand' });
  const held = await inbox.next();
  await broker.send('inqueue', inqueue, { data: 'old', headers: { colour: 'red' } });
  const sentMs = performance.now();
  await eventually(() => performance.now() - sentMs > TTL_MS + 50, 'the time to live');
  await broker.send('inqueue', inqueue, { data: 'young' });
  held.settle();
  const next = await inbox.next();
  expect(next.delivery.data, 'what came within its time').to.equal('young');
  next.settle();
  await expectLetter(broker, inqueue);
  expect(inbox.data).to.deep.equal(['in hand', 'young']);
  await inbox.consumer.cancel();
}

async function expectLetter(broker: Broker, inqueue: QueueName): Promise<void> {
  const letters: KeptLetter[] = [];
  await eventually(async () => {
    letters.length = 0;
    await broker.visitDeadLetters(inqueue, async (letter) => {
      letters.push(letter);
      return 'keep';
    });
    return letters.length > 0;
  }, 'the dead letter');
  expect(letters.map(({ body }) => decodePayload(body))).to.deep.equal(['old']);
  if (!broker.capabilities.headers) return;
  const headers = letters[0]?.headers ?? {};
  expect(headers).to.include({ colour: 'red', [HEADER.deadReason]: 'expired', [HEADER.deadQueue]: inqueue });
  expect(headers[HEADER.deadAt]).to.match(/^\d+$/);
}

export function expirySpecs(stage: () => Stage): void {
  it('become dead letters whose reason is "expired" and are not delivered, or are refused: MSGFLO_UNSUPPORTED', async () => {
    const broker = await stage().connect();
    const declaring = stage().inqueue(broker, { ttlMs: TTL_MS });
    if (!broker.capabilities.expiry) return void (await rejection(declaring, 'MSGFLO_UNSUPPORTED'));
    await expectExpiry(stage(), broker, await declaring);
  });

  it('become dead letters also while nobody consumes, where the broker has queues', async function () {
    const broker = await stage().connect();
    if (!broker.capabilities.expiry || !broker.capabilities.binds) return this.skip();
    const inqueue = await stage().inqueue(broker, { ttlMs: 400 });
    await broker.send('inqueue', inqueue, { data: 'old', headers: { colour: 'red' } });
    await expectLetter(broker, inqueue);
    const inbox = await stage().collect(broker, inqueue);
    await broker.send('inqueue', inqueue, { data: 'young' });
    expect((await inbox.next()).delivery.data).to.equal('young');
  });

  it('are delivered like any other where no time was given, or enough of it', async () => {
    const broker = await stage().connect();
    if (!broker.capabilities.expiry) return;
    const inqueue = await stage().inqueue(broker, { ttlMs: 600_000 });
    const inbox = await stage().collect(broker, inqueue);
    await broker.send('inqueue', inqueue, { data: 1 });
    expect((await inbox.next()).delivery.data).to.equal(1);
  });

  it('are not given up while a delivery of theirs is in hand', async () => {
    const broker = await stage().connect();
    if (!broker.capabilities.expiry) return;
    const inqueue = await stage().inqueue(broker, { ttlMs: 400 });
    const inbox = await stage().hold(broker, inqueue, { prefetch: 1 });
    await broker.send('inqueue', inqueue, { data: 'in hand' });
    const held = await inbox.next();
    const takenMs = performance.now();
    await eventually(() => performance.now() - takenMs > 450, 'the time to live');
    held.settle();
    await stage().pass(broker);
    expect(await broker.visitDeadLetters(inqueue, async () => 'keep')).to.equal(0);
    expect(inbox.data).to.deep.equal(['in hand']);
  });
}
