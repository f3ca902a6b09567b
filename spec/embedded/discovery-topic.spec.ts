import { expect } from 'chai';
import { type Definition, readAnnouncement } from '../../src/discovery/index.js';
import { EmbeddedBroker } from '../../src/embedded/index.js';
import { PipeProc, type PipeProcClient } from '../../src/log/index.js';
import { asParticipantId, asPortName, asQueueName, asRole } from '../../src/names.js';
import { silentLogger } from '../../src/support/index.js';
import type { Broker } from '../../src/transport/index.js';
import { LogBroker } from '../../src/transport/log/index.js';
import { freshDir } from './broker-process.js';

/** As a program that knows nothing but the log and docs/wire.md writes it. */
const definition: Definition = {
  id: asParticipantId('meter-1'),
  role: asRole('meter'),
  component: 'Meter',
  inports: [],
  outports: [{ id: asPortName('out'), queue: asQueueName('meter_out') }],
};
const announcement = { protocol: 'discovery', command: 'participant', payload: definition };

describe('the topic of discovery', () => {
  let dir: string;
  let remove: () => Promise<void>;
  let broker: EmbeddedBroker;
  let program: PipeProcClient;
  let participant: Broker;
  let heard: string[];

  beforeEach(async () => {
    ({ dir, remove } = await freshDir());
    broker = await EmbeddedBroker.listen({ dir, workers: 0, log: silentLogger });
    program = PipeProc();
    await program.connect({ folder: dir });
    participant = new LogBroker(new URL(broker.address), { id: 'listener' }, silentLogger);
    await participant.connect();
    heard = [];
    await participant.watch('fbp', (body) => {
      const read = readAnnouncement(body);
      heard.push(read.kind === 'participant' ? read.definition.role : read.kind);
    });
  });
  afterEach(async () => {
    await program.shutdown();
    await participant.close({ graceMs: 0 });
    await broker.stop();
    await remove();
  });

  it('makes a participant of a program that commits its announcement, once', async () => {
    await program.commit({ topic: 'fbp', body: announcement });
    await program.commit({ topic: 'fbp', body: { protocol: 'none' } });
    while (!heard.includes('other')) await new Promise((resolve) => setTimeout(resolve, 2));
    expect(heard).to.deep.equal(['meter', 'other']);
  });

  it('has what participants announce, for programs to read', async () => {
    const live = program.liveProc({ topic: 'fbp', mode: 'live' });
    const told = new Promise<unknown>((resolve) => {
      live.changes(async function (_error, log) {
        resolve([log].flat()[0]?.body);
        await this.ack();
      });
    });
    for (let made = false; !made; )
      made = await live.inspect().then(
        () => true,
        () => false,
      );
    await participant.notify({ name: 'fbp', body: Buffer.from(JSON.stringify(announcement)) });
    expect(await told).to.deep.equal(announcement);
    expect(await program.length('fbp')).to.equal(1);
    expect(heard).to.deep.equal(['meter']);
  });

  it('brings what such a program commits to the inqueue that is bound to it', async () => {
    await program.commit({ topic: 'fbp', body: announcement });
    const [source, target] = [asQueueName('meter_out'), asQueueName('reader.IN')];
    await participant.declare('outqueue', source);
    await participant.declare('inqueue', target);
    await participant.bind({ kind: 'pubsub', source, target });
    await program.commit({ topic: 'meter_out', body: { kWh: 3 } });
    const data = await new Promise((resolve) => {
      void participant.consume(target, async (delivery) => {
        resolve(delivery.data);
        return { verdict: 'ack', outputs: [] };
      });
    });
    expect(data).to.deep.equal({ kWh: 3 });
  });
});
