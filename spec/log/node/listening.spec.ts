import { expect } from 'chai';
import { readHeaders, writeHeaders } from '../../../src/log/index.js';
import { describeNodes, record, to } from './support.js';

describeNodes('being told of commits, and facts of others', (nodes) => {
  it('tells each listener of each record once it is safe, copies too, until it is taken away', async () => {
    const errors: string[] = [];
    const node = await nodes.open({ onError: (_, during) => errors.push(during) });
    const seen: string[] = [];
    node.onCommit('b', () => {
      throw new Error('broken');
    });
    const stop = node.onCommit('b', ({ topic, body }) => seen.push(`${topic} ${Buffer.from(body)}`));
    node.onCommit('a', ({ body }) => seen.push(`a ${Buffer.from(body)}`));
    await node.bind(to('a', 'b'));
    const committing = node.commit([record('a', 1), record('x', 2), record('b', 3)]);
    expect(seen).to.deep.equal([]);
    await committing;
    expect([...seen].sort()).to.deep.equal(['a 1', 'b 1', 'b 3']);
    expect(errors).to.have.length(2);
    await node.ensureProc('a', { name: 'p', offset: '>' });
    await node.claim('p', 1);
    stop();
    stop();
    await node.ackCommit('p', [record('a', 4), record('b', 5)]);
    expect(seen.slice(3)).to.deep.equal(['a 4']);
  });

  it('keeps facts of others apart from its own, and over a restart', async () => {
    let node = await nodes.open();
    await node.ensureProc('t', { name: 'p', offset: '>' });
    await node.facts.write([
      { key: 'proc/x', value: 'mine' },
      { key: 'b', value: '2' },
    ]);
    await node.facts.write([{ key: 'a', value: '1' }], ['b']);
    if (nodes.isDurable) node = await nodes.reopen();
    expect(node.listProcs().map(({ name }) => name)).to.deep.equal(['p']);
    expect(node.facts.list('')).to.deep.equal([
      ['a', '1'],
      ['proc/x', 'mine'],
    ]);
    expect([node.facts.get('proc/x'), node.facts.get('b'), node.facts.list('proc')]).to.deep.equal([
      'mine',
      undefined,
      [['proc/x', 'mine']],
    ]);
  });

  it('reads headers as they were written, and none where there is no such text', () => {
    const headers = { a: 'ä', b: '' };
    expect(readHeaders(writeHeaders(headers))).to.deep.equal({ headers, source: undefined });
    for (const text of ['', '{}', 'h', 'null', '[1]', '{"a":'])
      expect(readHeaders(Buffer.from(text)), text).to.deep.equal({ headers: {}, source: undefined });
  });
});
