import { rmSync } from 'node:fs';
import { expect } from 'chai';
import { type Batch, recordId, StoreClosedError } from '../../../src/log/index.js';
import { allOf, filesOf, storeFolder, text, textsOf } from './support.js';

describe('log store', () => {
  const folder = storeFolder();

  it('counts the records of each topic from 0 and gives a batch one timestamp', async () => {
    const store = await folder.open({ nowMs: () => 1000 });
    const result = await store.commit({ records: [text('a', '1'), text('b', '2'), text('a', '3')] });
    expect(result).to.deep.equal({ timestampMs: 1000, sequences: [0, 0, 1] });
    expect(recordId(result.timestampMs, 1)).to.equal('1000-1');
    expect(store.topic('a')).to.deep.equal({
      topic: 'a',
      firstSequence: 0,
      lastSequence: 1,
      lastTimestampMs: 1000,
      length: 2,
    });
  });

  it('goes on counting, and never back in time, after a restart with the clock set back', async () => {
    const before = await folder.open({ nowMs: () => 5000 });
    await before.commit({ records: [text('a', '1')] });
    await before.close();
    const after = await folder.open({ nowMs: () => 100 });
    expect(await after.commit({ records: [text('a', '2')] })).to.deep.equal({ timestampMs: 5000, sequences: [1] });
    expect(await textsOf(after, 'a')).to.deep.equal(['1', '2']);
  });

  it('shows a commit when it is done and not before', async () => {
    const store = await folder.open();
    const commit = store.commit({ records: [text('a', '1')], puts: [{ key: 'k', value: 'v' }] });
    expect(store.topic('a')).to.equal(undefined);
    expect(store.get('k')).to.equal(undefined);
    await commit;
    expect(await textsOf(store, 'a')).to.deep.equal(['1']);
    expect(store.get('k')).to.equal('v');
  });

  it('syncs commits that come together once', async () => {
    const store = await folder.open();
    await Promise.all(Array.from({ length: 1000 }, (_, at) => store.commit({ records: [text('a', String(at))] })));
    expect(store.stats()).to.include({ commits: 1000, inFlight: 0 });
    expect(store.stats().syncs).to.be.below(10);
    expect(await textsOf(store, 'a')).to.deep.equal(Array.from({ length: 1000 }, (_, at) => String(at)));
  });

  it('tells who submits what became of it, in the order of the calls and never within one; one that throws holds up no other', async () => {
    const store = await folder.open();
    const told: string[] = [];
    const submit = (name: string, batch: Batch, onTold = (): void => undefined): void =>
      store.submit(batch, {
        stored: ({ sequences }) => onTold() ?? told.push(`${name} ${sequences.join()}`),
        refused: ({ message }) => told.push(`${name} ${message.slice(0, 30)}`),
      });
    const uncaught = new Promise<Error>((resolve) => {
      const others = process.listeners('uncaughtException');
      process.removeAllListeners('uncaughtException');
      process.once('uncaughtException', (error) => {
        for (const other of others) process.on('uncaughtException', other);
        resolve(error);
      });
    });
    submit('first', { records: [text('a', 'x')] });
    submit('throws', { records: [text('a', 'y')] }, () => {
      throw new Error('of its own');
    });
    submit('nothing', {});
    submit('too long', { records: [text('t'.repeat(1001), 'x')] });
    submit('last', { records: [text('a', 'z')] });
    expect(told).to.deep.equal([]);
    await store.flush();
    expect(told).to.deep.equal(['nothing ', 'too long the name of a topic has 1 to 1', 'first 0', 'last 2']);
    expect(await uncaught).to.have.property('message', 'of its own');
    await store.close();
    submit('closed', { records: [text('a', 'x')] });
    await new Promise((resolve) => setImmediate(resolve));
    expect(told.at(-1)).to.match(/^closed /);
  });

  it('makes commits wait their turn when too many bytes are in flight', async () => {
    const store = await folder.open({ maxInFlightBytes: 1000 });
    const commits = Array.from({ length: 50 }, (_, at) => store.commit({ records: [text('a', `${at}`.padEnd(100))] }));
    expect(store.congested).to.equal(true);
    await store.drained();
    expect(store.congested).to.equal(false);
    const sequences = (await Promise.all(commits)).flatMap((result) => result.sequences);
    expect(sequences).to.deep.equal(Array.from({ length: 50 }, (_, at) => at));
  });

  it('keeps facts over a restart and lists them by prefix', async () => {
    const before = await folder.open();
    await before.commit({
      puts: [
        { key: 'proc/b', value: '2' },
        { key: 'proc/a', value: '1' },
        { key: 'other', value: 'x' },
        { key: 'proc/c', value: '3' },
      ],
      deletes: ['proc/c'],
    });
    await before.close();
    const after = await folder.open();
    expect(after.list('proc/')).to.deep.equal([
      ['proc/a', '1'],
      ['proc/b', '2'],
    ]);
    await after.commit({ deletes: ['proc/a'] });
    expect(after.list('')).to.deep.equal([
      ['other', 'x'],
      ['proc/b', '2'],
    ]);
  });

  it('reads forwards and backwards, with bounds', async () => {
    const store = await folder.open();
    for (let at = 0; at < 10; at++) await store.commit({ records: [text('a', String(at)), text('b', 'other')] });
    const sequences = async (options: object): Promise<number[]> =>
      (await store.read('a', options)).map(({ sequence }) => sequence);
    expect(await sequences({ from: 3, limit: 2 })).to.deep.equal([3, 4]);
    expect(await sequences({ from: 8 })).to.deep.equal([8, 9]);
    expect(await sequences({ from: 10 })).to.deep.equal([]);
    expect(await sequences({ reverse: true, limit: 3 })).to.deep.equal([9, 8, 7]);
    expect(await sequences({ reverse: true, from: 1 })).to.deep.equal([1, 0]);
    expect(await sequences({ reverse: true, from: -1 })).to.deep.equal([]);
    expect(await sequences({ limit: 0 })).to.deep.equal([]);
    expect(await store.read('unknown')).to.deep.equal([]);
  });

  it('finds records by time', async () => {
    let now = 1000;
    const store = await folder.open({ nowMs: () => now, segmentBytes: 2000 });
    for (; now < 1400; now += 10) await store.commit({ records: [text('a', 'x'.repeat(200)), text('a', 'y')] });
    expect(await store.sequenceAt('a', 0)).to.equal(0);
    expect(await store.sequenceAt('a', 1100)).to.equal(20);
    expect(await store.sequenceAt('a', 1101)).to.equal(22);
    expect(await store.sequenceAt('a', 9999)).to.equal(80);
    expect(await store.sequenceAt('unknown', 1)).to.equal(0);
  });

  it('takes batches of 5 MiB and reads through them in pages', async () => {
    const store = await folder.open();
    const large = Buffer.alloc(5 * 1024 * 1024, 'ä');
    await store.commit({ records: [text('a', 'before'), { topic: 'a', body: large, headers: Buffer.from('h') }] });
    await store.commit({ records: [text('a', 'after')] });
    await store.close();
    const records = await allOf(await folder.open(), 'a');
    expect(records.map(({ body }) => body.length)).to.deep.equal([6, large.length, 5]);
    expect(records[1]?.body.equals(large)).to.equal(true);
    expect(records[1]?.headers.toString()).to.equal('h');
  });

  it('refuses what does not fit and goes on', async () => {
    const store = await folder.open();
    const refused = async (batch: Batch): Promise<void> => {
      const error = await store.commit(batch).catch((thrown: unknown) => thrown);
      expect(error).to.be.instanceOf(RangeError);
    };
    await refused({ records: [text('', 'x')] });
    await refused({ records: [text('a', 'x'), text('t'.repeat(1001), 'x')] });
    await refused({ puts: [{ key: '', value: 'x' }] });
    await refused({ records: [{ topic: 'a', body: Buffer.alloc(64 * 1024 * 1024) }] });
    expect(await store.commit({})).to.deep.include({ sequences: [] });
    expect((await store.commit({ records: [text('a', 'first')] })).sequences).to.deep.equal([0]);
  });

  it('drops records, deletes segments without live ones, and never gives a sequence again', async () => {
    const store = await folder.open({ segmentBytes: 2000 });
    await store.commit({ puts: [{ key: 'k', value: 'survives' }] });
    for (let at = 0; at < 50; at++) await store.commit({ records: [text('a', `${at}`.padEnd(200))] });
    expect(filesOf(folder.path(), 'seg').length).to.be.above(4);
    expect(await store.drop('a', 30)).to.equal(30);
    expect((await allOf(store, 'a')).map(({ sequence }) => sequence)).to.deep.equal(
      Array.from({ length: 20 }, (_, at) => at + 30),
    );
    expect(await store.drop('a', 999)).to.equal(20);
    expect(filesOf(folder.path(), 'seg').length).to.equal(1);
    expect(store.topic('a')).to.include({ firstSequence: 50, lastSequence: 49, length: 0 });
    await store.close();
    const after = await folder.open();
    expect(after.get('k')).to.equal('survives');
    expect(await allOf(after, 'a')).to.deep.equal([]);
    expect((await after.commit({ records: [text('a', 'next')] })).sequences).to.deep.equal([50]);
  });

  it('starts from frames alone when its indexes are gone', async () => {
    const before = await folder.open({ segmentBytes: 2000 });
    for (let at = 0; at < 50; at++)
      await before.commit({
        records: [text(at % 2 ? 'a' : 'b', `${at}`.padEnd(200))],
        puts: [{ key: 'k', value: `${at}` }],
      });
    await before.close();
    for (const name of [...filesOf(folder.path(), 'idx'), ...filesOf(folder.path(), 'ckp')])
      rmSync(`${folder.path()}/${name}`);
    const after = await folder.open();
    expect(after.get('k')).to.equal('49');
    expect((await allOf(after, 'b')).length).to.equal(25);
  });

  for (const sync of ['never', { intervalMs: 20 }] as const)
    it(`with sync ${JSON.stringify(sync)} answers before the disk does and syncs with flush()`, async () => {
      const store = await folder.open({ sync });
      await store.commit({ records: [text('a', '1')] });
      await store.flush();
      expect(store.stats().syncs).to.equal(1);
      await store.close();
      expect(await textsOf(await folder.open(), 'a')).to.deep.equal(['1']);
    });

  it('flushes and drops while others go on committing, over many segments', async () => {
    for (const sync of ['always', 'never', { intervalMs: 1 }] as const) {
      const store = await folder.open({ sync, segmentBytes: 1000 });
      let isDone = false;
      const lane = async (): Promise<void> => {
        while (!isDone) await store.commit({ records: [text('a', 'x'.repeat(100))] });
      };
      const lanes = Array.from({ length: 10 }, lane);
      for (let round = 0; round < 10; round++) {
        await store.commit({ records: [text('a', 'mine')] });
        await store.flush();
        await store.drop('a', (store.topic('a')?.lastSequence ?? 0) - 20);
      }
      isDone = true;
      await Promise.all(lanes);
      await store.close();
    }
  });

  it('reads on where records begin when they are dropped under the reader', async () => {
    const store = await folder.open({ segmentBytes: 2000, sync: 'never' });
    const records = Array.from({ length: 5 }, () => text('a', 'x'.repeat(100)));
    for (let at = 0; at < 300; at++) await store.commit({ records });
    let isDone = false;
    const dropping = (async () => {
      for (let first = 0; first < 1400 && !isDone; first += 35) await store.drop('a', first);
    })();
    let last = -1;
    for await (const page of store.pages('a', { maxBytes: 300, limit: 1500 }))
      for (const { sequence, body } of page) {
        expect(sequence).to.be.above(last);
        expect(body.length).to.equal(100);
        last = sequence;
      }
    expect(last).to.equal(1499);
    isDone = true;
    await dropping;
  });

  it('refuses every call once it is closed', async () => {
    const store = await folder.open();
    const last = store.commit({ records: [text('a', '1')] });
    await Promise.all([store.close(), store.close()]);
    expect((await last).sequences).to.deep.equal([0]);
    for (const call of [() => store.commit({}), () => store.read('a'), () => store.flush(), () => store.drop('a', 1)])
      expect(await call().catch((error: unknown) => error)).to.be.instanceOf(StoreClosedError);
    for (const call of [() => store.get('k'), () => store.list(''), () => store.topic('a'), () => store.topics()])
      expect(call).to.throw(StoreClosedError);
  });
});
