import { expect } from 'chai';
import { childBroker, namedBroker } from '../../src/cli/broker.js';

const MQTT = 'mqtt://msgflo:secret@127.0.0.1:4711';
const LOG = 'log:///project/.msgflo?start=false';

describe('which broker is meant', () => {
  it("is the log's own door for programs of ours that run on the embedded broker", () => {
    expect(namedBroker(undefined, { MSGFLO_BROKER: MQTT, MSGFLO_LOG: LOG })).to.deep.equal({
      address: LOG,
      from: 'MSGFLO_LOG',
    });
  });

  it('is what a flag says, whatever stands in the environment', () => {
    const named = namedBroker('amqp://x', { MSGFLO_BROKER: MQTT, MSGFLO_LOG: LOG });
    expect(named).to.deep.equal({ address: 'amqp://x', from: '--broker' });
  });

  for (const [what, broker] of [
    ['another broker', 'amqp://user@127.0.0.1'],
    ['an MQTT broker of somebody else on this machine', 'mqtt://127.0.0.1:1883'],
    ['an MQTT broker on another machine', 'mqtt://msgflo:secret@10.0.0.7:1883'],
    ['no URL', 'mqtt://msgflo:'],
  ] as const)
    it(`is what MSGFLO_BROKER names where that is ${what}, though MSGFLO_LOG is left over`, () => {
      expect(namedBroker(undefined, { MSGFLO_BROKER: broker, MSGFLO_LOG: LOG })?.address).to.equal(broker);
    });

  it('is CLOUDAMQP_URL where nothing else is named; and none where that is not either', () => {
    expect(namedBroker(undefined, { MSGFLO_BROKER: '', CLOUDAMQP_URL: 'amqp://c' })?.address).to.equal('amqp://c');
    expect(namedBroker(undefined, { MSGFLO_LOG: LOG })).to.equal(undefined);
  });
});

describe('what children are told of their broker', () => {
  it('is the MQTT door of an embedded one, and the log beside it for ours', () => {
    expect(childBroker(LOG, MQTT)).to.deep.equal({ broker: MQTT, log: LOG });
  });
  it('is its address where it has only one', () => {
    expect(childBroker('amqp://x', undefined)).to.deep.equal({ broker: 'amqp://x' });
  });
});
