import { expect } from 'chai';
import { asPortName } from '../../src/names.js';
import { participant } from '../../src/participant/index.js';
import type { Wish } from '../../src/protocol/index.js';
import { until } from '../participant/network.js';
import { addEdge, edge, end, Scene } from './scene.js';

const NOTHING: Wish = { edges: [], packets: false, errors: false };

describe('what a runtime tells of messages', () => {
  let scene: Scene;
  afterEach(() => scene.close());

  /** Sends to an inport of the graph's, until the end of the way is reached. */
  const through = async (port: string, data: unknown): Promise<void> => {
    const count = scene.kept.length;
    await scene.runtime.sendPacket(asPortName(port), data);
    await until(() => scene.kept.length > count);
  };

  const chain = 'INPORT=a.IN:GO\nOUTPORT=b.OUT:DONE\na(Repeat) OUT -> IN b(Repeat) OUT -> IN c(Keep)';

  it('tells nothing that nobody wished for, and taps nothing', async () => {
    scene = await Scene.open(chain);
    await scene.complete();
    await through('go', 1);
    expect(scene.ofKind('data')).to.deep.equal([]);
    expect(scene.ofKind('packet')).to.deep.equal([]);
  });

  it('tells each message once for each edge that was wished for, and no longer when it is not', async () => {
    scene = await Scene.open(chain);
    await scene.complete();
    scene.runtime.wish({ ...NOTHING, edges: [edge('a.OUT -> b.IN')] });
    await until(() => scene.coordinator.isIdle);
    await through('go', 'seen');
    await until(() => scene.ofKind('data').length > 0);
    scene.runtime.wish({ ...NOTHING, edges: [edge('b.out -> c.in')] });
    await until(() => scene.coordinator.isIdle);
    await through('go', 'further');
    await until(() => scene.ofKind('data').length > 1);
    expect(scene.ofKind('data')).to.deep.equal([
      { kind: 'data', ...edge('a.out -> b.in'), data: 'seen' },
      { kind: 'data', ...edge('b.out -> c.in'), data: 'further' },
    ]);
  });

  it('shows edges at nodes between participants by what the participants send', async () => {
    scene = await Scene.open(
      `INPORT=a.IN:GO
       a(Repeat) OUT -> IN share(msgflo/RoundRobin) OUT -> IN c(Keep)
       share DEADLETTER -> IN late(Keep)
       a OUT -> IN copy(msgflo/PubSub) OUT -> IN d(Keep)`,
    );
    await scene.complete();
    scene.runtime.wish({ ...NOTHING, edges: 'all' });
    await until(() => scene.coordinator.isIdle);
    await through('go', 7);
    await until(() => scene.ofKind('data').length >= 4);
    expect(scene.ofKind('data').map((told) => [told.from?.role, told.to.role, told.data])).to.have.deep.members([
      ['a', 'share', 7],
      ['share', 'c', 7],
      ['a', 'copy', 7],
      ['copy', 'd', 7],
    ]);
    const states = new Map(scene.runtime.edges().map(({ from, to, state }) => [`${from.role} ${to.role}`, state]));
    expect([...states.values()]).to.deep.equal(['live', 'live', 'live', 'live', 'live']);
  });

  it('says which edges wait, and what for, also behind a node between participants', async () => {
    scene = await Scene.open(
      `a(Repeat) OUT -> IN copy(msgflo/PubSub) OUT -> IN c(Keep)
       copy OUT -> IN ghost(Unknown)
       lone(msgflo/PubSub) OUT -> IN c`,
    );
    await until(() => scene.runtime.edges().some(({ state }) => state === 'live'));
    const why = "nobody has announced the role 'ghost'";
    expect(scene.runtime.edges()).to.deep.equal([
      { ...edge('a.out -> copy.in'), state: 'pending', why },
      { ...edge('copy.out -> c.in'), state: 'live' },
      { ...edge('copy.out -> ghost.in'), state: 'pending', why },
      { ...edge('lone.out -> c.in'), state: 'pending', why: "nothing comes to 'lone'" },
    ]);
  });

  it('shows an edge that is made after it was wished for', async () => {
    scene = await Scene.open('INPORT=a.IN:GO\na(Repeat) OUT -> IN c(Keep)\nd(Keep)');
    await scene.complete();
    scene.runtime.wish({ ...NOTHING, edges: [edge('a.out -> d.in')] });
    scene.runtime.edit(addEdge('a.out -> d.in'));
    await until(() => scene.runtime.edges().every(({ state }) => state === 'live') && scene.coordinator.isIdle);
    await through('go', 1);
    await until(() => scene.ofKind('data').length > 0);
    expect(scene.ofKind('data')[0]).to.deep.include(edge('a.out -> d.in'));
  });

  it('shows IIPs to those who look at an edge into their port', async () => {
    scene = await Scene.open("'first' -> IN b(Repeat)\na(Repeat) OUT -> IN b OUT -> IN c(Keep)", { isStarted: false });
    scene.runtime.wish({ ...NOTHING, edges: [edge('a.out -> b.in')] });
    scene.runtime.setStarted(true);
    await until(() => scene.kept.length > 0);
    expect(scene.ofKind('data')).to.deep.equal([{ kind: 'data', to: end('b.in'), data: 'first' }]);
  });

  it('tells what leaves through exported outports, by their names', async () => {
    scene = await Scene.open(chain);
    await scene.complete();
    scene.runtime.wish({ ...NOTHING, packets: true });
    await until(() => scene.coordinator.isIdle);
    await through('GO', { any: 'case' });
    await until(() => scene.ofKind('packet').length > 0);
    expect(scene.ofKind('packet')).to.deep.equal([{ kind: 'packet', port: 'done', data: { any: 'case' } }]);
    expect(scene.ofKind('data')).to.deep.equal([]);
  });

  it('refuses a packet for a port that is not exported, naming those that are', async () => {
    scene = await Scene.open(
      'INPORT=a.IN:GO\nINPORT=lone.IN:NOWHERE\na(Repeat) OUT -> IN c(Keep)\nlone(msgflo/PubSub)',
    );
    const failed = async (port: string): Promise<unknown> =>
      scene.runtime.sendPacket(asPortName(port), 1).catch((error) => error);
    expect(await failed('stop')).to.have.property(
      'message',
      "the graph exports no inport 'stop'; it exports: go, nowhere",
    );
    expect(await failed('nowhere')).to.have.property('code', 'MSGFLO_EXPORTED_PORT_NOT_FOUND');
  });

  it('gives a packet up that nobody took when it closes', async () => {
    scene = await Scene.open('INPORT=ghost.IN:GO\nghost(Unknown)');
    const sent = scene.runtime.sendPacket(asPortName('go'), 1).catch((error) => error);
    scene.runtime.close();
    expect(await sent).to.have.property(
      'message',
      "nobody took the packet for 'go' (in of role 'ghost'): the runtime is stopping",
    );
  });

  it('tells dead letters with their reason, many as one, and shows them on the edge that carries them', async () => {
    scene = await Scene.open(
      'INPORT=a.IN:GO\nINPORT=share.IN:SHARE\nshare(msgflo/RoundRobin) OUT -> IN a(Repeat)\nshare DEADLETTER -> IN c(Keep)',
    );
    await scene.complete();
    scene.runtime.wish({ edges: [edge('share.deadletter -> c.in')], packets: false, errors: true });
    await until(() => scene.coordinator.isIdle);
    for (let n = 0; n < 5; n += 1) await scene.runtime.sendPacket(asPortName('share'), 'bad');
    await until(() => scene.ofKind('data').length === 5 && scene.ofKind('process-error').length === 2);
    const message = "a message for 'in' went to the dead letters: this is bad";
    expect(scene.ofKind('process-error')).to.deep.equal([
      { kind: 'process-error', role: 'a', message },
      { kind: 'process-error', role: 'a', message: `${message} (and 3 more of this kind within a second)` },
    ]);
    expect(scene.ofKind('data')[0]).to.deep.equal({ kind: 'data', ...edge('share.deadletter -> c.in'), data: 'bad' });
  });

  it('shows dead letters on an edge from DEAD_IN, with their reason, and through an exported port', async () => {
    scene = await Scene.open('INPORT=a.IN:GO\nOUTPORT=a.DEAD_IN:FAILED\na(Repeat) DEAD_IN -> IN c(Keep)');
    await scene.complete();
    expect(scene.runtime.edges()).to.deep.equal([{ ...edge('a.dead_in -> c.in'), state: 'live' }]);
    scene.runtime.wish({ edges: [edge('a.dead_in -> c.in')], packets: true, errors: true });
    await until(() => scene.coordinator.isIdle);
    await through('go', 'bad');
    await until(() => scene.ofKind('data').length === 1 && scene.kept.length === 1);
    expect(scene.ofKind('data')).to.deep.equal([{ kind: 'data', ...edge('a.dead_in -> c.in'), data: 'bad' }]);
    expect(scene.ofKind('packet')).to.deep.equal([{ kind: 'packet', port: 'failed', data: 'bad' }]);
    const message = "a message for 'in' went to the dead letters: this is bad";
    expect(scene.ofKind('process-error')).to.deep.equal([{ kind: 'process-error', role: 'a', message }]);
    expect(scene.kept).to.deep.equal(['bad']);
  });

  it('tells of the queues at the ends of edges, and that a network with messages waiting is running', async () => {
    let letGo = (): void => undefined;
    const gate = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    const slow = participant({ component: 'Keep', inports: { in: {} }, prefetch: 1, process: () => gate });
    scene = await Scene.open('INPORT=a.IN:GO\na(Repeat) OUT -> IN c(Keep)', { components: { Keep: slow } });
    await scene.complete();
    expect(await scene.runtime.status()).to.include({ started: true, running: false });
    for (let n = 0; n < 3; n += 1) await scene.runtime.sendPacket(asPortName('go'), n);
    await until(async () => (await scene.runtime.queues())[0]?.ready === 2);
    expect((await scene.runtime.queues())[0]).to.deep.include({ ...edge('a.out -> c.in'), queue: 'c.IN', unacked: 1 });
    expect((await scene.runtime.status()).running).to.equal(true);
    letGo();
    await until(async () => !(await scene.runtime.status()).running);
  });
});
