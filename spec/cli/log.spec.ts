import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import { log } from '../../src/cli/log.js';
import { openStore, type RawPart, segmentFiles, segmentParts } from '../../src/log/index.js';
import { crashCopy, filesOf, storeFolder, text, textsOf } from '../log/store/support.js';
import { startInProcess } from './run-in-process.js';

/** How it ended; `json` is what it printed, line by line. */
async function run(...args: string[]) {
  const command = startInProcess(log, args);
  const code = await command.ended;
  const lines = command.printed.flatMap((printed) => printed.split('\n'));
  return { code, lines, complaint: command.complaint(), json: () => lines.map((line) => JSON.parse(line)) };
}

function flip(file: string, at: number): void {
  const bytes = readFileSync(file);
  bytes.writeUInt8(bytes.readUInt8(at) ^ 0x10, at);
  writeFileSync(file, bytes);
}

const framesOf = (file: string) => [...segmentParts(file)].map(({ offset, bytes }) => ({ offset, bytes }));
/** The header of a segment that a later version began. */
const NEWER = '4d5347464c4f4c4703000000000000000000000000000000000000000000000000000000bd6188e0';
/** What a folder holds, to see that nothing was changed. */
const contentOf = (folder: string) =>
  readdirSync(folder).map((name) => [name, statSync(join(folder, name)).mtimeMs, statSync(join(folder, name)).size]);

async function isAllReadable(folder: string): Promise<boolean> {
  try {
    const store = await openStore(folder);
    try {
      for (const { topic, length } of store.topics()) expect(await textsOf(store, topic)).to.have.length(length);
    } finally {
      await store.close();
    }
    return true;
  } catch {
    return false;
  }
}

