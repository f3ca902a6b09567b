import { expect } from 'chai';
import { UnsupportedError } from '../../src/errors.js';
import {
  type Component,
  newParticipantId,
  participant,
  participantClientOptions,
} from '../../src/participant/index.js';
import { silentLogger } from '../../src/support/index.js';
import type { Client, QueueOptions } from '../../src/transport/index.js';
import { Gate, gated, Network } from './network.js';

const component = participant({
  component: 'Choosy',
  inports: {
    plain: {},
    in: { ttlMs: 1000, maxLength: 5, maxBytes: 600, maxPriority: 3, arguments: { 'x-a': 1 } },
    safe: { quorum: true, deliveryLimit: 4 },
    volatile: { persistent: false },
  },
  outports: { out: {}, aside: { persistent: false } },
  process: () => undefined,
});

describe('what a port asks of its queue', () => {
  let network: Network;
  beforeEach(async () => {
    network = await Network.open();
  });
  afterEach(() => network.close());

  /** Starts it on a broker that declares as it is told here. */
  async function start(what: Component, declare: Client['declare']): Promise<void> {
    const id = newParticipantId('c');
    const client = await network.registry.open(
      network.address,
      participantClientOptions({ id, role: 'c' }),
      silentLogger,
    );
    await network.start(what, 'c', { id, broker: Object.assign(gated(client, new Gate()), { declare }) });
  }

  it('is what the author said and nothing else, so that old libraries declare the same', async () => {
    const asked = new Map<string, readonly [string, QueueOptions | undefined]>();
    await start(component, async (kind, name, options) => {
      asked.set(name, [kind, options]);
      await network.hand.declare(kind, name);
    });
    expect(Object.fromEntries(asked)).to.deep.equal({
      'c.PLAIN': ['inqueue', {}],
      'c.IN': ['inqueue', { ttlMs: 1000, maxLength: 5, maxBytes: 600, maxPriority: 3, arguments: { 'x-a': 1 } }],
      'c.SAFE': ['inqueue', { quorum: true, deliveryLimit: 4 }],
      'c.VOLATILE': ['inqueue', { persistent: false }],
      'c.OUT': ['outqueue', {}],
      'c.ASIDE': ['outqueue', { persistent: false }],
    });
  });

  it('ends the start, naming port and option, where the broker has nothing of the kind', async () => {
    const refused = await start(component, async (_kind, name, options) => {
      if (options?.ttlMs !== undefined) throw new UnsupportedError(`'ttlMs' of queue '${name}': nothing of the kind`);
    }).catch((error: unknown) => error);
    expect(refused).to.be.instanceOf(UnsupportedError).with.property('code', 'MSGFLO_UNSUPPORTED');
    expect(refused)
      .to.have.property('message')
      .that.equals("component 'Choosy', inport 'in': 'ttlMs' of queue 'c.IN': nothing of the kind");
  });
});
