import { expect } from 'chai';
import { bodies, commitNumbers, describeNodes, FakeClock, given, refusal } from './support.js';

describeNodes('time limits of claims', (nodes) => {
  it('takes a claim back by itself and gives it to who waits', async () => {
    const node = await nodes.open();
    await commitNumbers(node, 't', 1);
    const options = { name: 'p', offset: '>', reclaimTimeout: 100 };
    const beganMs = performance.now();
    const late = await node.proc('t', options);
    await node.nextWork(['p']);
    const claim = await node.proc('t', options);
    expect(performance.now() - beganMs).to.be.within(95, 400);
    expect(given(claim)).to.deep.equal([0]);
    expect(await refusal(() => node.ack('p', late?.token))).to.equal('stale_claim');
    await node.ack('p', claim?.token);
  });

  it('holds each claim to its own time', async () => {
    const clock = new FakeClock();
    const node = await nodes.open({ clock });
    await commitNumbers(node, 't', 3);
    const claim = async (name: string, reclaimTimeout: number): Promise<void> => {
      await node.ensureProc('t', { name, offset: '>', reclaimTimeout, maxClaims: 2 });
      await node.claim(name, 1);
    };
    const out = (): number[] => ['long', 'short', 'never'].map((name) => node.inspectProc(name).unacked);
    await claim('long', 0);
    await claim('short', 50);
    await claim('never', -1);
    await clock.advance(30);
    await node.claim('short', 1);
    await clock.advance(20);
    expect(out()).to.deep.equal([1, 1, 1]);
    await clock.advance(30);
    expect(out()).to.deep.equal([1, 0, 1]);
    await clock.advance(9_919);
    expect(out()).to.deep.equal([1, 0, 1]);
    await clock.advance(1);
    expect(out()).to.deep.equal([0, 0, 1]);
    await clock.advance(10_000_000);
    expect(out()).to.deep.equal([0, 0, 1]);
  });

  it('counts them: a proc whose consumers all die is disabled, or buries the record', async () => {
    const clock = new FakeClock();
    const node = await nodes.open({ clock });
    await commitNumbers(node, 't', 2);
    const options = { offset: '>', reclaimTimeout: 100, maxReclaims: 2 };
    for (let at = 0; at < 2; at++) {
      await node.proc('t', { ...options, name: 'stops' });
      await node.proc('t', { ...options, name: 'buries', onMaxReclaimsReached: 'deadletter' });
      await clock.advance(100);
    }
    expect(node.inspectProc('stops')).to.include({ status: 'disabled', ready: 2 });
    await node.nextWork(['buries']);
    expect(node.inspectProc('buries')).to.include({ status: 'active', position: 1 });
    const [letter] = bodies(await node.range('dead-t'));
    expect(letter).to.include({ reason: 'timeout', attempts: 2, body: 0 });
  });
});
