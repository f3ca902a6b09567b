import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import {
  createWiring,
  DISCOVERY_NOTICE,
  type OutportState,
  readAnnouncement,
  wiringNotice,
} from '../../src/discovery/index.js';
import { asQueueName, asRole } from '../../src/names.js';
import { newParticipantId, Participant, participant, participantClientOptions } from '../../src/participant/index.js';
import { silentLogger } from '../../src/support/index.js';
import { openAmqp } from '../../src/transport/amqp/index.js';
import { sharedRabbit } from '../support/rabbitmq.js';
import { until } from './network.js';

const repeat = participant({
  component: 'Repeat',
  inports: { in: {} },
  outports: { out: { persistent: false } },
  process: ({ in: data }, { send }) => send('out', data),
});

describe('an outport that is not persistent', () => {
  it('takes a new edge after its last one went, though the broker has deleted its queue', async function () {
    this.timeout(60_000);
    const { url } = await sharedRabbit();
    const role = asRole(`transient-${randomUUID().slice(0, 8)}`);
    const id = newParticipantId(role);
    const hand = await openAmqp(new URL(url), { id: randomUUID() }, silentLogger);
    const broker = await openAmqp(new URL(url), participantClientOptions({ id, role }), silentLogger);
    const running = new Participant(repeat, { role, id, broker, run: 'r', log: silentLogger });
    const [source, target] = [asQueueName(`${role}.OUT`), asQueueName(`${role}-target`)];
    const edge = { kind: 'pubsub', source, target } as const;
    let wired: string | undefined;
    const tell = async (out: OutportState): Promise<void> => {
      const wiring = createWiring({ role, graph: 'g', run: 'r', iips: [], inports: {}, outports: { out } });
      await hand.notify({ name: wiringNotice(role), body: Buffer.from(JSON.stringify(wiring)), retain: true });
      await until(() => wired === wiring.hash);
    };
    const seen: unknown[] = [];
    try {
      await hand.connect();
      await hand.watch(DISCOVERY_NOTICE, (body) => {
        const message = readAnnouncement(body);
        if (message.kind === 'participant' && message.definition.role === role) wired = message.definition.wired;
      });
      await hand.declare('inqueue', target);
      await hand.consume(target, async ({ data }) => {
        seen.push(data);
        return { verdict: 'ack', outputs: [] };
      });
      await running.start();
      for (const round of [1, 2]) {
        await tell('waiting');
        await hand.bind(edge);
        await tell('ready');
        await hand.send('inqueue', asQueueName(`${role}.IN`), { data: round });
        await until(() => seen.length === round);
        await tell('unconnected');
        await hand.unbind(edge);
        await hand.send('inqueue', asQueueName(`${role}.IN`), { data: 'dropped' });
        await until(() => running.dropped.out === round);
      }
      await tell('exported');
      const tap = await hand.tap(source, ({ data }) => seen.push(data));
      await tap.cancel();
      await hand.send('inqueue', asQueueName(`${role}.IN`), { data: 'nobody looks' });
      await until(() => running.dropped.out === 3);
      expect(seen).to.deep.equal([1, 2]);
    } finally {
      await running.stop();
      await hand.close();
    }
  });
});
