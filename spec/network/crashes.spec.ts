import { expect } from 'chai';
import { sharedMosquitto } from '../support/mosquitto.js';
import { sharedRabbit } from '../support/rabbitmq.js';
import { isAlive, project, RunningNetwork } from './running.js';

/** Sends 1, 2, 3 ... for as long as it lives, and says so when it is given its IIP. */
const COUNTER = `
import { setTimeout as delay } from 'node:timers/promises';
import { participant } from 'msgflo';
export default participant({
  component: 'Counter',
  inports: { start: {} },
  outports: { out: {} },
  async process({ start }, { send, log }) { log.info('IIP ' + start); },
  async produce({ send, signal }) {
    for (let n = 1; !signal.aborted; n += 1) { await send('out', n); await delay(10, undefined, { signal }).catch(() => {}); }
  },
});
`;

/** Prints every 50th number that it has seen, and at once what it sees twice or what it misses. */
const CHECK = `
import { participant } from 'msgflo';
let last = 0;
export default participant({
  component: 'Check',
  inports: { in: { type: 'int' } },
  process({ in: n }) {
    if (n === last) console.log('TWICE ' + n);
    if (n > last + 1) console.log('MISSED ' + (last + 1) + ' to ' + (n - 1));
    last = n;
    if (n % 50 === 0) console.log('seen ' + n);
  },
});
`;

const components = { 'Counter.js': COUNTER, 'Check.js': CHECK };

const brokers: Readonly<Record<string, () => Promise<string | undefined>>> = {
  'the embedded broker': async () => undefined,
  RabbitMQ: async () => (await sharedRabbit()).url,
  Mosquitto: async () => (await sharedMosquitto()).url,
};

let roles = 0;
/** Role names of its own for each test: the brokers are shared. */
function graph(): string {
  roles += 1;
  return `'go' -> START count${roles}(Counter) OUT -> IN mid${roles}(Repeat) OUT -> IN check${roles}(Check)`;
}

describe('crashes', function () {
  this.timeout(60_000);
  let network: RunningNetwork | undefined;
  afterEach(async () => network?.remove());

  const lastSeen = (): number => {
    const seen = [...(network?.output.matchAll(/seen (\d+)/g) ?? [])].map(([, n]) => Number(n));
    return Math.max(0, ...seen);
  };

  for (const [name, start] of Object.entries(brokers)) {
    it(`on ${name}: a coordinator killed with -9 comes back, and nothing else notices`, async () => {
      network = await RunningNetwork.start(await project(graph(), components), await start());
      await network.says('seen 50');
      const [coordinator] = network.children('msgflo-coordinator');
      const before = network.children('msgflo-participant').map(({ pid }) => pid);
      expect(before).to.have.length(3);
      process.kill(coordinator?.pid ?? 0, 'SIGKILL');
      const atKill = lastSeen();
      await network.until(() => lastSeen() > atKill);
      await network.says('the coordinator is back on ws://localhost:');
      const atReturn = lastSeen();
      await network.until(() => lastSeen() >= atReturn + 100);
      expect(network.children('msgflo-participant').map(({ pid }) => pid)).to.deep.equal(before);
      expect(network.output.match(/IIP go/g), 'the IIP was sent once').to.have.length(1);
      expect(network.output).not.to.match(/TWICE|MISSED/);
      expect(network.output.match(/msgflo started on/g)).to.have.length(1);
    });
  }

  it('a participant killed with -9 is started again, gets its IIP, and loses nothing', async () => {
    network = await RunningNetwork.start(await project(graph(), components));
    await network.says('seen 50');
    const [mid] = network.children(`--name mid${roles}`);
    process.kill(mid?.pid ?? 0, 'SIGKILL');
    const atKill = lastSeen();
    await network.until(() => lastSeen() >= atKill + 100);
    expect(network.output).not.to.match(/MISSED/);
    const [counter] = network.children(`--name count${roles}`);
    process.kill(counter?.pid ?? 0, 'SIGKILL');
    await network.says('IIP go', 2);
  });

  it('a participant that somebody else ends with SIGTERM is started again', async () => {
    network = await RunningNetwork.start(await project(graph(), components));
    await network.says('seen 50');
    const [mid] = network.children(`--name mid${roles}`);
    process.kill(mid?.pid ?? 0, 'SIGTERM');
    const atEnd = lastSeen();
    await network.until(() => lastSeen() >= atEnd + 100);
    expect(network.children(`--name mid${roles}`)[0]?.pid).not.to.equal(mid?.pid);
    expect(network.output).not.to.match(/MISSED/);
  });

  it('a keeper killed with -9 takes everything with it within 2 s', async () => {
    network = await RunningNetwork.start(await project(graph(), components));
    await network.says('seen 50');
    const pids = network.all().map(({ pid }) => pid);
    expect(pids, 'guard, broker, coordinator, three participants').to.have.length.at.least(6);
    network.keeper.kill('SIGKILL');
    const begin = performance.now();
    while (pids.some(isAlive) && performance.now() - begin < 10_000)
      await new Promise((after) => setTimeout(after, 20));
    expect(pids.filter(isAlive)).to.deep.equal([]);
    expect(performance.now() - begin).to.be.below(2000);
  });

  it('the embedded broker killed with -9 comes back, and the network goes on', async () => {
    network = await RunningNetwork.start(await project(graph(), components));
    await network.says('seen 50');
    const [broker] = network.children('embedded/main');
    process.kill(broker?.pid ?? 0, 'SIGKILL');
    const atKill = lastSeen();
    await network.until(() => lastSeen() >= atKill + 200);
  });
});
