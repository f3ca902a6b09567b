import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { OutsideWatch } from '../../src/graph-file/outside-watch.js';
import { silentLogger } from '../../src/support/index.js';
import { until } from './scene.js';

describe('OutsideWatch', () => {
  let folder: string;
  let hints = 0;
  let watch: OutsideWatch;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'msgflo-watch-'));
    hints = 0;
    watch = new OutsideWatch({ onHint: () => (hints += 1), onPoll: () => undefined, log: silentLogger });
  });
  afterEach(async () => {
    watch.close();
    watch.close();
    await rm(folder, { recursive: true, force: true });
  });

  it('hints at once when its file is written, comes, is replaced or goes; not for its neighbours', async () => {
    const path = join(folder, 'net.fbp');
    watch.watch([path]);
    const hinted = async (act: () => Promise<void>): Promise<void> => {
      const before = hints;
      await act();
      await until(() => hints > before);
    };
    await hinted(() => writeFile(path, 'a'));
    await hinted(() => writeFile(path, 'b'));
    await writeFile(`${path}~`, 'c');
    await hinted(() => rename(`${path}~`, path));
    const seen = hints;
    for (let nth = 0; nth < 10; nth += 1) await writeFile(join(folder, `.net.fbp.${nth}`), '');
    await hinted(() => rm(path));
    expect(hints - seen).to.be.below(10);
  });

  it('does without where a folder cannot be watched', async () => {
    watch.watch([join(folder, 'none/net.fbp'), join(folder, 'net.fbp')]);
    await writeFile(join(folder, 'net.fbp'), 'a');
    await until(() => hints > 0);
  });
});
