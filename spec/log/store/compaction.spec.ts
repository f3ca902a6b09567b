import { copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { expect } from 'chai';
import { CorruptionError, DiskFullError, type LogStore, openLogView, segmentFiles } from '../../../src/log/index.js';
import { type DiskCalls, diskCalls } from '../../../src/log/store/disk-calls.js';
import { openStore } from '../../../src/log/store/open-store.js';
import { allOf, crashCopy, filesOf, storeFolder, text, textsOf } from './support.js';

const SMALL = { segmentBytes: 2000 };

interface Shown {
  readonly sequence: number;
  readonly timestampMs: number;
  readonly body: string;
  readonly headers: string;
}

async function shown(store: LogStore, topic: string): Promise<Shown[]> {
  return (await allOf(store, topic)).map(({ sequence, timestampMs, body, headers }) => ({
    ...{ sequence, timestampMs },
    body: body.toString(),
    headers: headers.toString(),
  }));
}

async function failureOf(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => undefined,
    (error: unknown) => error,
  );
}

describe('compaction of a log store', () => {
  const folder = storeFolder();

  /** A quiet topic with one record in ten, a busy one that is dropped but for its end, and facts. */
  async function filled(store: LogStore): Promise<void> {
    for (let at = 0; at < 100; at++)
      await store.commit({
        records: [
          { ...text('busy', `${at}`.padEnd(150)), headers: Buffer.from(`h${at}`) },
          ...(at % 10 === 0 ? [text('quiet', `quiet ${at}`)] : []),
        ],
        puts: [{ key: `fact/${at % 7}`, value: `${at}` }],
      });
    await store.drop('busy', 95);
    await store.drop('quiet', 1);
  }

  async function stateOf(store: LogStore): Promise<unknown> {
    return {
      busy: await shown(store, 'busy'),
      quiet: await shown(store, 'quiet'),
      topics: store.topics(),
      facts: store.list(''),
    };
  }

  it('keeps what is needed, as it was, in far less room; also for the next start', async () => {
    let store = await folder.open(SMALL);
    await filled(store);
    const before = await stateOf(store);
    const { segments, bytes } = store.stats();
    expect(segments).to.be.above(5);
    const result = await store.compact();
    expect(store.stats()).to.include({ segments: result.segments, bytes: result.bytes });
    expect(result.freedBytes).to.equal(bytes - result.bytes);
    expect(result.rewritten).to.be.above(5);
    expect(result.bytes).to.be.below(3500);
    expect(filesOf(folder.path(), 'seg').length).to.equal(result.segments);
    expect(await stateOf(store)).to.deep.equal(before);
    expect((await store.read('quiet', { from: 5, limit: 1 }))[0]?.body.toString()).to.equal('quiet 50');
    const copy = await openStore(crashCopy(folder.path()));
    expect(await stateOf(copy)).to.deep.equal(before);
    await copy.close();
    await store.close();
    for (const name of filesOf(folder.path(), 'idx')) rmSync(join(folder.path(), name));
    store = await folder.open(SMALL);
    expect(await stateOf(store)).to.deep.equal(before);
    expect((await store.commit({ records: [text('busy', 'next'), text('quiet', 'next')] })).sequences).to.deep.equal([
      100, 10,
    ]);
    const view = openLogView(folder.path());
    expect((await view.read('quiet')).length).to.equal(10);
    view.close();
  });

  it('has nothing to do a second time, and again after more was dropped', async () => {
    const store = await folder.open(SMALL);
    await filled(store);
    await store.compact();
    expect((await store.compact()).rewritten).to.equal(0);
    for (let at = 0; at < 40; at++) await store.commit({ records: [text('busy', `${at}`.padEnd(150))] });
    await store.drop('busy', 140);
    const before = await stateOf(store);
    const { segments } = await store.compact();
    expect(segments).to.equal(2);
    expect(await stateOf(store)).to.deep.equal(before);
    await store.drop('quiet', 10);
    expect(store.stats().segments).to.equal(1);
  });

  it('leaves alone what is mostly needed', async () => {
    const store = await folder.open(SMALL);
    for (let at = 0; at < 40; at++) await store.commit({ records: [text('a', `${at}`.padEnd(150))] });
    await store.drop('a', 3);
    const { bytes } = store.stats();
    expect(await store.compact()).to.include({ rewritten: 0, freedBytes: 0, bytes });
  });

  it('seals first what is written to, if it is asked to', async () => {
    const store = await folder.open();
    await filled(store);
    const before = await stateOf(store);
    expect((await store.compact()).rewritten).to.equal(0);
    const [{ bytes }] = await Promise.all([
      store.compact({ seals: true, minFreedBytes: 1 }),
      store.commit({ puts: [{ key: 'fact/0', value: '98' }] }),
    ]);
    expect(bytes).to.be.below(3000);
    expect(await stateOf(store)).to.deep.equal(before);
    expect((await store.commit({ records: [text('busy', 'next')] })).sequences).to.deep.equal([100]);
  });

  it('holds up neither commits nor reads, and what is dropped meanwhile stays dropped', async () => {
    const store = await folder.open(SMALL);
    let committed = 0;
    let isDone = false;
    const commits = (async () => {
      for (; !isDone; committed++) {
        await store.commit({ records: [text('busy', `${committed}`.padEnd(150)), text('quiet', `${committed}`)] });
        if (committed % 20 === 19) await store.drop('busy', committed - 10);
        if (committed % 50 === 49) await store.drop('quiet', committed - 100);
      }
    })();
    const reads = (async () => {
      while (!isDone) {
        await turn();
        for (const topic of ['busy', 'quiet'])
          for (const { sequence, body } of await allOf(store, topic, 1000))
            if (body.toString().trim() !== `${sequence}`) throw new Error(`record ${sequence} is '${body}'`);
        const at = Math.max(0, committed - 90);
        const [record] = await store.read('quiet', { from: at, limit: 1 });
        expect(await store.sequenceAt('quiet', record?.timestampMs ?? 0)).to.be.at.most(record?.sequence ?? 0);
      }
    })();
    let rewritten = 0;
    try {
      while (committed < 600) {
        rewritten += (await store.compact()).rewritten;
        await turn();
      }
    } finally {
      isDone = true;
    }
    await Promise.all([commits, reads]);
    expect(rewritten).to.be.above(10);
    expect((await textsOf(store, 'quiet')).at(-1)).to.equal(`${committed - 1}`);
  });

  it('lets a read of many blocks go on in the segment that took the place of the one it began in', async () => {
    const store = await folder.open({ segmentBytes: 400_000 });
    const body = Buffer.alloc(1000, 'x');
    for (let round = 0; round < 6; round++) {
      const records = Array.from({ length: 10 }, (_, at) => ({ topic: at < 4 ? 'quiet' : 'busy', body }));
      for (let at = 0; at < 100; at++) await store.commit({ records });
      const count = store.topic('quiet')?.length ?? 0;
      await store.drop('busy', (store.topic('busy')?.lastSequence ?? 0) + 1);
      let isDone = false;
      const compacting = store.compact({ minFreedBytes: 1 }).finally(() => {
        isDone = true;
      });
      const reads: Promise<number>[] = [];
      while (!isDone) {
        reads.push(store.read('quiet', { maxBytes: 10_000_000 }).then(({ length }) => length));
        await turn();
      }
      expect((await compacting).rewritten).to.be.above(0);
      expect(new Set(await Promise.all(reads))).to.deep.equal(new Set([count]));
    }
  });

  it('finishes at the next start what a crash cut off, at each of its steps', async () => {
    const store = await folder.open(SMALL);
    await filled(store);
    const before = await stateOf(store);
    const old = crashCopy(folder.path());
    await store.compact();
    const merged = filesOf(folder.path(), 'seg')[0] ?? '';
    const covered = filesOf(old, 'seg').filter((name) => !filesOf(folder.path(), 'seg').includes(name));
    expect(covered.length).to.be.above(4);
    const check = async (path: string): Promise<void> => {
      expect(segmentFiles(path).length).to.equal(filesOf(folder.path(), 'seg').length);
      const view = openLogView(path);
      expect((await view.read('quiet')).map(({ body }) => body.toString())).to.deep.equal(
        await textsOf(store, 'quiet'),
      );
      view.close();
      const copy = await openStore(path);
      expect(await stateOf(copy)).to.deep.equal(before);
      expect(filesOf(path, 'seg').length).to.equal(filesOf(folder.path(), 'seg').length);
      await copy.close();
    };
    for (const left of [covered.length, 3, 1]) {
      const copy = crashCopy(folder.path());
      for (const name of covered.slice(-left)) {
        copyFileSync(join(old, name), join(copy, name));
        copyFileSync(join(old, name.replace('seg', 'idx')), join(copy, name.replace('seg', 'idx')));
      }
      rmSync(join(copy, merged.replace('seg', 'idx')));
      await check(copy);
    }
    const begun = crashCopy(old);
    writeFileSync(join(begun, `.${merged}.half`), readFileSync(join(folder.path(), merged)).subarray(0, 300));
    rmSync(join(begun, merged.replace('seg', 'idx')));
    for (const name of filesOf(folder.path(), 'ckp')) copyFileSync(join(folder.path(), name), join(begun, name));
    const again = await openStore(begun);
    expect(await stateOf(again)).to.deep.equal(before);
    await again.close();
    expect(filesOf(begun, 'half')).to.deep.equal([]);
  });

  it('does not open when the checkpoints that hold the facts are gone', async () => {
    const store = await folder.open(SMALL);
    await filled(store);
    await store.compact();
    const copy = crashCopy(folder.path());
    for (const name of filesOf(copy, 'ckp')) rmSync(join(copy, name));
    expect(await failureOf(openStore(copy))).to.be.instanceOf(CorruptionError);
  });

  it('leaves a damaged segment as it is, says so, and does the others', async () => {
    const store = await folder.open(SMALL);
    await filled(store);
    const file = join(folder.path(), filesOf(folder.path(), 'seg')[3] ?? '');
    const bytes = readFileSync(file);
    bytes.writeUInt8(bytes.readUInt8(100) ^ 1, 100);
    writeFileSync(file, bytes);
    const error = await failureOf(store.compact());
    expect(error).to.be.instanceOf(CorruptionError).and.to.include({ file, offset: 40 });
    expect(filesOf(folder.path(), 'seg').length).to.be.below(5);
    expect((await store.compact()).rewritten).to.equal(0);
    expect(filesOf(folder.path(), 'seg').map((name) => join(folder.path(), name))).to.include(file);
  });

  for (const code of ['ENOSPC', 'EIO'])
    it(`harms nothing when the copy cannot be written (${code})`, async () => {
      let isBroken = false;
      const disk: DiskCalls = {
        datasync: diskCalls.datasync,
        async write(fd, buffers, position) {
          if (isBroken) throw Object.assign(new Error(`${code}: write`), { code });
          await diskCalls.write(fd, buffers, position);
        },
      };
      const store = await openStore(folder.path(), SMALL, disk);
      try {
        await filled(store);
        const before = await stateOf(store);
        isBroken = true;
        const error = await failureOf(store.compact());
        if (code === 'ENOSPC') expect(error).to.be.instanceOf(DiskFullError);
        else expect(error).to.include({ code });
        isBroken = false;
        expect(await stateOf(store)).to.deep.equal(before);
        expect((await store.compact()).rewritten).to.be.above(5);
        expect(await stateOf(store)).to.deep.equal(before);
      } finally {
        await store.close();
      }
    });

  it('is broken off when the store is closed, or the caller wants that', async () => {
    let store = await folder.open(SMALL);
    await filled(store);
    const before = await stateOf(store);
    const signal = AbortSignal.abort();
    expect((await store.compact({ signal })).rewritten).to.equal(0);
    const compacting = store.compact();
    await store.close();
    await compacting;
    store = await folder.open(SMALL);
    expect(await stateOf(store)).to.deep.equal(before);
  });
});
