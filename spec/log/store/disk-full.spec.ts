import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { DiskFullError, type LogStore, StoreFailedError } from '../../../src/log/index.js';
import { type DiskCalls, diskCalls } from '../../../src/log/store/disk-calls.js';
import { openStore } from '../../../src/log/store/open-store.js';
import { crashCopy, storeFolder, text, textsOf } from './support.js';

/** Stands in for a disk: each call fails as told, after it wrote a part. */
class FailingDisk implements DiskCalls {
  writeError: string | undefined;
  syncError: string | undefined;

  async write(fd: number, buffers: readonly Buffer[], position: number): Promise<void> {
    if (this.writeError === undefined) return diskCalls.write(fd, buffers, position);
    const whole = Buffer.concat(buffers);
    await diskCalls.write(fd, [whole.subarray(0, whole.length / 2)], position);
    throw Object.assign(new Error(`${this.writeError}: write`), { code: this.writeError });
  }

  async datasync(fd: number): Promise<void> {
    if (this.syncError !== undefined)
      throw Object.assign(new Error(`${this.syncError}: fdatasync`), { code: this.syncError });
    return diskCalls.datasync(fd);
  }
}

async function refusal(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => undefined,
    (error: unknown) => error,
  );
}

describe('log store without room', () => {
  const folder = storeFolder();
  let disk: FailingDisk;
  let store: LogStore | undefined;
  beforeEach(() => {
    disk = new FailingDisk();
  });
  afterEach(async () => store?.close());

  for (const which of ['writeError', 'syncError'] as const)
    it(`refuses the commits of a group on ENOSPC (${which}), keeps what it had, and goes on when there is room`, async () => {
      store = await openStore(folder.path(), { segmentBytes: 500 }, disk);
      await store.commit({ records: [text('a', 'before')], puts: [{ key: 'k', value: 'before' }] });
      for (let round = 0; round < 3; round++) {
        disk[which] = 'ENOSPC';
        const refused = await Promise.all(
          ['one', 'two'].map((one) =>
            refusal(
              store?.commit({ records: [text('a', one), text('new', one)], puts: [{ key: 'k', value: one }] }) ??
                Promise.resolve(),
            ),
          ),
        );
        for (const error of refused) {
          expect(error).to.be.instanceOf(DiskFullError);
          expect(error).to.include({ code: 'MSGFLO_LOG_DISK_FULL', retryable: true });
        }
        expect(store.get('k')).to.equal(round === 0 ? 'before' : `after ${round - 1}`);
        disk[which] = undefined;
        const next = await store.commit({
          records: [text('a', `after ${round}`.padEnd(300)), text('new', 'after')],
          puts: [{ key: 'k', value: `after ${round}` }],
        });
        expect(next.sequences).to.deep.equal([round + 1, round]);
      }
      const expected = ['before', 'after 0', 'after 1', 'after 2'];
      expect((await textsOf(store, 'a')).map((one) => one.trim())).to.deep.equal(expected);
      const copy = await openStore(crashCopy(folder.path()));
      expect((await textsOf(copy, 'a')).map((one) => one.trim())).to.deep.equal(expected);
      await copy.close();
    });

  it('stores nothing behind a commit that it refused, also of what waited for room in memory', async () => {
    store = await openStore(folder.path(), { maxInFlightBytes: 1000 }, disk);
    disk.writeError = 'ENOSPC';
    const refusals = Array.from({ length: 20 }, (_, at) =>
      refusal(store?.commit({ records: [text('a', `${at}`.padEnd(200))] }) ?? Promise.resolve()),
    );
    expect(store.congested).to.equal(true);
    await refusals[0];
    disk.writeError = undefined;
    for (const error of await Promise.all(refusals)) expect(error).to.be.instanceOf(DiskFullError);
    expect(store.stats().inFlight).to.equal(0);
    expect((await store.commit({ records: [text('a', 'room')] })).sequences).to.deep.equal([0]);
    await store.flush();
  });

  it('refuses everything after an error that leaves unknown what is on disk, and still reads', async () => {
    store = await openStore(folder.path(), {}, disk);
    await store.commit({ records: [text('a', 'before')] });
    disk.syncError = 'EIO';
    expect(await refusal(store.commit({ records: [text('a', 'lost')] }))).to.be.instanceOf(StoreFailedError);
    disk.syncError = undefined;
    expect(await refusal(store.commit({ records: [text('a', 'late')] }))).to.be.instanceOf(StoreFailedError);
    expect(await textsOf(store, 'a')).to.deep.equal(['before']);
    await store.close();
    store = await openStore(folder.path(), {}, disk);
    expect((await store.commit({ records: [text('a', 'again')] })).sequences).to.deep.equal([1]);
  });

  it('does so on a real file system of 1 MiB', async function () {
    const mount = join(folder.path(), 'small');
    mkdirSync(mount);
    const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', mount]);
    if (status !== 0) return this.skip(); // needs root; the specs above stand in
    try {
      const filler = join(mount, 'filler');
      writeFileSync(filler, Buffer.alloc(600_000));
      store = await openStore(join(mount, 'log'));
      let done = 0;
      let error: unknown;
      while (error === undefined) {
        error = await refusal(store.commit({ records: [text('a', `${done}`.padEnd(10_000))] }));
        if (error === undefined) done++;
      }
      expect(error).to.be.instanceOf(DiskFullError);
      expect(done).to.be.within(5, 60);
      rmSync(filler);
      expect((await store.commit({ records: [text('a', 'room')] })).sequences).to.deep.equal([done]);
      await store.close();
      store = await openStore(join(mount, 'log'));
      expect((await textsOf(store, 'a')).length).to.equal(done + 1);
    } finally {
      await store?.close();
      spawnSync('umount', [mount]);
    }
  });

  it('keeps room for what gives room back, also for a start on the full disk', async function () {
    const mount = join(folder.path(), 'small');
    mkdirSync(mount);
    const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', mount]);
    if (status !== 0) return this.skip(); // needs root
    const log = join(mount, 'log');
    const fill = async (): Promise<void> => {
      for (let error: unknown; error === undefined; )
        error = await refusal(store?.commit({ records: [text('a', 'x'.repeat(10_000))] }) ?? Promise.resolve());
    };
    try {
      store = await openStore(log, { segmentBytes: 200_000 });
      await fill();
      expect(store.stats().isFull).to.equal(true);
      for (let n = 0; n < 100; n++) await store.commit({ puts: [{ key: 'acked', value: String(n) }] });
      await store.close();
      store = await openStore(log, { segmentBytes: 200_000 });
      expect(store.get('acked')).to.equal('99');
      expect(await refusal(store.commit({ records: [text('a', 'late')] }))).to.be.instanceOf(DiskFullError);
      await store.drop('a', 80);
      await new Promise((resolve) => setTimeout(resolve, 220)); // it asks the disk now and then
      await store.commit({ records: [text('b', 'goes on')] });
      expect(store.stats().isFull).to.equal(false);
    } finally {
      await store?.close();
      spawnSync('umount', [mount]);
    }
  });

  it('says that there is no room for a log at all', async function () {
    const mount = join(folder.path(), 'small');
    mkdirSync(mount);
    const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', mount]);
    if (status !== 0) return this.skip(); // needs root
    try {
      mkdirSync(join(mount, 'log'));
      await refusal(writeFile(join(mount, 'filler'), Buffer.alloc(64 * 1024))); // as much as goes in
      const opening = openStore(join(mount, 'log')).then((opened) => opened.close());
      expect(await refusal(opening)).to.be.instanceOf(DiskFullError);
    } finally {
      spawnSync('umount', [mount]);
    }
  });
});
