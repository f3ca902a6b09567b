import { expect } from 'chai';
import type { Broker } from '../../../src/transport/index.js';
import type { Server } from './server.js';
import { eventually, rejection, type Stage } from './stage.js';

export function lifecycleSpecs(server: () => Server, stage: () => Stage): void {
  it('closes once, however often it is asked', async () => {
    const broker = await stage().connect();
    expect(broker.status).to.equal('open');
    await Promise.all([broker.close(), broker.close()]);
    await broker.close();
    expect(broker.status).to.equal('closed');
  });

  it('close() lets what is in hand finish', async () => {
    const closing = await stage().connect({ slot: 'closing.0' });
    const inqueue = await stage().inqueue(closing);
    const inbox = await stage().hold(closing, inqueue);
    await closing.send('inqueue', inqueue, { data: 'in hand' });
    const held = await inbox.next();
    const closed = closing.close({ graceMs: 8000 });
    held.settle();
    await closed;
    const heir = await stage().connect({ slot: 'closing.0' });
    await heir.declare('inqueue', inqueue);
    const rest = await stage().collect(heir, inqueue);
    await heir.send('inqueue', inqueue, { data: 'marker' });
    expect((await rest.next()).delivery.data).to.equal('marker');
  });

  it('close() leaves after its grace though a handler hangs; the delivery comes again', async () => {
    const closing = await stage().connect({ slot: 'hanging.0' });
    const inqueue = await stage().inqueue(closing);
    const inbox = await stage().hold(closing, inqueue);
    await closing.send('inqueue', inqueue, { data: 'hanging' });
    const held = await inbox.next();
    const beganMs = performance.now();
    await closing.close({ graceMs: 100 });
    expect(performance.now() - beganMs).to.be.lessThan(3000);
    held.settle();
    const heir = await stage().connect({ slot: 'hanging.0' });
    await heir.declare('inqueue', inqueue);
    const rest = await stage().collect(heir, inqueue);
    expect((await rest.next()).delivery).to.deep.include({ data: 'hanging', redelivered: true });
  });

  const body = Buffer.from('x');
  const calls: Readonly<Record<string, (broker: Broker, stage: Stage) => Promise<unknown>>> = {
    connect: (broker) => broker.connect(),
    declare: (broker, on) => broker.declare('inqueue', on.name()),
    send: (broker, on) => broker.send('outqueue', on.name(), { data: 1 }),
    consume: (broker, on) => broker.consume(on.name(), async () => ({ verdict: 'ack', outputs: [] })),
    notify: (broker, on) => broker.notify({ name: on.name(), body }),
    watch: (broker, on) => broker.watch(on.name(), () => undefined),
    bind: (broker, on) => broker.bind({ kind: 'pubsub', source: on.name(), target: on.name() }),
    unbind: (broker, on) => broker.unbind({ kind: 'pubsub', source: on.name(), target: on.name() }),
    bindings: (broker) => broker.bindings(),
    tap: (broker, on) => broker.tap(on.name(), () => undefined),
    visitDeadLetters: (broker, on) => broker.visitDeadLetters(on.name(), async () => 'keep'),
    losses: (broker) => broker.losses(() => undefined),
  };
  for (const [call, act] of Object.entries(calls)) {
    it(`${call}() after close() rejects: MSGFLO_NOT_CONNECTED`, async () => {
      const broker = await stage().connect();
      await broker.close();
      await rejection(act(broker, stage()), 'MSGFLO_NOT_CONNECTED');
    });
  }

  it('depths() after close() rejects: MSGFLO_NOT_CONNECTED, or MSGFLO_UNSUPPORTED as before', async () => {
    const broker = await stage().connect();
    await broker.close();
    const code = broker.capabilities.depths ? 'MSGFLO_NOT_CONNECTED' : 'MSGFLO_UNSUPPORTED';
    await rejection(broker.depths([]), code);
  });

  it('connect() goes on trying until its signal aborts: MSGFLO_BROKER_UNREACHABLE', async function () {
    const unreachable = await server().unreachable?.();
    if (!unreachable) return this.skip();
    const broker = stage().adopt(unreachable);
    const beganMs = performance.now();
    const error = await rejection(broker.connect({ signal: AbortSignal.timeout(300) }), 'MSGFLO_BROKER_UNREACHABLE');
    expect(performance.now() - beganMs).to.be.within(250, 5000);
    expect(error.message).not.to.match(/secret/);
  });

  describe('when the broker was killed and has come back', () => {
    it('restores queues, consumers and edges, and repeats what was not confirmed', async function () {
      const { killAndRestart } = server();
      if (!killAndRestart) return this.skip();
      this.timeout(60_000);
      const [sender, consumer] = [await stage().connect(), await stage().connect({ slot: 'restart.0' })];
      const [source, target] = [await stage().outqueue(sender), await stage().inqueue(consumer)];
      const inbox = await stage().collect(consumer, target, { prefetch: 10 });
      await stage().connectEdge(consumer, inbox.consumer, source, target);
      await sender.send('outqueue', source, { data: 'before' }, { mandatory: true });
      await inbox.next();
      const restarted = killAndRestart();
      await eventually(() => sender.status === 'reconnecting', 'the loss to be noticed', 20_000);
      const sending = sender.send('inqueue', target, { data: 'meanwhile' });
      await restarted;
      await sending.catch(() => undefined);
      // Each client comes back in its own time: what is sent before the edge is there again goes nowhere.
      await eventually(
        async () => {
          await sender.send('outqueue', source, { data: 'after' });
          return inbox.data.includes('after');
        },
        'a message over the restored edge',
        30_000,
      );
      await eventually(() => sender.status === 'open' && consumer.status === 'open', 'both to be open', 20_000);
      expect(sender.reconnects).to.be.at.least(1);
      if (consumer.capabilities.persistent && consumer.capabilities.binds) {
        await eventually(() => inbox.data.includes('meanwhile'), 'the repeated message');
      }
    });

    it('restores watches', async function () {
      const { killAndRestart } = server();
      if (!killAndRestart) return this.skip();
      this.timeout(60_000);
      const broker = await stage().connect();
      const name = stage().name('watched');
      const seen: string[] = [];
      await broker.watch(name, (text) => seen.push(text.toString()));
      await killAndRestart();
      await eventually(
        async () => {
          await broker.notify({ name, body: Buffer.from('after') });
          return seen.includes('after');
        },
        'the notice',
        30_000,
      );
    });

    it('delivers what was not settled before, where messages outlive the broker', async function () {
      const { killAndRestart } = server();
      const broker = await stage().connect({ slot: 'survivor.0' });
      if (!killAndRestart || !broker.capabilities.persistent) return this.skip();
      this.timeout(60_000);
      const inqueue = await stage().inqueue(broker);
      const inbox = await stage().hold(broker, inqueue);
      await broker.send('inqueue', inqueue, { data: 'survivor' });
      const first = await inbox.next();
      await killAndRestart();
      const again = await eventually(() => inbox.all[1], 'the delivery to come again', 30_000);
      expect(again.delivery).to.deep.include({ data: 'survivor', redelivered: true });
      first.settle();
      again.settle();
      // A broker may know what was in hand and not the subscription, until that is restored.
      await eventually(() => broker.status === 'open', 'it to be open');
      await broker.send('inqueue', inqueue, { data: 'marker' });
      const marker = await eventually(() => inbox.all[2], 'the marker');
      expect(marker.delivery.data, 'a late settlement settles nothing else').to.equal('marker');
    });
  });
}
