import { appendFile, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { RedriveJournal } from '../../src/cli/dead-journal.js';
import { asQueueName } from '../../src/names.js';

const entry = (key: string, redriven = 0) => ({ key, id: `id-${key}`, redriven });
const NOBODY = () => false;

describe('the journal of a redrive', () => {
  let dir: string;
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'msgflo-journal-'));
  });
  afterEach(() => rm(dir, { recursive: true }));

  const read = (queue = 'q', broker = 'amqp://me:secret@host') =>
    RedriveJournal.read({ dir, broker, queue: asQueueName(queue) });

  /** What a run leaves that ends at some point. */
  async function crash(...keys: readonly string[]): Promise<void> {
    const journal = await read();
    for (const key of keys) await journal.begin(entry(key));
    await journal.close();
  }

  it('tells the next run what was begun, by key or by message id, and of no other queue', async () => {
    await crash('a', 'b');
    const journal = await read();
    expect(['a', 'b', 'c'].map((key) => journal.isUnsure(entry(key)))).to.deep.equal([true, true, false]);
    expect(journal.isUnsure({ key: 'a#2', id: 'id-a', redriven: 0 })).to.equal(true);
    expect(journal.isUnsure({ key: 'x', redriven: 0 })).to.equal(false);
    expect(journal.isUnsure(entry('a', 1)), 'it was sent, and died again').to.equal(false);
    expect((await read('other')).isUnsure(entry('a'))).to.equal(false);
    expect((await read('q', 'amqp://me:other@host')).isUnsure(entry('a')), 'the password does not count').to.equal(
      true,
    );
  });

  it('forgets what was begun when the round is over, and leaves no file', async () => {
    const journal = await read();
    await journal.begin(entry('a'));
    expect(await readdir(dir)).to.have.length(1);
    await journal.end(() => true);
    expect(await readdir(dir)).to.deep.equal([]);
    expect((await read()).isUnsure(entry('a'))).to.equal(false);
  });

  it('keeps what is still unsure, over several runs', async () => {
    await crash('a', 'b');
    const second = await read();
    await second.begin(entry('c'));
    await second.end(({ key }) => key === 'a');
    const third = await read();
    expect(['a', 'b', 'c'].map((key) => third.isUnsure(entry(key)))).to.deep.equal([false, true, false]);
    await third.end(NOBODY);
    expect((await read()).isUnsure(entry('b'))).to.equal(true);
  });

  it('passes over a line that a crash cut short, and goes on behind it', async () => {
    await crash('a');
    const [name = ''] = await readdir(dir);
    await appendFile(join(dir, name), '{"key":"b","redri');
    const journal = await read();
    await journal.begin(entry('c'));
    await journal.close();
    const next = await read();
    expect(['a', 'b', 'c'].map((key) => next.isUnsure(entry(key)))).to.deep.equal([true, false, true]);
  });

  it('names neither the broker nor its password in the names of its files', async () => {
    await crash('a');
    expect((await readdir(dir))[0]).to.match(/^redrive-[\da-f]{16}-\d+\.jsonl$/);
  });
});
