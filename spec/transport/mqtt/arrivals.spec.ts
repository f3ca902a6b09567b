import { expect } from 'chai';
import { type Arrival, Arrivals } from '../../../src/transport/mqtt/arrivals.js';
import type { Incoming } from '../../../src/transport/mqtt/session.js';

describe('mqtt arrivals', () => {
  const message = (packetId: number, text = `m${packetId}`, dup = false): Incoming => ({
    topic: 't',
    payload: Buffer.from(text),
    qos: 1,
    dup,
    retain: false,
    headers: {},
    subscriptionIds: [],
    packetId,
  });
  const session = (sessionPresent: boolean) => {
    const acked: number[] = [];
    return { sessionPresent, acked, ack: ({ packetId }: Incoming) => void acked.push(packetId) };
  };
  const add = (arrivals: Arrivals, ...messages: readonly Incoming[]): (Arrival | undefined)[] =>
    messages.map((each) => arrivals.add(each));

  it('acknowledges in the order of arrival, whatever the order of settling [MQTT-4.6.0-2]', () => {
    const stream = session(false);
    const [a, b, c] = add(new Arrivals(stream, undefined), message(1), message(2), message(3));
    c?.settle();
    b?.settle();
    expect(stream.acked).to.deep.equal([]);
    a?.settle();
    a?.settle();
    expect(stream.acked).to.deep.equal([1, 2, 3]);
  });

  it('acknowledges on the next session what was settled without one, and hands it over no more', () => {
    const [first, second] = [session(false), session(true)];
    const before = new Arrivals(first, undefined);
    const [a, b] = add(before, message(1), message(2));
    b?.settle();
    const after = new Arrivals(second, before);
    const [againA, againB] = add(after, message(1, 'm1', true), message(2, 'm2', true));
    expect([againA, againB], 'both are here already').to.deep.equal([undefined, undefined]);
    a?.settle();
    expect(second.acked).to.deep.equal([1, 2]);
    expect(first.acked).to.deep.equal([]);
  });

  it('takes from its handler what comes again, and a late settlement settles nothing', () => {
    const [first, second] = [session(false), session(true)];
    const before = new Arrivals(first, undefined);
    const [a] = add(before, message(1));
    let abandoned = 0;
    a?.begin({
      abandon: () => {
        abandoned += 1;
      },
    });
    const [again] = add(new Arrivals(second, before), message(1, 'm1', true));
    expect(abandoned).to.equal(1);
    a?.settle();
    expect(second.acked).to.deep.equal([]);
    again?.settle();
    expect(second.acked).to.deep.equal([1]);
  });

  it('takes a message with another content for another message', () => {
    const before = new Arrivals(session(false), undefined);
    add(before, message(1));
    const [other] = add(new Arrivals(session(true), before), message(1, 'other', true));
    expect(other).to.not.equal(undefined);
  });

  it('keeps what is here when the broker has forgotten the session', () => {
    const before = new Arrivals(session(false), undefined);
    const [a] = add(before, message(1));
    const second = session(false);
    const [fresh] = add(new Arrivals(second, before), message(1));
    a?.settle();
    expect(second.acked).to.deep.equal([]);
    fresh?.settle();
    expect(second.acked).to.deep.equal([1]);
  });
});
