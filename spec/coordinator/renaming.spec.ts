import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import { asQueueName, asRole } from '../../src/names.js';
import { participant } from '../../src/participant/index.js';
import { type Network, until } from '../participant/network.js';
import { InProcessLauncher } from './in-process-launcher.js';
import { complete, graphOf, repeat, Scene, sink } from './scene.js';

/** Never done with what it took. */
const slow = participant({ component: 'Slow', inports: { in: {} }, process: () => delay(60_000) });

describe('Coordinator, renaming', () => {
  let scene: Scene;
  let network: Network;

  beforeEach(async () => {
    scene = await Scene.open();
    network = scene.network;
  });
  afterEach(() => scene.close());

  it('renames a role that it runs, with what waits for it, also when it is killed in between', async () => {
    const kept = sink();
    const launcher = new InProcessLauncher(network, { Slow: slow, Keep: kept.component });
    const parts = { launcher, launches: launcher.launches };
    const text = 'a(Elsewhere) OUT -> IN old(Slow)';
    await network.start(repeat, 'a', { run: 'r1' });
    const first = await scene.coordinate(text, parts);
    await complete(first.coordinator);
    for (let n = 0; n < 200; n += 1) await network.hand.send('outqueue', asQueueName('a.OUT'), { data: n });
    const renamed = graphOf('a(Elsewhere) OUT -> IN new(Keep)');
    first.coordinator.rename(asRole('old'), asRole('new'), renamed);
    await first.stop();
    expect(kept.got).to.deep.equal([]);
    const second = await scene.coordinate('', { ...parts, graph: renamed });
    await until(() => new Set(kept.got).size === 200);
    await until(async () => (await network.ready('old.IN')) === 0);
    expect((await network.hand.bindings()).map(({ target }) => target)).to.deep.equal(['new.IN']);
    await second.stop();
  });

  it('brings what waits for a role to the last of several names, also where those between were never there', async () => {
    const kept = sink();
    const launcher = new InProcessLauncher(network, { Slow: slow, Keep: kept.component });
    await network.start(repeat, 'a', { run: 'r1' });
    const text = 'a(Elsewhere) OUT -> IN old(Slow)';
    const { coordinator } = await scene.coordinate(text, { launcher, launches: launcher.launches });
    await complete(coordinator);
    for (let n = 0; n < 20; n += 1) await network.hand.send('outqueue', asQueueName('a.OUT'), { data: n });
    coordinator.rename(asRole('old'), asRole('mid'), graphOf('a(Elsewhere) OUT -> IN mid(Keep)'));
    coordinator.rename(asRole('mid'), asRole('new'), graphOf('a(Elsewhere) OUT -> IN new(Keep)'));
    await until(() => new Set(kept.got).size === 20);
    await until(async () => (await network.ready('old.IN')) === 0);
  });

  it('brings along what waits for a role that was renamed before it was there', async () => {
    const kept = sink();
    const launcher = new InProcessLauncher(network, { Slow: slow, Keep: kept.component });
    await network.start(repeat, 'a', { run: 'r1' });
    const text = 'a(Elsewhere) OUT -> IN old(Slow)';
    const { coordinator } = await scene.coordinate(text, { launcher, launches: launcher.launches });
    await until(() => launcher.done.includes('start old'));
    coordinator.rename(asRole('old'), asRole('new'), graphOf('a(Elsewhere) OUT -> IN new(Keep)'));
    await until(async () => (await network.hand.bindings()).some(({ target }) => target === 'old.IN'));
    for (let n = 0; n < 20; n += 1) await network.hand.send('outqueue', asQueueName('a.OUT'), { data: n });
    await until(() => new Set(kept.got).size === 20);
    await until(async () => (await network.ready('old.IN')) === 0);
  });

  it('leaves to a role what waits for it when it is there again, and is removed later', async () => {
    const kept = sink();
    const launcher = new InProcessLauncher(network, { Slow: slow, Keep: kept.component });
    await network.start(repeat, 'a', { run: 'r1' });
    const parts = { launcher, launches: launcher.launches };
    const { coordinator } = await scene.coordinate('a(Elsewhere) OUT -> IN old(Slow)', parts);
    await complete(coordinator);
    coordinator.rename(asRole('old'), asRole('new'), graphOf('a(Elsewhere) OUT -> IN new(Nowhere)'));
    const moves = async (): Promise<unknown[]> =>
      JSON.parse(await readFile(join(scene.folder, 'records.json'), 'utf8')).moves;
    await until(async () => (await moves()).length === 1 && launcher.done.includes('stop old'));
    coordinator.setGraph(graphOf('a(Elsewhere) OUT -> IN old(Slow)'));
    await until(async () => (await moves()).length === 0);
    await complete(coordinator);
    for (let n = 0; n < 3; n += 1) await network.hand.send('outqueue', asQueueName('a.OUT'), { data: n });
    coordinator.setGraph(graphOf('a(Elsewhere) OUT -> IN new(Keep)'));
    await until(() => coordinator.desired.launches.has(asRole('new')));
    await complete(coordinator);
    await until(async () => (await network.hand.bindings()).length === 1);
    await network.hand.send('outqueue', asQueueName('a.OUT'), { data: 'marker' });
    await until(() => kept.got.length > 0);
    expect(kept.got).to.deep.equal(['marker']);
    await until(async () => (await network.ready('old.IN')) === 3);
  });
});