describe('msgflo-log', () => {
  const folder = storeFolder();

  /** 30 records in three topics over some segments, and facts. */
  async function written(): Promise<string> {
    let nowMs = 1000;
    const store = await folder.open({ nowMs: () => nowMs, segmentBytes: 500 });
    for (let at = 0; at < 10; at++) {
      nowMs += 10;
      await store.commit({
        records: [text('a', `{"n":${at}}`), text('b', `{"n":${at}}`)],
        puts: [{ key: 'proc/x', value: '1' }],
      });
      await store.commit({ records: [{ ...text('c', 'no json'), headers: Buffer.from('{"h":1}') }] });
    }
    await store.commit({
      puts: [
        { key: 'pos/x', value: '12' },
        { key: 'bare', value: '' },
      ],
    });
    await store.close();
    return folder.path();
  }

  describe('inspect', () => {
    it('tells segments, topics, facts and sidecars', async () => {
      const path = await written();
      const before = contentOf(path);
      const { code, json } = await run('inspect', path, '--json');
      const [report] = json();
      expect(code).to.equal(0);
      expect(report).to.include({ folder: path, formatVersion: 2, openIn: null, mayBeBehind: false });
      expect(report.segments.length).to.be.above(2);
      const sum = (field: string) =>
        report.segments.reduce((all: number, one: Record<string, number>) => all + (one[field] ?? 0), 0);
      expect([sum('batches'), sum('records')]).to.deep.equal([21, 30]);
      expect(report.segments.map((one: { index: string }) => one.index)).to.satisfy((all: string[]) =>
        all.every((one) => one === 'whole'),
      );
      expect(report.topics).to.deep.include({
        ...{ topic: 'a', records: 10, bytes: 70, firstSequence: 0, lastSequence: 9 },
        ...{ firstTimestampMs: 1010, lastTimestampMs: 1100 },
      });
      expect(report.topics).to.deep.include({
        ...{ topic: 'c', records: 10, bytes: 140, firstSequence: 0, lastSequence: 9 },
        ...{ firstTimestampMs: 1010, lastTimestampMs: 1100 },
      });
      expect(report.facts).to.deep.equal([
        { family: 'other', keys: 1, bytes: 4 },
        { family: 'pos/', keys: 1, bytes: 7 },
        { family: 'proc/', keys: 1, bytes: 7 },
      ]);
      expect(report.checkpoints[0]).to.include({ facts: 3 });
      expect(report).to.deep.include({ damages: [], notes: [] });
      expect(contentOf(path)).to.deep.equal(before);
    });

    it('tells the same without checkpoints and indexes, and what was dropped does not count', async () => {
      const path = await written();
      const store = await folder.open({ segmentBytes: 500 });
      await store.drop('a', 4);
      await store.drop('b', 10);
      const copy = crashCopy(path);
      await store.close();
      const [told] = (await run('inspect', copy, '--json')).json();
      expect(
        told.topics.map(({ topic, records, firstSequence, lastSequence }: Record<string, unknown>) => [
          topic,
          records,
          firstSequence,
          lastSequence,
        ]),
      ).to.deep.equal([
        ['a', 6, 4, 9],
        ['b', 0, 10, 9],
        ['c', 10, 0, 9],
      ]);
      expect(told.topics[0].firstTimestampMs).to.equal(1050);
      expect(told.damages).to.deep.equal([]);
    });

    it('works while a node has the log open, says so, and keeps nothing from going on', async () => {
      const store = await folder.open();
      await store.commit({ records: [text('a', '1')] });
      const { code, lines } = await run('inspect', folder.path());
      expect(code).to.equal(0);
      expect(lines.join('\n')).to.match(new RegExp(`open: +in process ${process.pid}, so this may be behind`));
      expect(lines.find((line) => line.startsWith('a '))).to.match(/^a +1 +1 B +0 +0 /);
      await store.commit({ records: [text('a', '2')] });
    });

    it('lets no name move the cursor', async () => {
      const store = await folder.open();
      await store.commit({
        records: [text('a\u001b[2J', '"\u001b\u202e"')],
        puts: [{ key: '\u001b]0;x/y', value: '' }],
      });
      await store.close();
      const said = [
        await run('inspect', folder.path()),
        await run('inspect', folder.path(), '--json'),
        await run('dump', folder.path(), '--topic', 'a\u001b[2J'),
      ];
      for (const { code, lines } of said) {
        expect(code).to.equal(0);
        expect(lines.join('')).to.not.match(/[\p{Cc}\p{Bidi_Control}]/u);
      }
      expect(said[2]?.json()[0]).to.include({ topic: 'a\u001b[2J' });
    });
  });

  describe('verify', () => {
    it('finds nothing in what was written, and says what it read', async () => {
      const { code, lines } = await run('verify', await written());
      expect({ code, lines: lines.length }).to.deep.equal({ code: 0, lines: 1 });
      expect(lines[0]).to.match(/^\d+ segments, .* KiB, 21 batches, 30 records: nothing is damaged$/);
    });

    it('names each flipped byte by file and offset, and the records that are lost by it', async () => {
      const path = await written();
      const files = segmentFiles(path);
      const [first = '', second = ''] = files;
      const [one, two] = [framesOf(first)[2], framesOf(second)[1]];
      flip(first, (one?.offset ?? 0) + 30);
      flip(second, (two?.offset ?? 0) + 3);
      const { code, lines } = await run('verify', path);
      expect(code).to.equal(1);
      const found = lines.filter((line) => line.includes('checksum'));
      expect(found).to.deep.equal([
        `damaged: ${first} at byte ${one?.offset} (${one?.bytes} bytes): no frame begins here, or its checksum is wrong`,
        `damaged: ${second} at byte ${two?.offset} (${two?.bytes} bytes): no frame begins here, or its checksum is wrong`,
      ]);
      expect(lines).to.include(
        `damaged: ${first} at byte ${framesOf(first)[4]?.offset ?? 0}: record 1 of 'a' is missing`,
      );
      const [told] = (await run('verify', path, '--json')).json();
      expect(told.isWhole).to.equal(false);
      expect(told.damages[0]).to.deep.include({ kind: 'bytes', file: first, offset: one?.offset, bytes: one?.bytes });
    });

    it('tells a torn end as such, and as damage what is known to have been there', async () => {
      const store = await folder.open();
      await store.commit({ records: [text('a', 'one')] });
      await store.commit({ records: [text('a', 'two')] });
      const killed = crashCopy(folder.path());
      await store.close();
      const [file = ''] = segmentFiles(killed);
      const [, second] = framesOf(file);
      truncateSync(file, (second?.offset ?? 0) + 9);
      const torn = await run('verify', killed, '--json');
      expect(torn.code).to.equal(0);
      expect(torn.json()[0].notes).to.deep.equal([
        {
          kind: 'torn',
          file,
          offset: second?.offset,
          bytes: 9,
          text: 'torn end: a commit that was not finished; the next start cuts it',
        },
      ]);
      const [closed = ''] = segmentFiles(folder.path());
      truncateSync(closed, (second?.offset ?? 0) + 9);
      const damaged = await run('verify', folder.path());
      expect(damaged.code).to.equal(1);
      expect(damaged.lines[0]).to.equal(
        `damaged: ${closed} at byte ${second?.offset} (9 bytes): no frame begins here, or its checksum is wrong`,
      );
      expect(damaged.lines.join('\n')).to.include(`record 1 of 'a' is missing`);
    });

    it('tells missing segments, damaged headers and sidecars', async () => {
      const path = await written();
      const [first = '', second = '', third = ''] = segmentFiles(path);
      flip(second, 17);
      flip(third.replace(/seg$/, 'idx'), 30);
      flip(join(path, filesOf(path, 'ckp').at(-1) ?? ''), 30);
      const { code, lines } = await run('verify', path);
      expect(code).to.equal(1);
      expect(lines).to.include(`damaged: ${second} at byte 0 (40 bytes): the header is damaged`);
      expect(lines).to.include(`note:    ${third.replace(/seg$/, 'idx')} at byte 0: the index is damaged`);
      expect(lines.filter((line) => line.includes('the checkpoint is damaged'))).to.have.length(1);
      for (const name of filesOf(path, 'ckp')) truncateSync(join(path, name), 20);
      truncateSync(first, 0);
      const without = await run('verify', path);
      expect(without.lines.join('\n')).to.match(/records 0 to \d of 'a' are missing/);
    });

    it('calls nothing whole that a start or a read would stumble over', async () => {
      const closed = await written();
      const store = await folder.open({ segmentBytes: 500 });
      await store.drop('a', 4);
      const killed = crashCopy(closed);
      await store.close();
      const place = join(closed, 'changed');
      let seed = 1;
      const any = (below: number): number => {
        seed = (seed * 48_271) % 2_147_483_647;
        return seed % below;
      };
      for (let round = 0; round < 120; round++) {
        const from = round % 2 === 0 ? closed : killed;
        mkdirSync(place);
        const names = ['seg', 'idx', 'ckp'].flatMap((kind) => filesOf(from, kind));
        for (const name of names) copyFileSync(join(from, name), join(place, name));
        const name = names[any(names.length)] ?? '';
        const bytes = readFileSync(join(place, name));
        const at = any(bytes.length);
        if (round % 3 === 0) bytes.fill(0, at, Math.min(bytes.length, at + 40));
        else if (round % 3 === 1) bytes.writeUInt8(bytes.readUInt8(at) ^ 4, at);
        writeFileSync(join(place, name), round % 3 === 2 ? bytes.subarray(0, at) : bytes);
        const { code } = await run('verify', place);
        const isReadable = await isAllReadable(place);
        if (code === 0) expect({ name, at, round, isReadable }).to.include({ isReadable: true });
        rmSync(place, { recursive: true });
      }
    });

    for (const mode of ['drop', 'tidy'])
      it(`takes no false alarm from a log that another process writes to, and ${mode === 'tidy' ? 'compacts' : 'drops from'}`, async () => {
        const program = join(import.meta.dirname, '../log/store/fixtures/committer.ts');
        const writer = spawn(process.execPath, ['--import', 'tsx', program, folder.path(), '1', mode], {
          stdio: ['ignore', 'pipe', 'inherit'],
        });
        const isOver = once(writer, 'close');
        try {
          await once(writer.stdout, 'data');
          writer.stdout.resume();
          while (filesOf(folder.path(), 'seg').length < 3) await delay(5);
          for (let round = 0; round < 10; round++) {
            const { code, lines, complaint } = await run('verify', folder.path());
            const damaged = lines.filter((line) => line.startsWith('damaged'));
            expect({ code, complaint, damaged }).to.deep.equal({ code: 0, complaint: '', damaged: [] });
            expect(lines.at(-1)).to.include(`; open in process ${writer.pid}: `);
            const dumped = await run('dump', folder.path(), '--topic', 'left', '--limit', '5000');
            expect({ code: dumped.code, complaint: dumped.complaint }).to.deep.equal({ code: 0, complaint: '' });
          }
        } finally {
          writer.kill('SIGKILL');
          await isOver;
        }
      });
  });

  describe('dump', () => {
    it('prints records as JSON lines: what is no JSON in base64', async () => {
      const path = await written();
      const a = await run('dump', path, '--topic', 'a');
      expect(a.code).to.equal(0);
      expect(a.json()).to.have.length(10);
      expect(a.lines[3]).to.equal('{"id":"1040-3","topic":"a","body":{"n":3}}');
      const c = await run('dump', path, '--topic', 'c', '--limit', '1');
      expect(c.json()).to.deep.equal([
        {
          id: '1010-0',
          topic: 'c',
          body: Buffer.from('no json').toString('base64'),
          bodyEncoding: 'base64',
          headers: { h: 1 },
        },
      ]);
    });

    it('keeps JSON as it was written, on one line', async () => {
      const store = await folder.open({ nowMs: () => 5 });
      await store.commit({ records: [text('a', '{\n\t"n": 12345678901234567890,\r\n "s": "a\u0085\\n"}')] });
      await store.commit({ records: [{ topic: 'a', body: Buffer.from([0x22, 0xff, 0x22]) }] });
      await store.close();
      const { lines } = await run('dump', folder.path(), '--topic', 'a');
      expect(lines).to.deep.equal([
        '{"id":"5-0","topic":"a","body":{  "n": 12345678901234567890,   "s": "a\\u0085\\n"}}',
        '{"id":"5-1","topic":"a","body":"Iv8i","bodyEncoding":"base64"}',
      ]);
    });

    it('takes bounds as ids, times and sequences, forwards and in reverse', async () => {
      const path = await written();
      const sequences = async (...args: string[]) => {
        const { code, json } = await run('dump', path, '--topic', 'a', ...args);
        expect(code).to.equal(0);
        return json().map(({ id }: { id: string }) => Number(id.split('-')[1]));
      };
      expect(await sequences('--from', ':7')).to.deep.equal([7, 8, 9]);
      expect(await sequences('--from', '1030', '--to', '1050')).to.deep.equal([2, 3, 4]);
      expect(await sequences('--from', '1031', '--to', '1050-4')).to.deep.equal([3, 4]);
      expect(await sequences('--from', '1030-3', '--to', '1050-3')).to.deep.equal([3]);
      expect(await sequences('--from', ':2', '--limit', '2')).to.deep.equal([2, 3]);
      expect(await sequences('--reverse', '--limit', '3')).to.deep.equal([9, 8, 7]);
      expect(await sequences('--reverse', '--from', '1040', '--to', ':1')).to.deep.equal([3, 2, 1]);
      expect(await sequences('--from', ':6', '--to', ':5')).to.deep.equal([]);
      expect(await sequences('--from', ':100')).to.deep.equal([]);
      expect(await sequences('--to', '999')).to.deep.equal([]);
    });

    it('goes through many pages in both directions', async () => {
      const store = await folder.open({ segmentBytes: 3_000_000 });
      const body = 'x'.repeat(1000);
      for (let at = 0; at < 8; at++)
        await store.commit({ records: Array.from({ length: 1000 }, () => text('a', body)) });
      for (const [args, ends] of [
        [[], [0, 7999]],
        [['--reverse'], [7999, 0]],
      ] as const) {
        const { lines, code } = await run('dump', folder.path(), '--topic', 'a', ...args);
        expect({ code, count: lines.length }).to.deep.equal({ code: 0, count: 8000 });
        const found = lines.map((line) => Number(/^{"id":"\d+-(\d+)"/.exec(line)?.[1]));
        expect([found.at(0), found.at(-1)]).to.deep.equal(ends);
        expect(new Set(found).size).to.equal(8000);
      }
    });

    it('prints what comes before damage, and then names it', async () => {
      const path = await written();
      const file = segmentFiles(path)[1] ?? '';
      const sequenceIn = (part: RawPart) =>
        part.state === 'whole'
          ? part.entries.find((entry) => entry.kind === 'record' && entry.body[0] === 0x7b)
          : undefined;
      const damaged = [...segmentParts(file)].filter(sequenceIn).at(-1);
      const lost = damaged && sequenceIn(damaged);
      const sequence = lost?.kind === 'record' ? lost.sequence : 0;
      flip(file, (damaged?.offset ?? 0) + 40);
      const forwards = await run('dump', path, '--topic', 'a');
      expect(forwards.code).to.equal(1);
      expect(forwards.complaint).to.equal(
        `msgflo-log: ${file} is damaged at byte ${damaged?.offset}: the checksum of the frame is wrong\n`,
      );
      expect(forwards.lines).to.have.length(sequence);
      const reverse = await run('dump', path, '--topic', 'a', '--reverse');
      expect(reverse.code).to.equal(1);
      expect(reverse.lines).to.have.length(9 - sequence);
    });
  });

  describe('misuse', () => {
    const cases: readonly (readonly [what: string, args: (path: string) => readonly string[], complaint: RegExp])[] = [
      ['no such folder', (path) => ['inspect', `${path}/none`], /there is no folder .*\/none/],
      ['a file', (path) => ['verify', `${path}/file`], /is no folder: name the one that holds the log/],
      ['no log', (path) => ['dump', `${path}/empty`, '--topic', 'a'], /empty holds no log/],
      ['an action that is none', (path) => ['look', path], /'look' is none of inspect, verify, dump/],
      ['no topic', (path) => ['dump', path], /--topic says which topic to dump/],
      ['an unknown topic', (path) => ['dump', path, '--topic', 'x'], /there is no topic 'x' in .*; it has a, b, c$/m],
      ['a bound that is none', (path) => ['dump', path, '--topic', 'a', '--from', 'x'], /--from is an id .*, not 'x'/],
      [
        'a limit that is none',
        (path) => ['dump', path, '--topic', 'a', '--limit', '0'],
        /--limit is a whole number from 1/,
      ],
      ['a flag of another action', (path) => ['verify', path, '--topic', 'a'], /--topic is for dump, not for verify/],
    ];
    for (const [what, args, complaint] of cases)
      it(`answers ${what} with one line and exit code 2`, async () => {
        const path = await written();
        mkdirSync(join(path, 'empty'));
        writeFileSync(join(path, 'file'), '');
        const ended = await run(...args(path));
        expect({ code: ended.code, lines: ended.lines }).to.deep.equal({ code: 2, lines: [] });
        expect(ended.complaint)
          .to.match(complaint)
          .and.to.match(/^msgflo-log: [^\n]*\n$/);
      });

    it('refuses a newer format, which is no damage', async () => {
      const path = await written();
      const file = segmentFiles(path).at(-1) ?? '';
      const header = Buffer.from(NEWER, 'hex');
      writeFileSync(file, header);
      appendFileSync(file, Buffer.alloc(10));
      for (const args of [['inspect'], ['verify'], ['dump', '--topic', 'a']]) {
        const [action = '', ...more] = args;
        const { code, complaint } = await run(action, path, ...more);
        expect({ action, code }).to.deep.equal({ action, code: 2 });
        expect(complaint).to.match(/has format version 3; this program reads version 2/);
      }
    });
  });
});
