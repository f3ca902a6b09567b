import { expect } from 'chai';
import type { LogNode, RangeOptions } from '../../../src/log/index.js';
import { isObjectText, isTopicName } from '../../../src/log/index.js';
import { bodies, describeNodes, record, refusal, to } from './support.js';

describeNodes('records and ranges', (nodes) => {
  /** Ids 1000-0, 1000-1, 2000-2, 3000-3, 3000-4. */
  async function filled(): Promise<LogNode> {
    let now = 1000;
    const node = await nodes.open({ nowMs: () => now });
    await node.commit([record('t', 0), record('t', 1)]);
    now = 2000;
    await node.commit([record('t', 2)]);
    now = 3000;
    await node.commit([record('t', 3), record('t', 4)]);
    return node;
  }

  it('gives the ids of a batch one timestamp and counts each topic from 0', async () => {
    const node = await nodes.open({ nowMs: () => 1000 });
    expect(await node.commit([record('a', {}), record('a', {})])).to.deep.equal(['1000-0', '1000-1']);
    expect(await node.commit([record('b', {}), record('c', {})])).to.deep.equal(['1000-0', '1000-0']);
    expect(await node.commit([record('a', {})])).to.deep.equal(['1000-2']);
  });

  if (nodes.isDurable)
    it('goes on counting after a restart', async () => {
      await (await filled()).close();
      expect((await (await nodes.open()).commit([record('t', 5)]))[0]).to.match(/-5$/);
    });

  const forms: readonly [title: string, options: RangeOptions, expected: number[]][] = [
    ['everything', {}, [0, 1, 2, 3, 4]],
    ['open ends', { start: '', end: '' }, [0, 1, 2, 3, 4]],
    ['a limit', { limit: 2 }, [0, 1]],
    ['a limit of zero or less', { limit: -1 }, [0, 1, 2, 3, 4]],
    ['ids', { start: '1000-1', end: '3000-3' }, [1, 2, 3]],
    ['ids, exclusive', { start: '1000-1', end: '3000-3', exclusive: true }, [2]],
    ['one id', { start: '2000-2', end: '2000-2' }, [2]],
    ['one id, exclusive', { start: '2000-2', end: '2000-2', exclusive: true }, []],
    ['ids between records', { start: '1500-0', end: '2500-9' }, [2]],
    ['ids between records, exclusive', { start: '1500-0', end: '2500-9', exclusive: true }, [2]],
    ['a millisecond', { start: '1000', end: '1000' }, [0, 1]],
    ['milliseconds, exclusive all the same', { start: '1000', end: '3000', exclusive: true }, [0, 1, 2, 3, 4]],
    ['milliseconds between records', { start: '1001', end: '2999' }, [2]],
    ['from a time', { start: '2000' }, [2, 3, 4]],
    ['sequences', { start: ':1', end: ':3' }, [1, 2, 3]],
    ['sequences, exclusive', { start: ':1', end: ':3', exclusive: true }, [2]],
    ['a sequence and a time', { start: ':1', end: '2000', exclusive: true }, [2]],
    ['a start beyond the end', { start: ':3', end: ':1' }, []],
    ['times after the last', { start: '9000' }, []],
  ];
  for (const [title, options, expected] of forms)
    it(`reads ${title}`, async () => {
      const node = await filled();
      expect(bodies(await node.range('t', options))).to.deep.equal(expected);
    });

  it('reads backwards, with the newer bound first', async () => {
    const node = await filled();
    const down = async (options?: RangeOptions): Promise<unknown[]> => bodies(await node.revrange('t', options));
    expect(await down()).to.deep.equal([4, 3, 2, 1, 0]);
    expect(await down({ limit: 2 })).to.deep.equal([4, 3]);
    expect(await down({ start: ':3', end: '1000-1' })).to.deep.equal([3, 2, 1]);
    expect(await down({ start: ':3', end: ':1', exclusive: true })).to.deep.equal([2]);
    expect(await down({ start: '2000' })).to.deep.equal([2, 1, 0]);
    expect(await down({ start: ':1', end: ':3' })).to.deep.equal([]);
  });

  it('refuses what it cannot find or read', async () => {
    const node = await filled();
    for (const bad of ['x', '1-2-3', '-1', ':', ':x', '1.5', ' 1', '>', '1-'])
      expect(await refusal(() => node.range('t', { start: bad })), bad).to.equal('invalid_range_offset');
    expect(await refusal(() => node.range('t', { end: 'x' }))).to.equal('invalid_range_offset');
    expect(await refusal(() => node.range('t', { start: ':5' }))).to.equal('invalid_tone_id_search');
    expect(await refusal(() => node.range('nowhere'))).to.equal('invalid_topic');
    expect(await refusal(() => node.revrange('nowhere'))).to.equal('invalid_topic');
    expect(await refusal(() => node.length('nowhere'))).to.equal('invalid_topic');
    expect(await refusal(() => node.commit([]))).to.equal('invalid_log_format');
    expect(await refusal(() => node.commit([record('', {})]))).to.equal('invalid_topic_format');
    expect(await refusal(() => node.commit([record('t'.repeat(201), {})]))).to.equal('invalid_topic_format');
    const large = { topic: 't', body: Buffer.alloc(63 * 1024 * 1024) };
    expect(await refusal(() => node.commit([large]))).to.equal('commit_too_large');
    expect(await node.length('t')).to.equal(5);
  });

  it('stays in order of commit when the clock is set back', async () => {
    let now = 5000;
    const node = await nodes.open({ nowMs: () => now });
    await node.commit([record('t', 0)]);
    now = 1000;
    expect(await node.commit([record('t', 1)])).to.deep.equal(['5000-1']);
    now = 6000;
    await node.commit([record('t', 2)]);
    expect(bodies(await node.range('t'))).to.deep.equal([0, 1, 2]);
    expect(bodies(await node.range('t', { start: '5000', end: '5000' }))).to.deep.equal([0, 1]);
  });

  it('reads more than fits into one page', async () => {
    const node = await nodes.open();
    const text = 'x'.repeat(300_000);
    for (let at = 0; at < 10; at++) await node.commit([record('t', { at, text })]);
    expect((await node.range('t')).length).to.equal(10);
    const sizes: number[] = [];
    for await (const page of node.pages('t', { limit: 9 })) sizes.push(page.length);
    expect(sizes.length).to.be.above(1);
    expect(sizes.reduce((sum, size) => sum + size)).to.equal(9);
  });

  it('tells followers of new records once for many', async () => {
    const node = await nodes.open();
    const told: number[] = [];
    const unsubscribe = node.onRecords('t', (last) => told.push(last));
    await Promise.all(Array.from({ length: 100 }, (_, at) => node.commit([record('t', at)])));
    expect(told.at(-1)).to.equal(99);
    expect(told.length).to.be.below(20);
    expect(bodies(await node.read('t', 98))).to.deep.equal([98, 99]);
    unsubscribe();
    await node.commit([record('t', 100)]);
    expect(told.at(-1)).to.equal(99);
  });

  it('refuses every call once it is closed', async () => {
    const node = await filled();
    await node.close();
    await node.close();
    for (const call of [
      () => node.commit([record('t', 1)]),
      () => node.range('t'),
      () => node.proc('t', { name: 'p', offset: '>' }),
      () => node.ack('p'),
      () => node.inspectProc('p'),
      () => node.waitForProcs(),
      () => node.bind(to('a', 'b')),
    ])
      expect(await refusal(call)).to.equal('MSGFLO_LOG_CLOSED');
  });
});

describe('checks at the door of a log', () => {
  it('knows names and bodies that an API takes', () => {
    expect(['a', 'A-1_b'].every(isTopicName)).to.equal(true);
    expect(['', 'a.b', 'a b', 'ü', 'a\n'].some(isTopicName)).to.equal(false);
    expect(['{}', ' \n[1]'].every((text) => isObjectText(Buffer.from(text)))).to.equal(true);
    expect(['', 'null', '1', '"{}"'].some((text) => isObjectText(Buffer.from(text)))).to.equal(false);
  });
});
