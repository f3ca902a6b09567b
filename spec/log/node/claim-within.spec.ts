import { expect } from 'chai';
import fc from 'fast-check';
import type { NewRecord } from '../../../src/log/index.js';
import { bodies, commitNumbers, describeNodes, given, record, refusal } from './support.js';

const ONE = { name: 'p', offset: '>', maxClaims: 100, reclaimTimeout: -1, maxReclaims: -1 };

describeNodes('looking for one record', (nodes) => {
  async function ten() {
    const node = await nodes.open();
    await commitNumbers(node, 't', 10);
    await node.ensureProc('t', ONE);
    return node;
  }

  it('claims the first that nobody holds between two sequences, and leaves those before it for others', async () => {
    const node = await ten();
    const claim = await node.claimWithin('p', 4, 6);
    expect(given(claim)).to.deep.equal([4]);
    expect(given(await node.claimWithin('p', 4, 4))).to.equal(undefined);
    expect(given(await node.claimWithin('p', 4, 6))).to.deep.equal([5]);
    expect((await node.claim('p', 6)).map(given)).to.deep.equal([[0], [1], [2], [3], [6], [7]]);
    node.release('p', claim?.token ?? '');
    expect((await node.claim('p', 6)).map(given)).to.deep.equal([[4], [8], [9]]);
    expect(node.ready('p')).to.equal(0);
  });

  it('finds nothing outside of what there is, nor for a proc that is not there', async () => {
    const node = await ten();
    expect(await node.claimWithin('p', 10, 20)).to.equal(undefined);
    expect(await node.claimWithin('p', 5, 4)).to.equal(undefined);
    expect(await refusal(() => node.claimWithin('q', 0, 9))).to.equal('invalid_proc');
    expect(await refusal(() => node.peek('q'))).to.equal('invalid_proc');
    expect([node.ready('p'), node.ready('q')]).to.deep.equal([10, 0]);
  });

  it('peeks at what a claim would give first, and holds nothing', async () => {
    const node = await ten();
    expect(await node.peek('p')).to.include({ sequence: 0 });
    const [first] = await node.claim('p', 1);
    expect(await node.peek('p')).to.include({ sequence: 1 });
    await node.reclaim('p', first?.token);
    expect(await node.peek('p')).to.include({ sequence: 0 });
    await node.claim('p', 10);
    expect(await node.peek('p')).to.equal(undefined);
    expect(node.backlog('p')).to.include({ ready: 0, unacked: 10, taken: 10 });
  });

  it('settles with records and without, as an ackCommit and an ack do', async () => {
    const node = await ten();
    const [first, second] = await node.claim('p', 2);
    const settle = (proc: string, token: string | undefined, records: readonly NewRecord[]) =>
      new Promise<unknown>((stored, refused) => node.settle(proc, token ?? '', records, { stored, refused }));
    await settle('p', first?.token, [record('out', 'x')]);
    await settle('p', second?.token, []);
    expect(node.inspectProc('p')).to.include({ position: 2, unacked: 0, acked: 2 });
    expect(bodies(await node.range('out'))).to.deep.equal(['x']);
    expect(await refusal(() => settle('p', second?.token, []))).to.equal('stale_claim');
    expect(await refusal(() => settle('q', '', []))).to.equal('invalid_proc');
  });

  if (nodes.isDurable) return;

  it('always knows how much is ready, whatever is taken and given back', async () => {
    const step = fc.record({
      act: fc.constantFrom('claim', 'within', 'ack', 'release', 'reclaim', 'commit'),
      at: fc.nat({ max: 12 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const node = await ten();
        let total = 10;
        let acked = 0;
        const held: string[] = [];
        for (const { act, at } of steps) {
          const [token] = act === 'claim' || act === 'within' ? [] : held.splice(at % Math.max(1, held.length), 1);
          if (act === 'claim') held.push(...(await node.claim('p', at)).map((claim) => claim.token));
          else if (act === 'within') {
            const claim = await node.claimWithin('p', at, at + 3);
            if (claim) held.push(claim.token);
          } else if (act === 'commit') {
            await commitNumbers(node, 't', 1);
            total += 1;
            if (token) held.push(token);
          } else if (!token) continue;
          else if (act === 'release') node.release('p', token);
          else if (act === 'reclaim') await node.reclaim('p', token);
          else {
            await node.ack('p', token);
            acked += 1;
          }
          expect(node.ready('p')).to.equal(total - acked - held.length);
          expect(node.backlog('p')).to.include({ unacked: held.length, acked });
        }
        for (const token of held) node.release('p', token);
        const rest = (await node.claim('p', 100)).map(({ records }) => records[0]?.sequence ?? -1);
        expect(rest).to.deep.equal([...rest].sort((a, b) => a - b));
        expect(rest.length).to.equal(total - acked);
        await node.close();
      }),
      { numRuns: 80 },
    );
  });
});
