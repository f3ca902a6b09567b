import { expect } from 'chai';
import { openLogNode, openStore, readHeaders, writeHeaders } from '../../../src/log/index.js';
import { crashCopy } from '../store/support.js';
import { bodies, commitNumbers, describeNodes, given, record, to } from './support.js';

describeNodes('bindings and inqueues', (nodes) => {
  const numbers = (count: number): number[] => Array.from({ length: count }, (_, at) => at);

  it('copies what comes from now on, once and in order, with its headers', async () => {
    const node = await nodes.open();
    await commitNumbers(node, 'src', 2);
    await Promise.all([node.bind(to('src', 'tgt')), node.bind(to('src', 'tgt'))]);
    await commitNumbers(node, 'src', 500);
    await node.commit([{ ...record('src', 500), headers: Buffer.from('h') }]);
    await node.waitForProcs();
    const copies = await node.range('tgt');
    expect(bodies(copies)).to.deep.equal(numbers(501));
    expect(copies.at(-1)?.headers.toString()).to.equal('h');
    expect(node.bindings()).to.deep.equal([to('src', 'tgt')]);
  });

  it('goes through chains and to several targets until it is unbound', async () => {
    const node = await nodes.open();
    await node.bind(to('a', 'b'));
    await node.bind(to('b', 'c'));
    await node.bind(to('a', 'd'));
    await commitNumbers(node, 'a', 20);
    await node.waitForProcs();
    expect([await node.length('c'), await node.length('d')]).to.deep.equal([20, 20]);
    await node.unbind(to('b', 'c'));
    await node.unbind(to('b', 'c'));
    await commitNumbers(node, 'a', 5);
    await node.waitForProcs();
    expect([await node.length('b'), await node.length('c')]).to.deep.equal([25, 20]);
    await node.bind(to('b', 'c'));
    await commitNumbers(node, 'a', 1);
    await node.waitForProcs();
    expect([await node.length('b'), await node.length('c')]).to.deep.equal([26, 21]);
  });

  it('keeps apart bindings whose names are alike', async () => {
    const node = await nodes.open();
    await node.bind(to('a', 'b:c'));
    await node.bind(to('a:b', 'c'));
    await node.bind(to('t'.repeat(200), 'u'.repeat(200)));
    expect(node.bindings()).to.have.length(3);
    await commitNumbers(node, 'a:b', 1);
    await node.waitForProcs();
    expect(await node.length('c')).to.equal(1);
  });

  it('follows a circle once', async () => {
    const node = await nodes.open();
    await node.bind(to('a', 'b'));
    await node.bind(to('b', 'a'));
    await commitNumbers(node, 'a', 3);
    expect([await node.length('a'), await node.length('b')]).to.deep.equal([3, 3]);
  });

  it('is one copy for two kinds of binding, until both are gone', async () => {
    const node = await nodes.open();
    await node.bind(to('a', 'b'));
    await node.bind({ ...to('a', 'b'), kind: 'roundrobin' });
    await commitNumbers(node, 'a', 1);
    await node.unbind(to('a', 'b'));
    await commitNumbers(node, 'a', 1);
    await node.unbind({ ...to('a', 'b'), kind: 'roundrobin' });
    await commitNumbers(node, 'a', 1);
    expect(await node.length('b')).to.equal(2);
  });

  it('copies to who subscribed, what comes by bindings too, saying from where, once', async () => {
    let node = await nodes.open();
    await node.subscribe('mine', ['sensor/+/value', 'role.#', 'all/#', 'role.IN']);
    await node.bind(to('src', 'role.IN'));
    const sent = { body: Buffer.from('1'), headers: writeHeaders({ colour: 'red' }) };
    const topics = ['sensor/a/value', 'sensor/a/b/value', 'sensor/value', 'src', 'all', 'all/of/it', '$all/of'];
    if (nodes.isDurable) node = await nodes.reopen();
    await node.commit(topics.map((topic) => ({ topic, ...sent })));
    await node.commit([record('all', 2)]);
    if (!nodes.isDurable) expect(node.targets('src')).to.deep.equal(['role.IN', 'mine']);
    const copies = (await node.range('mine')).map(({ headers }) => readHeaders(headers));
    expect(copies.map(({ source }) => source)).to.deep.equal(['sensor/a/value', 'role.IN', 'all', 'all/of/it', 'all']);
    expect(copies[0]?.headers).to.deep.equal({ colour: 'red' });
    expect(copies[4]?.headers).to.deep.equal({});
    await node.subscribe('mine', []);
    await commitNumbers(node, 'all', 1);
    expect(await node.length('mine')).to.equal(5);
  });

  it('gives an inqueue to several consumers at once, and buries what comes back too often', async () => {
    const node = await nodes.open();
    await commitNumbers(node, 'q', 3);
    expect(await node.inqueue('q', { maxClaims: 1, maxReclaims: 1 })).to.include({ name: 'in:q', maxClaims: 1 });
    expect(await node.claim('in:q', 4)).to.have.length(1);
    expect(await node.inqueue('q', { maxClaims: 3 })).to.include({ maxClaims: 3, maxReclaims: 1 });
    const [second, third] = await node.claim('in:q', 4);
    expect([given(second), given(third)]).to.deep.equal([[1], [2]]);
    await node.reclaim('in:q', second?.token, 'no good');
    expect(bodies(await node.range('dead-q'))[0]).to.include({ reason: 'no good', body: 1 });
    expect(await node.inqueue('q')).to.include({ maxClaims: 3, unacked: 2, ready: 0 });
  });

  it('makes dead letters as it is told to', async () => {
    const node = await nodes.open({
      deadLetter: ({ body }, { reason }) => ({ body, headers: Buffer.from(reason) }),
    });
    await node.inqueue('q', { maxReclaims: 1, deadletter: 'grave' });
    await commitNumbers(node, 'q', 1);
    await node.claim('in:q', 1);
    await node.reclaim('in:q');
    const [letter] = await node.range('grave');
    expect([letter?.body.toString(), letter?.headers.toString()]).to.deep.equal(['0', 'reclaimed']);
  });

  if (nodes.isDurable) {
    it('goes on after a restart where it was', async () => {
      let node = await nodes.open();
      await node.bind(to('src', 'tgt'));
      const committed = commitNumbers(node, 'src', 300);
      const half = committed.then(() => nodes.reopen());
      node = await half;
      await commitNumbers(node, 'src', 100, 300);
      await node.waitForProcs();
      expect(bodies(await node.range('tgt'))).to.deep.equal(numbers(400));
    });

    it('copies nothing twice and leaves nothing out, wherever it crashed', async () => {
      const node = await nodes.open();
      await node.bind(to('src', 'tgt'));
      await node.inqueue('src', { maxClaims: 10 });
      await node.bind(to('made', 'kept'));
      let isOver = false;
      const writing = (async () => {
        for (let at = 0; !isOver; at++) {
          await node.commit([record('src', at)]);
          const [claim] = await node.claim('in:src', 1);
          await node.ackCommit('in:src', [record('made', at)], claim?.token);
        }
      })();
      for (let crash = 0; crash < 5; crash++) {
        const before = await node.length('src').catch(() => 0);
        while ((await node.length('src').catch(() => 0)) < before + 20) await new Promise(setImmediate);
        const crashed = openLogNode(await openStore(crashCopy(nodes.folder())));
        const found = await crashed.range('src');
        expect(bodies(await crashed.range('tgt'))).to.deep.equal(numbers(found.length));
        const made = bodies(await crashed.range('made'));
        expect(bodies(await crashed.range('kept'))).to.deep.equal(made);
        expect(crashed.inspectProc('in:src').position).to.equal(made.length);
        await crashed.close();
      }
      isOver = true;
      await writing;
    });
  }
});
