import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { EmbeddedBroker } from '../../src/embedded/index.js';
import { QueueEngine } from '../../src/engine/index.js';
import { openLogNode, openStore, segmentFiles, segmentParts, writeHeaders } from '../../src/log/index.js';
import { asQueueName } from '../../src/names.js';
import { silentLogger } from '../../src/support/index.js';
import { LogBroker } from '../../src/transport/log/index.js';
import { eventually } from '../transport/conformance/stage.js';
import { freshDir } from './broker-process.js';

const work = asQueueName('work');
const other = asQueueName('other');

describe('EmbeddedBroker on a damaged log', () => {
  let dir: string;
  let remove: () => Promise<void>;
  let closing: (() => Promise<void>)[];
  beforeEach(async () => {
    ({ dir, remove } = await freshDir());
    closing = [];
  });
  afterEach(async () => {
    for (const close of closing.reverse()) await close();
    await remove();
  });

  /** Twenty messages in `work`, one in `other`; a bit of a later one is wrong. */
  async function damagedLog(location: string): Promise<{ readonly file: string; readonly offset: number }> {
    const node = openLogNode(await openStore(location, { segmentBytes: 1000 }), { history: true });
    const engine = await QueueEngine.open(node);
    const session = engine.open({ id: 'writer' });
    const fill = (name: typeof work, text: string): Promise<unknown> =>
      new Promise((resolve) => {
        const body = Buffer.from(text.padEnd(150));
        session.send({ kind: 'inqueue', name, body, headers: writeHeaders({}) }, resolve);
      });
    for (const name of [work, other]) await session.declare('inqueue', name, { persistent: true });
    for (let at = 0; at < 20; at++) await fill(work, String(at));
    await fill(other, 'whole');
    session.end('left');
    await engine.close();
    await node.close();
    const file = segmentFiles(location).at(-3) ?? '';
    const offset = [...segmentParts(file)][1]?.offset ?? 0;
    const bytes = readFileSync(file);
    bytes.writeUInt8(bytes.readUInt8(offset + 100) ^ 0x10, offset + 100);
    writeFileSync(file, bytes);
    return { file, offset };
  }

  it('says which queue stands still, where, and what mends it; what is before it, and other queues, go on', async () => {
    const location = join(dir, 'log');
    const { file, offset } = await damagedLog(location);
    const said: string[] = [];
    const log = { ...silentLogger, warnOnce: (_key: string, text: string) => said.push(text) };
    const broker = await EmbeddedBroker.listen({ dir, location, log });
    closing.push(() => broker.stop());
    const client = new LogBroker(new URL(broker.address), { id: 'spec' }, silentLogger);
    await client.connect();
    closing.push(() => client.close({ graceMs: 0 }));
    const taken: string[] = [];
    for (const name of [work, other])
      await client.consume(name, async ({ data }) => {
        taken.push(`${name} ${String(data).trim()}`);
        return { verdict: 'ack', outputs: [] };
      });
    await eventually(() => taken.includes('other whole') && said.length > 0, 'all that can be taken');
    const place = `${file} is damaged at byte ${offset}: `;
    const [depth, well] = await client.depths([work, other]);
    expect(depth?.damage).to.include(place);
    expect(well).not.to.have.property('damage');
    expect(said).to.have.length(1);
    expect(said[0]).to.include(`'work': ${place}`).and.to.include(`msgflo-log compact --salvage --dir ${location}`);
    expect(taken.length, 'what lies before it').to.be.above(5);
    expect(depth?.ready).to.equal(20 - (taken.length - 1));
  });
});
