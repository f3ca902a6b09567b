import { expect } from 'chai';
import type { QueueName } from '../../../src/names.js';
import type { Binding, BindingKind, Broker } from '../../../src/transport/index.js';
import { eventually, type Inbox, rejection, type Stage } from './stage.js';

export function bindingSpecs(stage: () => Stage): void {
  /** Sends probes until one comes through: a router takes up a new route in its own time. */
  async function takesEffect(broker: Broker, source: QueueName, ...inboxes: Inbox[]): Promise<void> {
    if (broker.capabilities.binds) return;
    await eventually(async () => {
      await broker.send('outqueue', source, { data: 'probe' });
      return inboxes.every((inbox) => inbox.data.includes('probe'));
    }, 'the route');
    const last = `last probe ${performance.now()}`;
    await broker.send('outqueue', source, { data: last });
    await eventually(() => inboxes.every((inbox) => inbox.data.at(-1) === last), 'the probes to pass');
    for (const inbox of inboxes) inbox.skip();
  }

  for (const kind of ['pubsub', 'roundrobin'] satisfies BindingKind[]) {
    it(`carries messages over a ${kind} binding, lists it, and no longer once it is unbound`, async () => {
      const broker = await stage().connect();
      const [source, target, witness] = [
        await stage().outqueue(broker),
        await stage().inqueue(broker),
        await stage().inqueue(broker),
      ];
      const [inbox, seen] = [await stage().collect(broker, target), await stage().collect(broker, witness)];
      const binding: Binding = { kind, source, target };
      await broker.bind(binding);
      await broker.bind({ kind: 'pubsub', source, target: witness });
      await takesEffect(broker, source, inbox, seen);
      expect(await broker.bindings()).to.deep.include(binding);
      await broker.send('outqueue', source, { data: 'bound' });
      expect((await inbox.next()).delivery.data).to.equal('bound');
      expect((await seen.next()).delivery.data).to.equal('bound');
      await broker.unbind(binding);
      await broker.unbind(binding);
      if (!broker.capabilities.binds) await takesEffect(broker, source, seen);
      expect(await broker.bindings()).not.to.deep.include(binding);
      await broker.send('outqueue', source, { data: 'unbound' });
      expect((await seen.next()).delivery.data).to.equal('unbound');
      await broker.send('inqueue', target, { data: 'marker' });
      await eventually(() => inbox.data.includes('marker'), 'the marker');
      expect(inbox.data).not.to.include('unbound');
    });
  }

  it('delivers once what is bound twice', async () => {
    const broker = await stage().connect();
    const [source, target] = [await stage().outqueue(broker), await stage().inqueue(broker)];
    const inbox = await stage().collect(broker, target);
    const binding: Binding = { kind: 'pubsub', source, target };
    await broker.bind(binding);
    await broker.bind(binding);
    await takesEffect(broker, source, inbox);
    await broker.send('outqueue', source, { data: 'once' });
    expect((await inbox.next()).delivery.data).to.equal('once');
    await broker.send('inqueue', target, { data: 'marker' });
    expect((await inbox.next()).delivery.data).to.equal('marker');
  });

  it('refuses to bind queues that do not exist, where the broker can tell: MSGFLO_QUEUE_NOT_FOUND', async () => {
    const broker = await stage().connect();
    const [source, target] = [await stage().outqueue(broker), await stage().inqueue(broker)];
    const inbox = await stage().collect(broker, target);
    if (!broker.capabilities.binds) return;
    const missing = stage().name('missing');
    const toMissing = await rejection(
      broker.bind({ kind: 'pubsub', source, target: missing }),
      'MSGFLO_QUEUE_NOT_FOUND',
    );
    expect(toMissing).to.include({ retryable: true });
    await rejection(broker.bind({ kind: 'pubsub', source: missing, target }), 'MSGFLO_QUEUE_NOT_FOUND');
    await rejection(broker.bind({ kind: 'roundrobin', source, target: missing }), 'MSGFLO_QUEUE_NOT_FOUND');
    await broker.unbind({ kind: 'pubsub', source: missing, target });
    await broker.bind({ kind: 'pubsub', source, target });
    await broker.send('outqueue', source, { data: 'unharmed' });
    expect((await inbox.next()).delivery.data).to.equal('unharmed');
  });

  it('listens to exactly the sources it was told last, where the broker cannot bind', async () => {
    const broker = await stage().connect();
    const [first, second, target] = [
      await stage().outqueue(broker),
      await stage().outqueue(broker),
      await stage().inqueue(broker),
    ];
    const inbox = await stage().collect(broker, target);
    const { consumer } = inbox;
    if (broker.capabilities.binds) return void (await rejection(consumer.listenTo([first]), 'MSGFLO_UNSUPPORTED'));
    await consumer.listenTo([first]);
    await broker.send('outqueue', first, { data: 1 });
    expect((await inbox.next()).delivery.data).to.equal(1);
    await consumer.listenTo([second]);
    await broker.send('outqueue', first, { data: 2 });
    await broker.send('outqueue', second, { data: 3 });
    expect((await inbox.next()).delivery.data).to.equal(3);
    await broker.send('inqueue', target, { data: 4 });
    expect((await inbox.next()).delivery.data, 'besides itself').to.equal(4);
  });
}
