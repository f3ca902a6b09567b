import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import fc from 'fast-check';
import {
  type Claim,
  type LogNode,
  type LogStore,
  MemoryStore,
  openLogNode,
  openStore,
} from '../../../src/log/index.js';
import { bodies, FakeClock, given, record } from './support.js';

/** What a proc with claims of one record is, told simply. */
class Model {
  readonly acked = new Set<number>();
  readonly reclaims = new Map<number, number>();
  out: { readonly claim: Claim; readonly sequence: number; isWritten: boolean }[] = [];

  free(committed: number): number[] {
    const held = new Set(this.out.map(({ sequence }) => sequence));
    return Array.from({ length: committed }, (_, at) => at).filter((at) => !held.has(at) && !this.acked.has(at));
  }

  get position(): number {
    let position = 0;
    while (this.acked.has(position)) position++;
    return position;
  }
}

type Step = readonly [kind: 'commit' | 'claim' | 'close' | 'crash' | 'destroy' | 'limit', amount: number] | Ending;
type Ending = readonly [kind: 'ack' | 'ackCommit' | 'reclaim' | 'release', which: number];

const amount = fc.integer({ min: 1, max: 5 });
const which = fc.nat(20);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(fc.constant('commit' as const), amount) },
  { weight: 10, arbitrary: fc.tuple(fc.constant('claim' as const), amount) },
  { weight: 12, arbitrary: fc.tuple(fc.constantFrom('ack' as const, 'ackCommit' as const), which) },
  { weight: 4, arbitrary: fc.tuple(fc.constantFrom('reclaim' as const, 'release' as const), which) },
  { weight: 3, arbitrary: fc.tuple(fc.constantFrom('close' as const, 'crash' as const), amount) },
  { weight: 1, arbitrary: fc.tuple(fc.constantFrom('destroy' as const, 'limit' as const), amount) },
);

/** A store that outlives the nodes on it. */
class LastingStore extends MemoryStore {
  override async close(): Promise<void> {
    await this.flush();
  }
}

async function run(steps: readonly Step[], store: () => Promise<LogStore>, canCrash: boolean): Promise<void> {
  const clock = new FakeClock(); // stands still: claims are written when a node closes, and not before
  const options = { name: 'p', offset: '>', reclaimTimeout: -1, maxReclaims: -1 };
  let maxClaims = 3;
  let model = new Model();
  let committed = 0;
  const outputs: number[] = [];
  let node: LogNode = openLogNode(await store(), { clock });
  await node.ensureProc('t', { ...options, maxClaims });

  const end = async ([kind, at]: Ending): Promise<void> => {
    const one = model.out[at % model.out.length];
    if (!one) return;
    const { claim, sequence } = one;
    model.out = model.out.filter((other) => other !== one);
    if (kind === 'ack') await node.ack('p', claim.token);
    if (kind === 'ackCommit') await node.ackCommit('p', [record('out', sequence)], claim.token);
    if (kind === 'reclaim') await node.reclaim('p', claim.token);
    if (kind === 'release') node.release('p', claim.token);
    if (kind === 'ackCommit') outputs.push(sequence);
    if (kind === 'reclaim') model.reclaims.set(sequence, claim.reclaims + 1);
    if (kind === 'ack' || kind === 'ackCommit') model.acked.add(sequence);
  };

  for (const [kind, value] of steps) {
    if (kind === 'commit') {
      await node.commit(Array.from({ length: value }, (_, at) => record('t', committed + at)));
      committed += value;
    } else if (kind === 'claim') {
      const expected = model.free(committed).slice(0, Math.max(0, Math.min(value, maxClaims - model.out.length)));
      const claims = await node.claim('p', value);
      expect(claims.map(given)).to.deep.equal(expected.map((one) => [one]));
      for (const [at, claim] of claims.entries()) {
        const sequence = expected[at] ?? -1;
        expect(claim.reclaims).to.equal(model.reclaims.get(sequence) ?? 0);
        model.out.push({ claim, sequence, isWritten: false });
      }
    } else if (kind === 'close') {
      for (const one of model.out) one.isWritten = true;
      await node.close();
      node = openLogNode(await store(), { clock });
    } else if (kind === 'crash') {
      if (!canCrash) continue;
      model.out = model.out.filter(({ isWritten }) => isWritten);
      node = openLogNode(await store(), { clock });
    } else if (kind === 'destroy') {
      await node.destroyProc('p');
      model = new Model();
      await node.ensureProc('t', { ...options, maxClaims });
    } else if (kind === 'limit') {
      maxClaims = value;
      await node.updateProc('p', { maxClaims });
    } else await end([kind, value]);
    expect(node.inspectProc('p')).to.include({
      position: model.position,
      unacked: model.out.length,
      ready: model.free(committed).length,
    });
  }
  await node.close();
  const log = await store();
  node = openLogNode(log, { clock });
  await node.updateProc('p', { maxClaims: 1000 });
  const rest = await node.claim('p', 1000);
  expect(rest.map(given)).to.deep.equal(model.free(committed).map((one) => [one]));
  if (outputs.length > 0) expect(bodies(await node.range('out'))).to.deep.equal(outputs);
  for (const { token } of [...rest, ...model.out.map(({ claim }) => claim)].reverse()) await node.ack('p', token);
  expect([...log.list('claim/'), ...log.list('ahead/')]).to.deep.equal([]);
  await node.close();
}

describe('log node', () => {
  it('does what a simple model does, whatever is asked of it and wherever it crashes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 80, size: 'max' }), async (steps) => {
        const store = new LastingStore();
        await run(steps, async () => store, true);
      }),
      { numRuns: 500 },
    );
  });

  it('does so on disk', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60, size: 'max' }), async (steps) => {
        const folder = mkdtempSync(join(tmpdir(), 'msgflo-any-'));
        await run(steps, () => openStore(folder, { sync: 'never', segmentBytes: 2000 }), false);
        rmSync(folder, { recursive: true });
      }),
      { numRuns: 15 },
    );
  });
});
