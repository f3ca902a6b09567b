import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import { type LogNode, MemoryStore, openLogNode, openStore } from '../../../src/log/index.js';
import { bodies, FakeClock, given, record } from './support.js';

const MAX_BYTES = 20_000;
const SEGMENT_BYTES = 4000;
const NEVER_OLD = { minPruneTimeMs: 1_000_000_000, intervalMs: 1000 };

for (const isDurable of [true, false])
  describe(`log node, ${isDurable ? 'on disk' : 'in memory'}: collection by size`, () => {
    let folder = '';
    let node: LogNode | undefined;
    beforeEach(() => {
      folder = mkdtempSync(join(tmpdir(), 'msgflo-node-'));
    });
    afterEach(async () => {
      await node?.close();
      rmSync(folder, { recursive: true, force: true });
    });

    async function open(maxBytes?: number, clock = new FakeClock()): Promise<LogNode> {
      const store = isDurable
        ? await openStore(folder, { sync: 'never', segmentBytes: SEGMENT_BYTES })
        : new MemoryStore();
      const gc = maxBytes === undefined ? NEVER_OLD : { ...NEVER_OLD, maxBytes };
      node = openLogNode(store, { gc, clock });
      return node;
    }

    async function fill(one: LogNode, topic: string, count: number): Promise<void> {
      for (let at = 0; at < count; at++) await one.commit([record(topic, 'x'.repeat(200))]);
    }

    it('forgets the oldest, whatever their age, until the log is small enough, and no more than that', async () => {
      const one = await open(MAX_BYTES);
      await fill(one, 'a', 60);
      await fill(one, 'b', 60);
      expect(one.stats().bytes).to.be.above(MAX_BYTES);
      expect(await one.collect()).to.be.above(15);
      expect(one.stats().bytes).to.be.within(MAX_BYTES - 2 * SEGMENT_BYTES, MAX_BYTES);
      expect(await one.length('b')).to.equal(60);
      expect(await one.length('a')).to.be.within(1, 40);
      expect(await one.collect()).to.equal(0);
    });

    it('does so by itself', async () => {
      const clock = new FakeClock();
      const one = await open(MAX_BYTES, clock);
      await fill(one, 'a', 150);
      for (let at = 0; at < 1000 && one.stats().bytes > MAX_BYTES; at++) {
        await clock.advance(1000);
        await delay(1);
      }
      expect(one.stats().bytes).to.be.at.most(MAX_BYTES);
    });

    it('keeps what a proc has not read, however large the log becomes', async () => {
      const one = await open(MAX_BYTES);
      await one.ensureProc('a', { name: 'p', offset: '>' });
      await fill(one, 'a', 200);
      expect(await one.collect()).to.equal(0);
      expect(given(await one.proc('a', { name: 'p', offset: '>' }))).to.have.length(1);
      expect(await one.length('a')).to.equal(200);
    });

    it('keeps old unread records of a quiet topic, and little else for their sake', async () => {
      const one = await open();
      await one.ensureProc('quiet', { name: 'p', offset: '>' });
      for (let at = 0; at < 20; at++) {
        await one.commit([record('quiet', at)]);
        await fill(one, 'busy', 15);
        await one.ensureProc('busy', { name: 'q', offset: '>', count: 15 });
        await one.proc('busy', { name: 'q', offset: '>' });
        await one.ack('q');
      }
      await one.close();
      const again = await open(MAX_BYTES);
      expect(again.stats().bytes).to.be.above(isDurable ? 70_000 : -1);
      await again.collect();
      expect(again.stats().bytes).to.be.at.most(MAX_BYTES);
      if (isDurable)
        expect(bodies(await again.range('quiet'))).to.deep.equal(Array.from({ length: 20 }, (_, at) => at));
    });

    if (isDurable)
      it('compacts without a bound as well, when little of a segment is needed', async () => {
        const clock = new FakeClock();
        const store = await openStore(folder, {
          sync: 'never',
          segmentBytes: SEGMENT_BYTES,
          nowMs: () => clock.wallMs(),
        });
        node = openLogNode(store, { gc: { minPruneTimeMs: 1000 }, clock });
        await node.ensureProc('quiet', { name: 'p', offset: '>' });
        for (let at = 0; at < 10; at++) {
          await node.commit([record('quiet', at)]);
          await fill(node, 'busy', 15);
        }
        await clock.advance(2000);
        await node.collect();
        expect(node.stats().bytes).to.be.below(2 * SEGMENT_BYTES);
        expect(bodies(await node.range('quiet'))).to.deep.equal(Array.from({ length: 10 }, (_, at) => at));
      });
  });
