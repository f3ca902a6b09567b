import { expect } from 'chai';
import { openLogNode, openStore, type ProcOptions } from '../../../src/log/index.js';
import { crashCopy } from '../store/support.js';
import { bodies, commitNumbers, describeNodes, FakeClock, given, record, refusal, to } from './support.js';

const OPTIONS: ProcOptions = { name: 'p', offset: '>' };

describeNodes('restarts', (nodes) => {
  if (!nodes.isDurable) return;

  it('keeps a claim out, with its token', async () => {
    let node = await nodes.open();
    await commitNumbers(node, 't', 2);
    const claim = await node.proc('t', OPTIONS);
    node = await nodes.reopen();
    expect(node.inspectProc('p')).to.include({ unacked: 1, ready: 1, lastClaimedRange: claim?.range });
    expect(await node.proc('t', OPTIONS)).to.equal(undefined);
    expect(await node.ack('p', claim?.token)).to.equal(claim?.range);
    expect(given(await node.proc('t', OPTIONS))).to.deep.equal([1]);
  });

  it('takes an ack, an ackCommit and a reclaim without a token afterwards', async () => {
    let node = await nodes.open();
    await commitNumbers(node, 't', 3);
    const claim = await node.proc('t', OPTIONS);
    node = await nodes.reopen();
    expect(await node.ack('p')).to.equal(claim?.range);
    await node.proc('t', OPTIONS);
    node = await nodes.reopen();
    await node.ackCommit('p', [record('out', 'x')]);
    const third = await node.proc('t', OPTIONS);
    node = await nodes.reopen();
    await node.reclaim('p');
    node = await nodes.reopen();
    const again = await node.proc('t', OPTIONS);
    expect(again).to.deep.include({ range: third?.range, reclaims: 1 });
    expect(bodies(await node.range('out'))).to.deep.equal(['x']);
    node = await nodes.reopen();
    expect(await refusal(() => node.ack('p', third?.token))).to.equal('stale_claim');
    await node.ack('p', again?.token);
    node = await nodes.reopen();
    expect(await node.proc('t', OPTIONS)).to.equal(undefined);
    expect(await refusal(() => node.ack('p'))).to.equal('invalid_ack');
  });

  it('goes on counting what came back', async () => {
    let node = await nodes.open();
    await commitNumbers(node, 't', 1);
    for (let at = 0; at < 3; at++) {
      await node.proc('t', { ...OPTIONS, maxReclaims: 3 });
      await node.reclaim('p');
      node = await nodes.reopen();
    }
    expect(node.inspectProc('p')).to.include({ status: 'disabled', reclaims: 3 });
    await node.resumeProc('p');
    node = await nodes.reopen();
    expect(node.inspectProc('p')).to.include({ status: 'active', reclaims: 0 });
  });

  it('knows what was acknowledged beyond a gap', async () => {
    let node = await nodes.open();
    await commitNumbers(node, 't', 10);
    await node.ensureProc('t', { ...OPTIONS, maxClaims: 8 });
    const claims = await node.claim('p', 8);
    for (const at of [2, 4, 5, 3, 7]) await node.ack('p', claims[at]?.token);
    expect(node.inspectProc('p').position).to.equal(0);
    node = await nodes.reopen();
    expect(node.inspectProc('p')).to.include({ position: 0, unacked: 3, ready: 2 });
    await node.reclaim('p', claims[1]?.token);
    await node.ack('p', claims[0]?.token);
    node = await nodes.reopen();
    expect(node.inspectProc('p')).to.include({ position: 1, unacked: 1, ready: 3 });
    expect((await node.claim('p', 9)).map(given)).to.deep.equal([[1], [8], [9]]);
    await node.ack('p', claims[6]?.token);
    await node.reclaim('p');
    await node.reclaim('p');
    await node.ack('p');
    expect(node.inspectProc('p')).to.include({ position: 8, unacked: 0, ready: 2 });
    node = await nodes.reopen();
    expect((await node.claim('p', 9)).map(given)).to.deep.equal([[8], [9]]);
  });

  it('gives a claim that a crash forgot to somebody else, and refuses its late ack', async () => {
    const node = await nodes.open({ clock: new FakeClock() }); // no time goes by, so the claim is not written
    await commitNumbers(node, 't', 1);
    const lost = await node.proc('t', OPTIONS);
    const crashed = openLogNode(await openStore(crashCopy(nodes.folder())));
    expect(given(await crashed.proc('t', OPTIONS))).to.deep.equal([0]);
    expect(await refusal(() => crashed.ack('p', lost?.token))).to.equal('stale_claim');
    await crashed.close();
  });

  it('remembers a claim through a crash once it was out for a moment', async () => {
    const clock = new FakeClock();
    const node = await nodes.open({ clock });
    await commitNumbers(node, 't', 1);
    const claim = await node.proc('t', OPTIONS);
    for (let at = 0; at < 3; at++) await clock.advance(5);
    await node.commit([record('u', 'behind it')]);
    const crashed = openLogNode(await openStore(crashCopy(nodes.folder())));
    expect(await crashed.proc('t', OPTIONS)).to.equal(undefined);
    expect(await crashed.ack('p', claim?.token)).to.equal(claim?.range);
    await crashed.close();
  });

  it('has left of a claim the time that it had, and not more', async () => {
    const clock = new FakeClock();
    let node = await nodes.open({ clock });
    await commitNumbers(node, 't', 1);
    const claim = await node.proc('t', { ...OPTIONS, reclaimTimeout: 300 });
    await clock.advance(200);
    node = await nodes.reopen({ clock });
    await clock.advance(99);
    expect(node.inspectProc('p').unacked).to.equal(1);
    await clock.advance(1);
    expect(node.inspectProc('p')).to.include({ unacked: 0, reclaims: 1 });
    expect(await refusal(() => node.ack('p', claim?.token))).to.equal('stale_claim');
  });

  it('says of what may have been given out before a crash that it may be repeated, and of nothing after a close', async () => {
    let node = await nodes.open();
    await node.inqueue('q', { maxClaims: 10 });
    await commitNumbers(node, 'q', 3);
    expect((await node.claim('in:q', 1))[0]?.isRepeated).to.equal(false);
    const crashed = openLogNode(await openStore(crashCopy(nodes.folder())));
    const again = await crashed.claim('in:q', 10);
    expect(again.map(({ isRepeated }) => isRepeated)).to.deep.equal([true, true, true]);
    await commitNumbers(crashed, 'q', 1);
    expect((await crashed.claim('in:q', 1))[0]?.isRepeated, 'it came later').to.equal(false);
    await crashed.close();
    await node.ack('in:q');
    node = await nodes.reopen();
    expect((await node.claim('in:q', 10)).map(({ isRepeated }) => isRepeated)).to.deep.equal([false, false]);
  });

  it('leaves the other procs, processors and bindings as they were when one was destroyed', async () => {
    let node = await nodes.open();
    await commitNumbers(node, 't', 3);
    for (const name of ['a', 'a\u00a7b', 'b', 'z']) {
      await node.ensureProc('t', { name, offset: '>', maxClaims: 3 });
      const [, second] = await node.claim(name, 3);
      await node.ack(name, second?.token);
    }
    const definition = { name: 'sys', from: ['t'], to: ['u'], processor: './x.js', options: { offset: '>', count: 5 } };
    await node.systemProc(definition);
    await node.bind(to('t', 'copy'));
    await node.destroyProc('a');
    node = await nodes.reopen();
    expect(node.listProcs().map(({ name }) => name)).to.have.members(['a\u00a7b', 'b', 'z', 'sys']);
    expect(node.inspectProc('sys').count).to.equal(5);
    expect(node.processors()).to.deep.equal([definition]);
    expect(node.bindings()).to.deep.equal([to('t', 'copy')]);
    for (const name of ['a\u00a7b', 'b', 'z']) {
      expect(node.inspectProc(name)).to.include({ unacked: 2, ready: 0 });
      await node.reclaim(name);
      expect((await node.claim(name, 3)).map(given)).to.deep.equal([[2]]);
    }
    await node.ensureProc('t', { name: 'a', offset: '>', maxClaims: 9 });
    expect((await node.claim('a', 9)).map(given)).to.deep.equal([[0], [1], [2]]);
  });

  it('starts a proc from now where it was made, not where it is opened', async () => {
    let node = await nodes.open();
    await commitNumbers(node, 't', 2);
    await node.ensureProc('t', { name: 'p', offset: '$>' });
    await commitNumbers(node, 't', 1, 2);
    node = await nodes.reopen();
    expect(given(await node.proc('t', { name: 'p', offset: '$>' }))).to.deep.equal([2]);
  });
});
