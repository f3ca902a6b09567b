import { mock } from 'node:test';
import { expect } from 'chai';
import { Instruments } from '../../src/coordinator/instruments.js';
import { COUNTERS_NOTICE, countersMessageOf } from '../../src/discovery/index.js';
import { openMemoryEngine } from '../../src/engine/index.js';
import { asParticipantId, asPortName, asRole } from '../../src/names.js';
import { silentLogger } from '../../src/support/index.js';
import { DirectBroker } from '../../src/transport/direct/index.js';
import { aRole, network } from './network-fixture.js';

describe('Instruments', () => {
  let nowMs: number;
  let looks: number;
  let broker: DirectBroker;
  let instruments: Instruments;

  beforeEach(async () => {
    mock.timers.enable({ apis: ['setInterval'] });
    nowMs = 0;
    looks = 0;
    const direct = new DirectBroker(await openMemoryEngine(), { id: 'c' }, silentLogger);
    broker = Object.assign(direct, { capabilities: { ...direct.capabilities, depths: false } });
    await broker.connect();
    const { desired, observed } = network({ edges: ['a.out -> b.in'], participants: [aRole('a'), aRole('b')] });
    const look = () => {
      looks += 1;
      return { desired, observed };
    };
    instruments = new Instruments({ broker, log: silentLogger, nowMs: () => nowMs, look, tell: () => undefined });
    await instruments.start([]);
    instruments.note(desired, observed);
  });
  afterEach(async () => {
    await instruments.stop();
    mock.timers.reset();
    await broker.close();
  });

  const pass = (ms: number): void => {
    nowMs += ms;
    mock.timers.tick(ms);
  };

  const sent = async (count: number): Promise<void> => {
    const outports = { [asPortName('out')]: { sent: count, dropped: 0 } };
    const counters = { id: asParticipantId('a-1'), role: asRole('a'), inports: {}, outports, inHand: 0 };
    await broker.notify({ name: COUNTERS_NOTICE, body: countersMessageOf(counters) });
  };

  it('forget what was sent and taken by nobody where those who take are idle, though nobody asks meanwhile', async () => {
    await sent(3);
    for (let look = 0; look < 3; look += 1) pass(5000);
    const { inports } = await instruments.network(10);
    expect(inports.find(({ role }) => role === 'b')?.ready).to.equal(0);
  });

  it('look while something is counted, and not for ever', async () => {
    pass(60_000);
    const before = looks;
    pass(60_000);
    expect(looks).to.equal(before);
    await sent(3);
    pass(5000);
    expect(looks).to.equal(before + 1);
  });
});
