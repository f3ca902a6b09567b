import { expect } from 'chai';
import type { Coordinator, NetworkFigures } from '../../src/coordinator/index.js';
import { until } from '../participant/network.js';
import { complete, repeat, Scene, sink } from './scene.js';

describe('the figures of a network', () => {
  let scene: Scene;
  beforeEach(async () => {
    scene = await Scene.open();
  });
  afterEach(() => scene.close());

  const text = 'a(Repeat) OUT -> IN b(Keep)';
  const takenAt = (figures: NetworkFigures, role: string): number | undefined =>
    figures.inports.find((one) => one.role === role)?.counts?.taken;
  const counted = (coordinator: Coordinator, role: string, count: number): Promise<void> =>
    until(async () => takenAt(await coordinator.instruments.network(100), role) === count);
  const send = async (count: number): Promise<void> => {
    for (let n = 0; n < count; n += 1) await scene.network.send('a.IN', n);
  };

  it('are of the roles of the graph, and of no more ports than asked for', async () => {
    const { coordinator } = await scene.coordinate(text);
    await scene.network.start(repeat, 'a');
    await scene.network.start(sink().component, 'b');
    await scene.network.start(repeat, 'stranger');
    await complete(coordinator);
    await until(() => coordinator.report().nodes.length === 3);
    const { inports, outports, roles, leftOut } = await coordinator.instruments.network(10);
    expect(inports.map(({ role, queue }) => `${role} ${queue}`)).to.deep.equal(['a a.IN', 'b b.IN']);
    expect(outports.map(({ role }) => role)).to.deep.equal(['a']);
    expect(roles.map(({ role, participants }) => `${role} ${participants.live}`)).to.deep.equal(['a 1', 'b 1']);
    expect(leftOut).to.equal(0);
    const few = await coordinator.instruments.network(1);
    expect([few.inports.length, few.outports.length, few.roles.length, few.leftOut]).to.deep.equal([1, 1, 1, 1]);
  });

  it('begin at 0 where a coordinator takes over, whatever was done before', async () => {
    const first = await scene.coordinate(text);
    await scene.network.start(repeat, 'a');
    await scene.network.start(sink().component, 'b');
    await complete(first.coordinator);
    await send(7);
    await counted(first.coordinator, 'b', 7);
    await first.stop();
    const { coordinator } = await scene.coordinate(text);
    await complete(coordinator);
    await send(3);
    await counted(coordinator, 'b', 3);
  });

  it('outlive the participants: who comes after them adds to what they did', async () => {
    const { coordinator } = await scene.coordinate(text);
    const a = await scene.network.start(repeat, 'a');
    const b = await scene.network.start(sink().component, 'b');
    await complete(coordinator);
    await send(5);
    await counted(coordinator, 'b', 5);
    await b.stop({ graceMs: 0 });
    await until(() => coordinator.report().nodes.some(({ role, state }) => role === 'b' && state === 'lost'));
    expect(takenAt(await coordinator.instruments.network(10), 'b')).to.equal(5);
    await scene.network.start(sink().component, 'b');
    await complete(coordinator);
    await send(2);
    await counted(coordinator, 'b', 7);
    expect(takenAt(await coordinator.instruments.network(10), 'a')).to.equal(7);
    await a.stop({ graceMs: 0 });
  });
});
