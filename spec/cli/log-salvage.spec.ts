import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { expect } from 'chai';
import { log } from '../../src/cli/log.js';
import { type LogStore, openStore, segmentFiles, segmentParts } from '../../src/log/index.js';
import { allOf, filesOf, storeFolder, text } from '../log/store/support.js';
import { startInProcess } from './run-in-process.js';

async function run(action: string, ...args: string[]) {
  const command = startInProcess(log, [action, ...args]);
  const code = await command.ended;
  return { code, lines: [...command.printed], complaint: command.complaint(), logged: command.logged };
}

describe('msgflo-log compact --salvage', () => {
  const folder = storeFolder();
  const path = (): string => join(folder.path(), 'log');

  /** Records 0 to 39 of `a`, the first five dropped, every second with one of `b`; facts. */
  async function written(): Promise<Map<string, string>> {
    const store = await openStore(path(), { segmentBytes: 2000 });
    for (let at = 0; at < 40; at++)
      await store.commit({
        records: [
          { ...text('a', `a${at}`.padEnd(150)), headers: Buffer.from(`{"at":"${at}"}`) },
          ...(at % 2 === 0 ? [text('b', `b${at / 2}`)] : []),
        ],
        puts: [{ key: 'fact', value: `${at}` }],
      });
    await store.drop('a', 5);
    const before = await contentOf(store);
    await store.close();
    return before;
  }

  /** By topic and id. */
  async function contentOf(store: LogStore): Promise<Map<string, string>> {
    const content = new Map<string, string>();
    for (const topic of ['a', 'b'])
      for (const { sequence, timestampMs, body, headers } of await allOf(store, topic))
        content.set(`${topic} ${timestampMs}-${sequence}`, `${headers} ${body}`);
    return content;
  }

  function flip(file: string, at: number): void {
    const bytes = readFileSync(file);
    bytes.writeUInt8(bytes.readUInt8(at) ^ 0x10, at);
    writeFileSync(file, bytes);
  }

  const besides = (): string[] => readdirSync(folder.path()).filter((name) => name !== basename(path()));

  it('keeps all that can be read under its id, and says what is lost, by file and byte', async () => {
    const before = await written();
    const file = segmentFiles(path())[2] ?? '';
    const { offset, bytes } = [...segmentParts(file)][3] ?? { offset: 0, bytes: 0 };
    flip(file, offset + 60);
    const verified = await run('verify', path());
    expect(verified.code).to.equal(1);
    expect(verified.logged.join()).to.include('msgflo-log compact --salvage');
    const { code, lines } = await run('compact', path(), '--salvage');
    expect(code).to.equal(0);
    expect(lines[0]).to.equal(
      `damaged: ${file} at byte ${offset} (${bytes} bytes): no frame begins here, or its checksum is wrong`,
    );
    expect(lines.at(-1)).to.match(/^kept 5[34] records; [12] records? lost, .*; the damaged log is in /);
    expect((await run('verify', path())).code).to.equal(0);
    const store = await openStore(path());
    const after = await contentOf(store);
    const lost = [...after].filter(([id, content]) => before.get(id) !== content);
    expect(lost.length).to.be.within(1, 2);
    for (const [, content] of lost) expect(content).to.match(/^\{"msgflo-lost":".*\.seg at byte \d+"\} $/);
    expect(after.size).to.equal(before.size);
    expect([...before].filter(([id, content]) => after.get(id) !== content)).to.have.length(lost.length);
    expect(store.get('fact')).to.equal('39');
    expect((await store.commit({ records: [text('a', 'next')] })).sequences).to.deep.equal([40]);
    await store.close();
    const [kept = ''] = besides();
    expect(kept).to.match(/^log\.damaged-\d+$/);
    expect(filesOf(join(folder.path(), kept), 'seg')).to.include(basename(file));
  });

  it('opens again what a missing segment, and a damaged end, kept from opening', async () => {
    const before = await written();
    const files = segmentFiles(path());
    rmSync(files[1] ?? '');
    flip(files.at(-1) ?? '', 100);
    expect(await openStore(path()).catch((error: Error) => error.message)).to.match(/damaged|missing/);
    const { code, lines } = await run('compact', '--dir', path(), '--salvage', '--json');
    const told = JSON.parse(lines[0] ?? '');
    expect(code).to.equal(0);
    expect(told.damages.length).to.be.above(1);
    expect(told.records + told.lostRecords).to.equal(before.size);
    expect(told.lostRecords).to.be.above(5);
    expect(dirname(told.damagedFolder)).to.equal(folder.path());
    const store = await openStore(path());
    const topics = store.topics().map(({ topic, firstSequence, lastSequence }) => [topic, firstSequence, lastSequence]);
    expect(topics).to.deep.equal([
      ['a', 5, 39],
      ['b', 0, 19],
    ]);
    await store.close();
  });

  it('does so without any checkpoint, from the first record that is there', async () => {
    await written();
    for (const name of filesOf(path(), 'ckp')) rmSync(join(path(), name));
    rmSync(segmentFiles(path())[0] ?? '');
    const { code, lines } = await run('compact', path(), '--salvage', '--json');
    expect(code).to.equal(0);
    expect(JSON.parse(lines[0] ?? '')).to.include({ lostRecords: 0 });
    const store = await openStore(path());
    expect(store.get('fact')).to.equal('39');
    await store.close();
  });

  it('leaves a whole log, and one that is open, as it is', async () => {
    await written();
    expect((await run('compact', path(), '--salvage')).lines).to.deep.equal([
      'nothing is damaged: the log stays as it is',
    ]);
    const store = await openStore(path());
    expect((await run('compact', path(), '--salvage')).complaint).to.include(`is open in process ${process.pid}`);
    await store.close();
    expect(besides()).to.deep.equal([]);
  });
});
