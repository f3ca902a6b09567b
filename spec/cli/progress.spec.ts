import { expect } from 'chai';
import { Progress } from '../../src/cli/progress.js';
import { GraphPositions } from '../../src/graph/index.js';
import { asRole } from '../../src/names.js';
import { keepingLogger, until } from '../participant/network.js';
import { addEdge, addNode, removeEdge, Scene } from '../runtime/scene.js';

describe('the progress that msgflo says', () => {
  let scene: Scene;
  let progress: Progress;
  afterEach(async () => {
    progress.stop();
    await scene.close();
  });

  it('says how far it has come, and of edits one line when they pause, if it is news', async () => {
    scene = await Scene.open('a(Repeat) OUT -> IN b(Repeat)');
    const log = keepingLogger();
    const positions = new GraphPositions('main.fbp', () => undefined);
    const { coordinator, runtime } = scene;
    progress = new Progress({ coordinator, positions: () => positions, waitTimeoutMs: 60_000, log, pauseMs: 700 });
    const complete = '2 of 2 roles live, 1 of 1 edges bound: the network is complete';
    await until(() => log.lines.at(-1) === complete);
    log.lines.length = 0;
    runtime.edit(addNode('c', 'Repeat'));
    runtime.edit(addEdge('b.out -> c.in'));
    await until(() => runtime.edges().every(({ state }) => state === 'live'));
    runtime.edit(removeEdge('a.out -> b.in'));
    await until(() => coordinator.report().edges.length === 1);
    expect(log.lines).to.deep.equal([]);
    await until(() => log.lines.length > 0);
    runtime.edit({ do: 'change-node', role: asRole('c'), metadata: { x: 3 } });
    await until(() => coordinator.isIdle);
    runtime.edit(addNode('d', 'Repeat'));
    await until(() => log.lines.length > 1);
    expect(log.lines).to.deep.equal([
      '3 of 3 roles live, 1 of 1 edges bound: the network is complete',
      '4 of 4 roles live, 1 of 1 edges bound: the network is complete',
    ]);
  });
});
