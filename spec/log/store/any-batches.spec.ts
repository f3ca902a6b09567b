import { mkdtempSync, rmSync } from 'node:fs';
import { expect } from 'chai';
import fc from 'fast-check';
import { openStore } from '../../../src/log/index.js';
import { allOf, storeFolder } from './support.js';

describe('log store', () => {
  const folder = storeFolder();

  it('gives back whatever was committed, in any shape, also after restarts', async () => {
    const bytes = fc.uint8Array({ maxLength: 300 });
    const topic = fc.constantFrom('a', 'b', 'ü/∆', 'x y');
    const batch = fc.record({
      records: fc.array(fc.record({ topic, body: bytes, headers: bytes }), { maxLength: 5 }),
      puts: fc.array(fc.record({ key: fc.constantFrom('k1', 'k2', 'k/3'), value: fc.string({ unit: 'grapheme' }) }), {
        maxLength: 2,
      }),
      deletes: fc.array(fc.constantFrom('k1', 'k2'), { maxLength: 1 }),
    });
    const step = fc.oneof({ weight: 8, arbitrary: batch }, { weight: 1, arbitrary: fc.constant('restart' as const) });
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 30 }),
        fc.integer({ min: 1, max: 2000 }),
        async (steps, segmentBytes) => {
          const path = mkdtempSync(`${folder.path()}/any-`);
          const topics = new Map<string, { body: string; headers: string }[]>();
          const facts = new Map<string, string>();
          const hex = (data: Uint8Array): string => Buffer.from(data).toString('hex');
          let store = await openStore(path, { segmentBytes, sync: 'never' });
          for (const one of steps) {
            if (one === 'restart') {
              await store.close();
              store = await openStore(path, { segmentBytes, sync: 'never' });
              continue;
            }
            await store.commit(one);
            for (const { topic: name, body, headers } of one.records)
              topics.set(name, [...(topics.get(name) ?? []), { body: hex(body), headers: hex(headers) }]);
            for (const { key, value } of one.puts) facts.set(key, value);
            for (const key of one.deletes) facts.delete(key);
          }
          for (const [name, expected] of topics) {
            const records = await allOf(store, name, 500);
            expect(records.map(({ sequence }) => sequence)).to.deep.equal(expected.map((_, at) => at));
            expect(records.map(({ body, headers }) => ({ body: hex(body), headers: hex(headers) }))).to.deep.equal(
              expected,
            );
            const down: number[] = [];
            for await (const page of store.pages(name, { reverse: true, maxBytes: 500 }))
              down.push(...page.map(({ sequence }) => sequence));
            expect(down).to.deep.equal(expected.map((_, at) => expected.length - 1 - at));
          }
          expect(new Map(store.list(''))).to.deep.equal(facts);
          await store.close();
          rmSync(path, { recursive: true });
        },
      ),
      { numRuns: 40 },
    );
  });
});
