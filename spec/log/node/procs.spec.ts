import { expect } from 'chai';
import type { ProcOptions } from '../../../src/log/index.js';
import { bodies, commitNumbers, describeNodes, given, record, refusal } from './support.js';

const OPTIONS: ProcOptions = { name: 'p', offset: '>' };

describeNodes('procs', (nodes) => {
  it('gives one claim at a time, the next after its ack', async () => {
    const node = await nodes.open();
    await commitNumbers(node, 't', 3);
    const claim = await node.proc('t', OPTIONS);
    expect(given(claim)).to.deep.equal([0]);
    expect(await node.proc('t', OPTIONS)).to.equal(undefined);
    expect(await node.ack('p')).to.equal(claim?.range);
    expect(claim?.range).to.match(/^\d+-0\.\.\d+-0$/);
    expect(given(await node.proc('t', OPTIONS))).to.deep.equal([1]);
    await node.ack('p');
    await node.proc('t', OPTIONS);
    await node.ack('p');
    expect(await node.proc('t', OPTIONS)).to.equal(undefined);
  });

  it('acknowledges and commits as one', async () => {
    const node = await nodes.open();
    await commitNumbers(node, 't', 2);
    const claim = await node.proc('t', OPTIONS);
    const { ackedRange, ids } = await node.ackCommit('p', [record('out', 'a'), record('out', 'b')], claim?.token);
    expect(ackedRange).to.equal(claim?.range);
    expect(ids.map((id) => id.split('-')[1])).to.deep.equal(['0', '1']);
    expect(bodies(await node.range('out'))).to.deep.equal(['a', 'b']);
    expect(given(await node.proc('t', OPTIONS))).to.deep.equal([1]);
  });

  it('gives the same records again after a reclaim, and says how often they came back', async () => {
    const node = await nodes.open();
    await commitNumbers(node, 't', 4);
    const options = { ...OPTIONS, count: 2 };
    const first = await node.proc('t', options);
    expect(await node.reclaim('p')).to.equal('');
    const again = await node.proc('t', { ...options, count: 1 });
    expect(given(again)).to.deep.equal([0, 1]);
    expect(again?.reclaims).to.equal(1);
    expect(again?.token).not.to.equal(first?.token);
    expect(await node.ack('p')).to.equal(first?.range);
    await node.proc('t', options);
    expect(await node.reclaim('p')).to.equal(first?.range);
    expect(node.inspectProc('p').reclaims).to.equal(1);
    expect(given(await node.proc('t', options))).to.deep.equal([2, 3]);
    await node.ack('p');
    expect(node.inspectProc('p').reclaims).to.equal(0);
  });

  it('gives a claim back uncounted to one who leaves', async () => {
    const node = await nodes.open();
    await commitNumbers(node, 't', 1);
    const claim = await node.proc('t', OPTIONS);
    expect(node.release('p', claim?.token ?? '')).to.equal(true);
    expect(node.release('p', claim?.token ?? '')).to.equal(false);
    expect((await node.proc('t', OPTIONS))?.reclaims).to.equal(0);
  });

  it('refuses a late ack: stale_claim', async () => {
    const node = await nodes.open();
    await commitNumbers(node, 't', 1);
    const late = await node.proc('t', OPTIONS);
    await node.reclaim('p', late?.token);
    const newer = await node.proc('t', OPTIONS);
    expect(await refusal(() => node.ack('p', late?.token))).to.equal('stale_claim');
    expect(await refusal(() => node.ackCommit('p', [record('out', 1)], late?.token))).to.equal('stale_claim');
    expect(await refusal(() => node.reclaim('p', late?.token))).to.equal('stale_claim');
    await node.ack('p', newer?.token);
    expect(await refusal(() => node.ack('p', newer?.token))).to.equal('stale_claim');
    expect(await refusal(() => node.length('out'))).to.equal('invalid_topic');
  });

  const offsets: readonly [offset: string, expected: number[]][] = [
    ['>', [0, 1, 2, 3]],
    ['$>', []],
    ['1000-0', [1, 2, 3]],
    ['1500-0', [2, 3]],
    ['1000', [2, 3]],
    ['2000', [3]],
    ['9000', []],
    [':0', [1, 2, 3]],
    [':3', []],
  ];
  for (const [offset, expected] of offsets)
    it(`starts at ${offset}`, async () => {
      let now = 1000;
      const node = await nodes.open({ nowMs: () => now });
      await node.commit([record('t', 0), record('t', 1)]);
      now = 2000;
      await node.commit([record('t', 2)]);
      now = 3000;
      await node.commit([record('t', 3)]);
      await node.ensureProc('t', { name: 'p', offset, count: 10 });
      await node.commit([record('t', 'new')]);
      expect(given(await node.proc('t', { name: 'p', offset }))).to.deep.equal([...expected, 'new']);
    });

  it('starts at $> exactly between what was committed before and after, whatever is on its way', async () => {
    const node = await nodes.open();
    const before = commitNumbers(node, 't', 50);
    const made = node.ensureProc('t', { name: 'p', offset: '$>', count: 1000 });
    const after = commitNumbers(node, 't', 50, 50);
    await Promise.all([before, made, after]);
    const claim = await node.claim('p', 1);
    expect(given(claim[0])).to.deep.equal(Array.from({ length: 50 }, (_, at) => at + 50));
  });

  it('waits for a topic that does not exist yet', async () => {
    const node = await nodes.open();
    expect(await node.proc('t', OPTIONS)).to.equal(undefined);
    await commitNumbers(node, 't', 1);
    expect(given(await node.proc('t', OPTIONS))).to.deep.equal([0]);
  });

  it('makes a proc once when many ask for it', async () => {
    const node = await nodes.open();
    await commitNumbers(node, 't', 10);
    const claims = await Promise.all(Array.from({ length: 5 }, () => node.proc('t', OPTIONS)));
    expect(claims.map(given).filter((one) => one !== undefined)).to.deep.equal([[0]]);
  });

  it('refuses what makes no sense, with the codes of old', async () => {
    const node = await nodes.open();
    await commitNumbers(node, 't', 1);
    await node.ensureProc('t', OPTIONS);
    const code = (call: () => unknown): Promise<unknown> => refusal(call);
    expect(await code(() => node.proc('u', OPTIONS))).to.equal('proc_name_not_unique');
    expect(await code(() => node.proc('t', { name: 'q', offset: 'x' }))).to.equal('invalid_range_offset');
    expect(await code(() => node.proc('t', { name: 'q', offset: ':9' }))).to.equal('invalid_tone_id_search');
    expect(await code(() => node.proc('t', { name: '', offset: '>' }))).to.equal('invalid_proc_name');
    expect(await code(() => node.proc('t', { name: 'a\nb', offset: '>' }))).to.equal('invalid_proc_name');
    expect(await code(() => node.proc('t', { name: 'n'.repeat(201), offset: '>' }))).to.equal('invalid_proc_name');
    expect(await code(() => node.ack('p'))).to.equal('invalid_ack');
    expect(await code(() => node.ackCommit('p', [record('t', 1)]))).to.equal('invalid_ack');
    expect(await code(() => node.reclaim('p'))).to.equal('nothing_to_reclaim');
    for (const call of [
      () => node.ack('none'),
      () => node.reclaim('none'),
      () => node.inspectProc('none'),
      () => node.destroyProc('none'),
      () => node.disableProc('none'),
      () => node.resumeProc('none'),
      () => node.waitForProcs(['none']),
    ])
      expect(await code(call)).to.equal('invalid_proc');
    expect(await code(() => node.resumeProc('p'))).to.equal('proc_already_active');
    await node.disableProc('p');
    expect(await code(() => node.disableProc('p'))).to.equal('proc_already_disabled');
    expect(await code(() => node.proc('t', OPTIONS))).to.equal('proc_is_disabled');
    await node.resumeProc('p');
    await node.proc('t', OPTIONS);
    expect(await code(() => node.ackCommit('p', []))).to.equal('invalid_log_format');
    await node.ack('p');
  });

  it('disables a proc whose claim came back too often, until it is resumed', async () => {
    const node = await nodes.open();
    await commitNumbers(node, 't', 1);
    const options = { ...OPTIONS, maxReclaims: 3 };
    for (let at = 0; at < 3; at++) {
      expect(node.listProcs()[0]?.status ?? 'active').to.equal('active');
      expect(given(await node.proc('t', options))).to.deep.equal([0]);
      await node.reclaim('p');
    }
    expect(node.inspectProc('p')).to.include({ status: 'disabled', reclaims: 3 });
    await node.resumeProc('p');
    expect(node.inspectProc('p')).to.include({ status: 'active', reclaims: 0 });
    expect((await node.proc('t', options))?.reclaims).to.equal(0);
  });

  for (const options of [{ onMaxReclaimsReached: 'continue', maxReclaims: 3 } as const, { maxReclaims: -1 }])
    it(`goes on for ever with ${JSON.stringify(options)}`, async () => {
      const node = await nodes.open();
      await commitNumbers(node, 't', 1);
      for (let at = 0; at < 15; at++) {
        expect(given(await node.proc('t', { ...OPTIONS, ...options }))).to.deep.equal([0]);
        await node.reclaim('p');
      }
      expect(node.inspectProc('p')).to.include({ status: 'active', reclaims: 15 });
    });

  it('moves on past a dead letter, which lies in its topic with the reason', async () => {
    const node = await nodes.open();
    await commitNumbers(node, 't', 2);
    const options = { ...OPTIONS, maxReclaims: 2, onMaxReclaimsReached: 'deadletter', deadletter: 'dead' } as const;
    const claim = await node.proc('t', options);
    await node.reclaim('p');
    await node.proc('t', options);
    await node.reclaim('p', undefined, 'it broke');
    expect(given(await node.proc('t', options))).to.deep.equal([1]);
    const id = claim?.range.split('..')[0];
    expect(bodies(await node.range('dead'))).to.deep.equal([
      { reason: 'it broke', proc: 'p', attempts: 2, id, body: 0 },
    ]);
  });

  it('tells who listens that there is work', async () => {
    const node = await nodes.open();
    let told = 0;
    const unsubscribe = node.onWork('p', () => told++);
    await node.ensureProc('t', { ...OPTIONS, maxClaims: 2 });
    await commitNumbers(node, 't', 100);
    expect(told).to.be.within(1, 20);
    const claims = await node.claim('p', 2);
    told = 0;
    await node.commit([record('t', 'more')]);
    expect(told).to.equal(0, 'as many claims are out as may be');
    await node.ack('p', claims[0]?.token);
    expect(told).to.be.above(0);
    unsubscribe();
    told = 0;
    await node.ack('p', claims[1]?.token);
    expect(told).to.equal(0);
  });

  it('resolves nextWork when a record comes, and gives up with the signal', async () => {
    const node = await nodes.open();
    await node.ensureProc('t', OPTIONS);
    const work = node.nextWork(['q', 'p']);
    await node.commit([record('t', 1)]);
    await work;
    await node.nextWork(['p']);
    const leaving = new AbortController();
    const none = node.nextWork(['q'], leaving.signal);
    leaving.abort(new Error('enough'));
    expect(await none.catch((error: unknown) => error)).to.have.property('message', 'enough');
    const open = node.nextWork(['q']);
    const closed = refusal(() => open);
    await node.close();
    expect(await closed).to.equal('MSGFLO_LOG_CLOSED');
  });

  it('takes the procs of a list in turn, new ones first', async () => {
    const node = await nodes.open();
    await Promise.all(['a', 'b', 'c'].map((topic) => commitNumbers(node, topic, 3)));
    const list = ['a', 'b', 'c'].map((topic) => ({ topic, options: { name: topic, offset: '>' } }));
    const served: string[] = [];
    const serve = async (procs: typeof list): Promise<void> => {
      const claim = await node.availableProc(procs);
      if (claim) await node.ack(claim.proc, claim.token);
      served.push(claim?.proc ?? '-');
    };
    await serve(list.slice(0, 1));
    await serve(list.slice(0, 2));
    for (let at = 0; at < 8; at++) await serve(list);
    expect(served.join('')).to.equal('abcabcabc-');
    await commitNumbers(node, 'b', 2);
    await commitNumbers(node, 'c', 1);
    await node.disableProc('c');
    expect((await node.availableProc(list))?.proc).to.equal('b');
    expect(await node.availableProc(list)).to.equal(undefined);
  });

  it('waits until procs have acknowledged everything', async () => {
    const node = await nodes.open();
    await node.waitForProcs();
    await commitNumbers(node, 't', 2);
    await node.ensureProc('t', OPTIONS);
    await node.ensureProc('t', { name: 'new', offset: '$>' });
    await node.ensureProc('nowhere', { name: 'early', offset: '>' });
    await node.waitForProcs(['new', 'early']);
    let isOver = false;
    const waiting = node.waitForProcs().then(() => {
      isOver = true;
    });
    await node.proc('t', OPTIONS);
    await node.ackCommit('p', [record('later', 1)]);
    await node.proc('t', OPTIONS);
    expect(isOver).to.equal(false);
    await node.ack('p');
    await waiting;
    await commitNumbers(node, 't', 1);
    const disabled = node.waitForProcs(['p']);
    await node.disableProc('p');
    await disabled;
    const destroyed = node.waitForProcs(['new']);
    await node.destroyProc('new');
    await destroyed;
  });

  it('forgets a proc that is destroyed, and no other', async () => {
    const node = await nodes.open();
    await commitNumbers(node, 't', 3);
    for (const name of ['a', 'b', 'z']) {
      await node.proc('t', { name, offset: '>' });
      await node.ack(name);
    }
    await node.destroyProc('a');
    expect(node.listProcs().map(({ name }) => name)).to.deep.equal(['b', 'z']);
    expect(given(await node.proc('t', { name: 'a', offset: '>' }))).to.deep.equal([0]);
    expect(given(await node.proc('t', { name: 'b', offset: '>' }))).to.deep.equal([1]);
  });

  it('shows where a proc stands', async () => {
    const node = await nodes.open();
    await commitNumbers(node, 't', 5);
    await node.ensureProc('t', { name: 'p', offset: '>', maxClaims: 2 });
    const [first, second] = await node.claim('p', 5);
    await node.ack('p', second?.token);
    const [third] = await node.claim('p', 5);
    expect(node.inspectProc('p')).to.deep.include({
      name: 'p',
      topic: 't',
      offset: '>',
      status: 'active',
      lastClaimedRange: third?.range,
      previousClaimedRange: second?.range,
      lastAckedRange: second?.range,
      reclaims: 0,
      maxReclaims: 10,
      reclaimTimeout: 10_000,
      onMaxReclaimsReached: 'disable',
      count: 1,
      maxClaims: 2,
      deadletter: 'dead-t',
      ready: 2,
      unacked: 2,
      position: 0,
      acked: 1,
    });
    await node.ack('p', first?.token);
    expect(node.inspectProc('p')).to.include({ position: 2, acked: 2, ready: 2, unacked: 1 });
    expect(node.stats()).to.include({ topics: 1, procs: 1, claims: 1 });
  });

  it('keep no trail where nobody wants one, and stand where they stood after a restart all the same', async () => {
    let node = await nodes.open();
    await commitNumbers(node, 't', 3);
    await node.ensureProc('t', { name: 'p', offset: '>', maxClaims: 3, trail: false });
    const claims = await node.claim('p', 2);
    for (const { token } of claims) await node.ack('p', token);
    if (nodes.isDurable) node = await nodes.reopen();
    expect(node.inspectProc('p')).to.include({ position: 2, lastClaimedRange: '', lastAckedRange: '' });
    expect((await node.claim('p', 3)).map(given)).to.deep.equal([[2]]);
  });
});
