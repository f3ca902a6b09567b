import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { type Incoming, Session } from '../../../src/transport/mqtt/session.js';
import { sharedMosquitto } from '../../support/mosquitto.js';
import { eventually } from './harness.js';

/** What `session.ts` relies on in mqtt.js beyond its types; a new version that changes it fails here. */
describe('mqtt session', () => {
  const open: Session[] = [];
  afterEach(async () => {
    for (const session of open.splice(0)) await session.end();
  });

  const clientId = (): string => `spec-${randomUUID()}`;
  async function session(id: string, got: Incoming[], keptSeconds = 60, protocol: 4 | 5 = 5): Promise<Session> {
    const { url } = await sharedMosquitto();
    const made = await Session.open({
      address: new URL(url),
      protocol,
      clientId: id,
      keptSeconds,
      onMessage: (_, message) => {
        got.push(message);
        return undefined;
      },
      onEnd: () => undefined,
    });
    open.push(made);
    return made;
  }
  const publish = (on: Session, topic: string, text: string): Promise<number> =>
    new Promise((confirmed) => {
      on.publish({ topic, payload: Buffer.from(text), headers: { a: '1' } }, { confirmed });
    });
  const texts = (got: readonly Incoming[]): readonly string[] => got.map(({ payload }) => payload.toString());

  for (const protocol of [4, 5] as const) {
    it(`holds several unacknowledged messages at once and gets exactly these again, protocol ${protocol}`, async () => {
      const id = clientId();
      const topic = clientId();
      const got: Incoming[] = [];
      const first = await session(id, got, 60, protocol);
      await first.subscribe(topic, { qos: 1 });
      const sender = await session(clientId(), [], 0, protocol);
      for (const text of ['a', 'b', 'c', 'd', 'e']) await publish(sender, topic, text);
      await eventually(() => got.length === 5);
      for (const message of got.slice(0, 2)) first.ack(message);
      await publish(sender, topic, 'f');
      await eventually(() => got.length === 6);
      first.cut();
      await eventually(() => !first.isOpen);
      const again: Incoming[] = [];
      const second = await session(id, again, 60, protocol);
      expect(second.sessionPresent).to.equal(true);
      await eventually(() => again.length === 4);
      expect(texts(again)).to.deep.equal(['c', 'd', 'e', 'f']);
      expect(again.map(({ dup }) => dup)).to.deep.equal([true, true, true, true]);
      expect(again.map(({ packetId }) => packetId)).to.deep.equal(got.slice(2).map(({ packetId }) => packetId));
    });
  }

  it('tells the reason of a PUBACK: 16 when nobody is subscribed', async () => {
    const sender = await session(clientId(), [], 0);
    const topic = clientId();
    expect(await publish(sender, topic, 'x')).to.equal(16);
    await sender.subscribe(topic, { qos: 1 });
    expect(await publish(sender, topic, 'x')).to.equal(0);
  });

  it('names the subscription that each copy came by', async () => {
    const got: Incoming[] = [];
    const reader = await session(clientId(), got, 0);
    const topic = clientId();
    await reader.subscribe(`$share/g1/${topic}`, { qos: 1, subscriptionId: 11 });
    await reader.subscribe(`$share/g2/${topic}`, { qos: 1, subscriptionId: 12 });
    await publish(reader, topic, 'x');
    await eventually(() => got.length === 2);
    expect(got.flatMap(({ subscriptionIds }) => subscriptionIds).sort()).to.deep.equal([11, 12]);
  });

  it('reads on only when the promise of onMessage resolves', async () => {
    const { url } = await sharedMosquitto();
    const got: string[] = [];
    let goOn = (): void => undefined;
    const reader = await Session.open({
      address: new URL(url),
      protocol: 5,
      clientId: clientId(),
      keptSeconds: 0,
      onMessage: (_, message) => {
        got.push(message.payload.toString());
        return new Promise((resolve) => {
          goOn = resolve;
        });
      },
      onEnd: () => undefined,
    });
    open.push(reader);
    const topic = clientId();
    await reader.subscribe(topic, { qos: 1 });
    const sender = await session(clientId(), [], 0);
    await publish(sender, topic, 'a');
    await publish(sender, topic, 'b');
    await publish(sender, topic, 'c');
    await eventually(() => got.length > 0);
    expect(got).to.deep.equal(['a']);
    goOn();
    await eventually(() => got.length === 2);
    goOn();
    await eventually(() => got.length === 3);
  });
});
