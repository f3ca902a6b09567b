import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { expect } from 'chai';
import { type RawPart, readSegmentHeader, segmentFiles, segmentParts } from '../../../src/log/index.js';
import { storeFolder, text } from './support.js';

describe('inspecting a log store', () => {
  const folder = storeFolder();

  async function written(): Promise<string> {
    const store = await folder.open({ nowMs: () => 1234 });
    await store.commit({ records: [{ ...text('a', 'one'), headers: Buffer.from('h') }] });
    await store.commit({ puts: [{ key: 'k', value: 'v' }], deletes: ['gone'] });
    await store.commit({ records: [text('a', 'two')] });
    await store.drop('a', 1);
    await store.close();
    return segmentFiles(folder.path())[0] ?? '';
  }

  function states(file: string): string[] {
    return [...segmentParts(file)].map(({ state }) => state);
  }

  function sumOf(parts: readonly RawPart[]): number {
    return parts.reduce((sum, { bytes }) => sum + bytes, 40);
  }

  it('tells every frame with all its entries', async () => {
    const file = await written();
    expect(readSegmentHeader(file)).to.deep.equal({ number: 0, base: 0, createdMs: 1234 });
    const entries = [...segmentParts(file)].flatMap((part) => (part.state === 'whole' ? part.entries : []));
    expect(entries).to.deep.equal([
      { kind: 'topic', id: 1, name: 'a' },
      { kind: 'record', topic: 1, sequence: 0, headers: Buffer.from('h'), body: Buffer.from('one') },
      { kind: 'put', key: 'k', value: 'v' },
      { kind: 'delete', key: 'gone' },
      { kind: 'record', topic: 1, sequence: 1, headers: Buffer.alloc(0), body: Buffer.from('two') },
      { kind: 'drop', topic: 1, beforeSequence: 1 },
    ]);
  });

  it('walks over damage, torn ends and unused room, byte for byte', async () => {
    const file = await written();
    const bytes = readFileSync(file);
    const [, second] = [...segmentParts(file)];
    for (let at = 0; at < (second?.bytes ?? 0); at++) {
      const changed = Buffer.from(bytes);
      const place = (second?.offset ?? 0) + at;
      changed.writeUInt8(changed.readUInt8(place) ^ 0x20, place);
      writeFileSync(file, changed);
      const parts = [...segmentParts(file)];
      expect(parts.map(({ state }) => state)).to.deep.equal(['whole', 'damaged', 'whole', 'whole']);
      expect(parts[1]?.offset).to.equal(second?.offset);
      expect(sumOf(parts)).to.equal(bytes.length);
    }
    writeFileSync(file, bytes.subarray(0, -1));
    expect(states(file)).to.deep.equal(['whole', 'whole', 'whole', 'torn']);
    writeFileSync(file, bytes);
    appendFileSync(file, Buffer.alloc(3_000_000));
    expect(states(file)).to.deep.equal(['whole', 'whole', 'whole', 'whole', 'unused']);
  });
});
