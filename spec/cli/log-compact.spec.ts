import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { log } from '../../src/cli/log.js';
import { filesOf, storeFolder, text, textsOf } from '../log/store/support.js';
import { startInProcess } from './run-in-process.js';

async function run(...args: string[]) {
  const command = startInProcess(log, ['compact', ...args]);
  const code = await command.ended;
  return { code, lines: [...command.printed], complaint: command.complaint() };
}

describe('msgflo-log compact', () => {
  const folder = storeFolder();

  /** Much that was dropped, and some that is unread in each segment. */
  async function written(): Promise<void> {
    const store = await folder.open({ segmentBytes: 20_000 });
    for (let at = 0; at < 100; at++)
      await store.commit({ records: [text('busy', 'x'.repeat(2000)), text('quiet', `${at}`)] });
    await store.drop('busy', 100);
    await store.close();
  }

  it('takes back the room, says how much, and keeps the rest', async () => {
    await written();
    const { code, lines } = await run(folder.path());
    expect(code).to.equal(0);
    expect(lines.join()).to.match(/^1\d segments, (19|20)\d\.\d KiB -> 2 segments, [3-7]\.\d KiB$/);
    const store = await folder.open();
    expect(await textsOf(store, 'quiet')).to.deep.equal(Array.from({ length: 100 }, (_, at) => `${at}`));
    await store.close();
    const verified = startInProcess(log, ['verify', folder.path()]);
    expect(await verified.ended).to.equal(0);
    expect(verified.printed.at(-1)).to.match(/: nothing is damaged$/);
  });

  it('tells the same to programs; a second time there is nothing to do', async () => {
    await written();
    const first = JSON.parse((await run('--dir', folder.path(), '--json')).lines[0] ?? '');
    expect(first).to.include({ folder: folder.path(), segments: 2 });
    expect(first.bytesBefore - first.bytes).to.equal(first.freedBytes);
    expect(first.freedBytes).to.be.above(190_000);
    const second = JSON.parse((await run(folder.path(), '--json')).lines[0] ?? '');
    expect(second).to.include({ rewritten: 0, freedBytes: 0, bytes: first.bytes });
  });

  it('leaves a log as it is where there is nothing to gain', async () => {
    const store = await folder.open();
    await store.commit({ records: [text('a', '1')], puts: [{ key: 'k', value: 'v' }] });
    await store.close();
    expect((await run(folder.path())).lines.join()).to.match(/^1 segment, (\d+ B) -> 1 segment, \1$/);
  });

  it('leaves alone a log that is open, names the process and says what to do', async () => {
    await written();
    const store = await folder.open();
    const { code, complaint, lines } = await run(folder.path());
    expect({ code, lines }).to.deep.equal({ code: 1, lines: [] });
    expect(complaint).to.include(`is open in process ${process.pid}: stop that process, or wait `);
    await store.close();
  });

  it('names what is damaged and does the rest', async () => {
    await written();
    const file = join(folder.path(), filesOf(folder.path(), 'seg')[3] ?? '');
    const bytes = readFileSync(file);
    bytes.writeUInt8(bytes.readUInt8(5000) ^ 1, 5000);
    writeFileSync(file, bytes);
    const { code, complaint } = await run(folder.path());
    expect(code).to.equal(1);
    expect(complaint)
      .to.match(/ is damaged at byte \d+: /)
      .and.to.include(file);
    expect(filesOf(folder.path(), 'seg').length).to.be.below(6);
  });

  it('refuses a folder without a log', async () => {
    expect(await run(folder.path())).to.include({ code: 2 });
    expect(filesOf(folder.path(), 'seg')).to.deep.equal([]);
    expect((await run(folder.path(), '--dir', folder.path())).complaint).to.match(/name it once/);
  });
});
