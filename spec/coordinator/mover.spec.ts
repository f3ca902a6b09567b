import { expect } from 'chai';
import { Mover } from '../../src/coordinator/mover.js';
import { asQueueName, asRole } from '../../src/names.js';
import { silentLogger } from '../../src/support/index.js';
import { Network, until } from '../participant/network.js';

const [from, to] = [asQueueName('old.IN'), asQueueName('new.IN')];

describe('Mover', () => {
  let network: Network;
  let mover: Mover;
  let isWanted: boolean;
  const moved: string[] = [];

  beforeEach(async () => {
    network = await Network.open();
    isWanted = true;
    moved.length = 0;
    const broker = network.hand;
    const options = { broker, openClient: undefined, log: silentLogger, isWanted: () => isWanted };
    mover = new Mover({ ...options, moved: (role) => moved.push(role) });
    await broker.declare('inqueue', from);
    for (let n = 0; n < 5; n += 1) await broker.send('inqueue', from, { data: n });
  });
  afterEach(async () => {
    await mover.stop();
    await network.close();
  });

  const begin = (): void => {
    const queues = [{ from, to, sources: [] }];
    mover.begin({ from: asRole('old'), to: asRole('new'), queues, slots: [] });
  };

  it('gives up nothing while the new queue is not there', async () => {
    begin();
    await new Promise((later) => setTimeout(later, 600));
    expect(moved).to.deep.equal([]);
    await network.hand.declare('inqueue', to);
    await until(async () => (await network.ready(to)) === 5);
    await until(() => moved.length === 1);
    expect(await network.ready(from)).to.equal(0);
  });

  it('leaves the rest where it is when the move is not wanted any more', async () => {
    begin();
    isWanted = false;
    await until(() => mover.moving.size === 0);
    expect(await network.ready(from)).to.equal(5);
  });
});
