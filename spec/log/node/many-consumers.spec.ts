import { expect } from 'chai';
import type { LogNode } from '../../../src/log/index.js';
import { describeNodes, record } from './support.js';

const RECORDS = 400;

describeNodes('many consumers at once', (nodes) => {
  /** Records of 2 bytes to 100 kB, so that some reads end before what was asked for. */
  async function fill(node: LogNode): Promise<void> {
    for (let at = 0; at < RECORDS; at++)
      await node.commit([record('t', { at, text: 'x'.repeat(at % 7 === 0 ? 100_000 : at % 50) })]);
  }

  function numberOf(body: Buffer): number {
    return Number(/"at":(\d+)/.exec(body.toString('latin1', 0, 20))?.[1]);
  }

  for (const count of [1, 3, 300])
    it(`acknowledges each record once, in claims of ${count}, when some come back and all are woken only`, async () => {
      const node = await nodes.open();
      await node.ensureProc('t', { name: 'p', offset: '>', count, maxClaims: 8, maxReclaims: -1 });
      const acked: number[] = [];
      let turns = 0;
      await new Promise<void>((resolve, reject) => {
        const work = async (): Promise<void> => {
          for (const { token, records } of await node.claim('p', 2)) {
            await new Promise((done) => setImmediate(done));
            turns++;
            if (turns % 5 === 0) await node.reclaim('p', token);
            else if (turns % 7 === 0) node.release('p', token);
            else {
              await node.ackCommit('p', [record('out', turns)], token);
              acked.push(...records.map(({ body }) => numberOf(body)));
            }
          }
          if (acked.length >= RECORDS) resolve();
        };
        for (let consumer = 0; consumer < 6; consumer++) node.onWork('p', () => work().catch(reject));
        fill(node).catch(reject);
      });
      expect(acked.sort((a, b) => a - b)).to.deep.equal(Array.from({ length: RECORDS }, (_, at) => at));
      await node.waitForProcs();
      expect(node.inspectProc('p')).to.include({ position: RECORDS, ready: 0, unacked: 0 });
    });
});
