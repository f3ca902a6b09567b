import { expect } from 'chai';
import { DeathWatch } from '../../src/coordinator/death-watch.js';
import { DiscoveryFeed } from '../../src/coordinator/discovery-feed.js';
import { announcementOf, type Definition, DISCOVERY_NOTICE, ROLL_CALL_NOTICE } from '../../src/discovery/index.js';
import { openMemoryEngine } from '../../src/engine/index.js';
import { asRole } from '../../src/names.js';
import { silentLogger } from '../../src/support/index.js';
import { DirectBroker } from '../../src/transport/direct/index.js';
import { until } from '../participant/network.js';
import { aRole } from './network-fixture.js';

describe('a process that ended', function () {
  this.timeout(10_000);
  let broker: DirectBroker;
  beforeEach(async () => {
    broker = new DirectBroker(await openMemoryEngine(), { id: 'c' }, silentLogger);
    await broker.connect();
  });
  afterEach(() => broker.close());

  const announce = (definition: Definition): Promise<void> =>
    broker.notify({ name: DISCOVERY_NOTICE, body: announcementOf(definition) });

  it('takes along those of its role who answer no roll-call, remembered ones too, and nobody else', async () => {
    const left: string[] = [];
    const nowMs = (): number => performance.now();
    const feed = new DiscoveryFeed({ broker, lapseMs: 600_000, nowMs, log: silentLogger }, (change) => {
      if (change.kind === 'gone') left.push(change.definition.id);
    });
    const killed = aRole('worker').instance(1).definition;
    const alive = aRole('worker').instance(2).definition;
    const old = aRole('worker').instance(3).old().definition;
    const other = aRole('other').instance(1).definition;
    const remembered = aRole('worker').instance(4).definition;
    feed.remember([remembered], { isSameRun: true });
    await feed.start();
    await broker.watch(ROLL_CALL_NOTICE, () => void announce(alive));
    for (const one of [killed, alive, old, other]) await announce(one);
    await until(() => feed.table.all().length === 5);
    feed.processEnded(asRole('worker'));
    await until(() => left.length > 0);
    expect(left).to.have.members([killed.id, remembered.id]);
    expect(feed.table.ofRole(asRole('worker')).map(({ definition }) => definition.id)).to.have.members([
      alive.id,
      old.id,
    ]);
    await feed.stop();
  });

  it('is asked after again when the roll could not be called, and not at all where nobody is silent', async () => {
    const killed = aRole('worker').instance(1).definition.id;
    const gone: string[] = [];
    let calls = 0;
    const watch = new DeathWatch({
      callRoll: async () => {
        calls += 1;
        if (calls === 1) throw new Error('the broker is away');
      },
      silentSince: (role) => (role === asRole('worker') && gone.length === 0 ? [killed] : []),
      gone: (id) => gone.push(id),
      nowMs: () => 0,
      leaveMs: 1,
      answerMs: 5,
    });
    watch.ended(asRole('worker'));
    await until(() => gone.length > 0);
    expect(gone).to.deep.equal([killed]);
    watch.ended(asRole('other'));
    await new Promise((after) => setTimeout(after, 30));
    expect(calls).to.equal(2);
    watch.stop();
  });
});
