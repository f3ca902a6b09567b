import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { openStore, StoreLockedError } from '../../../src/log/index.js';
import { storeFolder, text, textsOf } from './support.js';

const COMMITTER = join(import.meta.dirname, 'fixtures/committer.ts');

describe('lock of a log store', () => {
  const folder = storeFolder();

  async function refusal(): Promise<StoreLockedError> {
    const error: unknown = await folder.open().then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    if (error instanceof StoreLockedError) return error;
    throw new Error(`not refused: ${error}`);
  }

  it('lets one store of a process in, and the next after close()', async () => {
    const first = await folder.open();
    expect(await refusal()).to.include({ code: 'MSGFLO_LOG_LOCKED', pid: process.pid });
    await first.commit({ records: [text('a', 'unharmed')] });
    await first.close();
    expect(await textsOf(await folder.open(), 'a')).to.deep.equal(['unharmed']);
    expect(readdirSync(folder.path()).filter((name) => name.includes('lock')).length).to.equal(1);
  });

  it('refuses while another process has it, and takes over once that was killed', async () => {
    const child = spawn(process.execPath, ['--import', 'tsx', COMMITTER, folder.path(), '0'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    try {
      await once(child.stdout, 'data');
      expect((await refusal()).pid).to.equal(child.pid);
    } finally {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
    await (await folder.open()).close();
  });

  it('takes over from a process that is gone even when its id was given to another', async () => {
    writeFileSync(join(folder.path(), 'lock-7'), JSON.stringify({ pid: process.pid, born: 'another boot/1' }));
    await folder.open();
    expect((await refusal()).pid).to.equal(process.pid);
  });

  it('lets one of many in that find the lock of a dead process', async () => {
    const { pid } = spawnSync(process.execPath, ['-e', '']);
    writeFileSync(join(folder.path(), 'lock-3'), JSON.stringify({ pid, born: '' }));
    const opened = await Promise.allSettled(Array.from({ length: 5 }, () => openStore(folder.path())));
    const stores = opened.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    for (const store of stores) await store.close();
    expect(stores.length).to.equal(1);
  });
});
