import { closeSync, openSync, readFileSync, rmSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { CorruptionError, FormatVersionError, type LogStore, openStore } from '../../../src/log/index.js';
import { crc32c } from '../../../src/log/store/crc32c.js';
import type { Logger } from '../../../src/support/index.js';
import { allOf, crashCopy, filesOf, storeFolder, text, textsOf } from './support.js';

function hearing(): { readonly logger: Logger; readonly lines: string[] } {
  const lines: string[] = [];
  const hear = (line: string): void => void lines.push(line);
  return { lines, logger: { debug() {}, info: hear, warn: hear, warnOnce: (_, line) => hear(line) } };
}

function flip(file: string, offset: number): void {
  const bytes = readFileSync(file);
  bytes.writeUInt8(bytes.readUInt8(offset) ^ 0x10, offset);
  writeFileSync(file, bytes);
}

async function thrownBy(work: () => Promise<unknown>): Promise<unknown> {
  return work().then(
    () => undefined,
    (error: unknown) => error,
  );
}

async function failsWithCorruption(work: () => Promise<unknown>, file: string, offset: number): Promise<void> {
  const error = await thrownBy(work);
  if (!(error instanceof CorruptionError)) throw new Error(`no corruption was found: ${error}`);
  expect(error).to.include({ file, offset });
}

describe('log store after a crash', () => {
  const folder = storeFolder();

  /** Three groups, the last of two commits. @returns the segment's bytes and where each group begins */
  async function written(store: LogStore): Promise<{ readonly bytes: Buffer; readonly starts: readonly number[] }> {
    const starts: number[] = [];
    const here = (): void => void starts.push(store.stats().bytes);
    here();
    await store.commit({ records: [text('a', 'one'), text('b', 'one')], puts: [{ key: 'k', value: '1' }] });
    here();
    await store.commit({ records: [text('a', 'two')], puts: [{ key: 'k', value: '2' }] });
    here();
    await Promise.all([
      store.commit({ records: [text('a', 'three'), text('b', 'three')], puts: [{ key: 'k', value: '3' }] }),
      store.commit({ records: [text('a', 'four')] }),
    ]);
    here();
    const name = filesOf(folder.path(), 'seg')[0] ?? '';
    return { bytes: readFileSync(join(folder.path(), name)), starts };
  }

  it('cuts a torn end at every byte where it can be torn, with or without room allocated behind it', async () => {
    const { bytes, starts } = await written(await folder.open());
    const [, , third = 0, end = 0] = starts;
    const copy = crashCopy(folder.path());
    const file = join(copy, filesOf(copy, 'seg')[0] ?? '');
    const seen = new Set<string>();
    for (let cut = third; cut <= end; cut++)
      for (const behind of cut % 5 === 0 ? [0, 100] : [0]) {
        writeFileSync(file, Buffer.concat([bytes.subarray(0, cut), Buffer.alloc(behind)]));
        for (const kind of ['idx', 'ckp']) for (const name of filesOf(copy, kind)) rmSync(join(copy, name));
        const { logger, lines } = hearing();
        const store = await openStore(copy, { logger, sync: 'never' });
        const texts = await textsOf(store, 'a');
        seen.add(texts.join());
        expect(texts.slice(0, 2)).to.deep.equal(['one', 'two']);
        const hasThird = texts.includes('three');
        expect(store.get('k')).to.equal(hasThird ? '3' : '2');
        expect(await textsOf(store, 'b')).to.deep.equal(hasThird ? ['one', 'three'] : ['one']);
        const isWhole = [third, end].includes(cut) || (hasThird && lines.length === 0);
        if (!isWhole) expect(lines.join()).to.match(/cut \d+ bytes at \d+/);
        const next = await store.commit({ records: [text('a', 'next')] });
        expect(next.sequences).to.deep.equal([texts.length]);
        expect(await textsOf(store, 'a')).to.deep.equal([...texts, 'next']);
        await store.close();
      }
    expect([...seen]).to.have.members(['one,two', 'one,two,three', 'one,two,three,four']);
  });

  it('cuts a last group of which only a later part reached the disk', async () => {
    const { bytes, starts } = await written(await folder.open());
    const copy = crashCopy(folder.path());
    bytes.fill(0, starts[2] ?? 0, (starts[2] ?? 0) + 20);
    writeFileSync(join(copy, filesOf(copy, 'seg')[0] ?? ''), bytes);
    const store = await openStore(copy);
    expect(await textsOf(store, 'a')).to.deep.equal(['one', 'two']);
    await store.close();
  });

  it('refuses to open when any byte of an acknowledged commit was changed, and names its frame', async () => {
    const { bytes, starts } = await written(await folder.open());
    const copy = crashCopy(folder.path());
    const file = join(copy, filesOf(copy, 'seg')[0] ?? '');
    const [first = 0, second = 0, third = 0] = starts;
    for (let at = first; at < third; at++) {
      writeFileSync(file, bytes);
      flip(file, at);
      await failsWithCorruption(() => openStore(copy), file, at < second ? first : second);
    }
    writeFileSync(file, bytes);
    const store = await openStore(copy);
    expect((await textsOf(store, 'a')).length).to.equal(4);
    await store.close();
  });

  it('refuses a last commit that was changed after a proper end', async () => {
    const store = await folder.open();
    const { starts } = await written(store);
    await store.close();
    const name = join(folder.path(), filesOf(folder.path(), 'seg')[0] ?? '');
    truncateSync(name, (starts[3] ?? 0) - 1);
    expect(await thrownBy(() => folder.open())).to.be.instanceOf(CorruptionError);
  });

  it('finds a changed byte in a sealed segment when it is read, and reads the rest', async () => {
    const before = await folder.open({ segmentBytes: 2000 });
    for (let at = 0; at < 40; at++) await before.commit({ records: [text('a', `${at}`.padEnd(200))] });
    await before.close();
    const file = join(folder.path(), filesOf(folder.path(), 'seg')[1] ?? '');
    const store = await folder.open({ segmentBytes: 2000 });
    const healthy = (await allOf(store, 'a')).length;
    await store.close();
    flip(file, 40 + 20 + 8 + 19 + 50); // in the body of the first record of the segment
    const after = await folder.open({ segmentBytes: 2000 });
    await failsWithCorruption(() => allOf(after, 'a'), file, 40);
    const behind = await after.read('a', { from: 30 });
    expect(behind.length).to.equal(healthy - 30);
  });

  it('refuses a log of which a segment, or what its checkpoint stands on, is gone', async () => {
    const before = await folder.open({ segmentBytes: 2000 });
    for (let at = 0; at < 40; at++) await before.commit({ records: [text('a', `${at}`.padEnd(200))] });
    await before.close();
    const names = filesOf(folder.path(), 'seg');
    for (const gone of [0, 1, names.length - 1]) {
      const copy = crashCopy(folder.path());
      rmSync(join(copy, names[gone] ?? ''));
      expect(await thrownBy(() => openStore(copy))).to.be.instanceOf(CorruptionError);
    }
  });

  it('uses the checkpoint before when the newest is damaged, and reads an index again that is', async () => {
    const before = await folder.open({ segmentBytes: 2000 });
    for (let at = 0; at < 40; at++)
      await before.commit({ records: [text('a', `${at}`.padEnd(200))], puts: [{ key: 'k', value: `${at}` }] });
    await before.close();
    flip(join(folder.path(), filesOf(folder.path(), 'ckp').at(-1) ?? ''), 40);
    flip(join(folder.path(), filesOf(folder.path(), 'idx')[0] ?? ''), 40);
    const { logger, lines } = hearing();
    const store = await folder.open({ logger });
    expect(lines.filter((line) => /checkpoint|index/.test(line)).length).to.equal(2);
    expect(store.get('k')).to.equal('39');
    expect((await allOf(store, 'a')).length).to.equal(40);
  });

  it('removes a segment that was begun and never used, and refuses one of another version', async () => {
    const before = await folder.open();
    await before.commit({ records: [text('a', 'one')] });
    await before.close();
    const { length: size } = readFileSync(join(folder.path(), filesOf(folder.path(), 'seg')[0] ?? ''));
    const begun = join(folder.path(), `${String(size).padStart(16, '0')}.seg`);
    writeFileSync(begun, Buffer.alloc(10));
    const store = await folder.open();
    expect(await textsOf(store, 'a')).to.deep.equal(['one']);
    await store.close();
    const first = join(folder.path(), filesOf(folder.path(), 'seg')[0] ?? '');
    const header = readFileSync(first).subarray(0, 40);
    header.writeUInt32LE(3, 8);
    header.writeUInt32LE(crc32c(new DataView(header.buffer, header.byteOffset, 40), 0, 36), 36);
    const fd = openSync(first, 'r+');
    writeSync(fd, header, 0, 40, 0);
    closeSync(fd);
    expect(await thrownBy(() => folder.open())).to.be.instanceOf(FormatVersionError);
  });
});
