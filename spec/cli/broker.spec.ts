import { expect } from 'chai';
import { childBroker, joinBroker, namedBroker, stateDir } from '../../src/cli/broker.js';
import { silentLogger } from '../../src/support/index.js';
import { BrokerProcess, freshDir } from '../embedded/broker-process.js';
import { rejection } from '../transport/conformance/stage.js';

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

describe('the embedded broker of a folder', () => {
  let dir: string;
  let remove: () => Promise<void>;
  const running: BrokerProcess[] = [];
  beforeEach(async () => {
    ({ dir, remove } = await freshDir());
  });
  afterEach(async () => {
    for (const broker of running.splice(0)) await broker.kill('SIGTERM');
    await remove();
  });
  const join = (): Promise<string> => {
    const { signal } = new AbortController();
    return joinBroker(undefined, { env: {}, cwd: dir, signal, log: silentLogger, print() {} });
  };

  it('is waited for where the last one was killed: somebody starts another', async () => {
    const killed = await BrokerProcess.start(stateDir(dir));
    await killed.kill('SIGKILL');
    const joining = join();
    const next = await BrokerProcess.start(stateDir(dir));
    running.push(next);
    expect(await joining).to.equal(next.address);
  });

  it('is missed at once where there was none, or it has ended in good order: MSGFLO_NO_BROKER', async () => {
    const missed = async (): Promise<void> => {
      const startedAtMs = performance.now();
      await rejection(join(), 'MSGFLO_NO_BROKER');
      expect(performance.now() - startedAtMs).to.be.below(1000);
    };
    await missed();
    const ended = await BrokerProcess.start(stateDir(dir));
    await ended.kill('SIGTERM');
    await missed();
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
