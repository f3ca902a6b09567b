import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { runtimeIdOf } from '../../src/cli/runtime-settings.js';
import { keepingLogger } from '../participant/network.js';

describe('the id of a runtime', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'msgflo-runtime-id-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it('stays the same in a folder', async () => {
    const log = keepingLogger();
    const id = await runtimeIdOf(join(folder, 'state'), log);
    expect(await runtimeIdOf(join(folder, 'state'), log)).to.equal(id);
    expect(log.lines).to.deep.equal([]);
  });

  it('is made also where it cannot be kept, which is said', async () => {
    const log = keepingLogger();
    await writeFile(join(folder, 'state'), 'a file in the way');
    expect(await runtimeIdOf(join(folder, 'state'), log)).to.match(/^[0-9a-f-]{36}$/);
    expect(log.lines.join()).to.include('runtime-id cannot be written');
  });
});
