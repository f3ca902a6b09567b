import { Readable, Writable } from 'node:stream';
import { expect } from 'chai';
import fc from 'fast-check';
import { linesOf, prefixedOutput, Tail } from '../../src/process/lines.js';

async function collect(chunks: readonly Buffer[], maxLength?: number): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of linesOf(Readable.from(chunks), maxLength)) lines.push(line);
  return lines;
}

describe('linesOf', () => {
  it('gives the same lines, however the stream is cut', async () => {
    const text = 'één\r\nzwei\n\n三\nende';
    const bytes = Buffer.from(text);
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 7 }), async (step) => {
        const chunks: Buffer[] = [];
        for (let at = 0; at < bytes.length; at += step) chunks.push(bytes.subarray(at, at + step));
        expect(await collect(chunks)).to.deep.equal(['één', 'zwei', '', '三', 'ende']);
      }),
    );
  });

  it('cuts a line that is too long, also one that never ends', async () => {
    expect(await collect([Buffer.from('abcdefgh\nxy')], 3)).to.deep.equal(['abc', 'def', 'gh', 'xy']);
    const endless = await collect(
      Array.from({ length: 100 }, () => Buffer.alloc(1000, 'x')),
      8192,
    );
    expect(Math.max(...endless.map(({ length }) => length))).to.equal(8192);
    expect(endless.join('')).to.have.length(100_000);
  });
});

describe('prefixedOutput', () => {
  const line = { key: 'k', role: 'r', stream: 'stdout', line: 'hello' } as const;

  it('puts the role in front, and waits for a slow reader', async () => {
    const written: string[] = [];
    let release = (): void => undefined;
    const slow = new Writable({
      highWaterMark: 1,
      write(chunk, _encoding, done) {
        written.push(String(chunk));
        release = done;
      },
    });
    let isDone = false;
    const writing = prefixedOutput(slow)(line).then(() => {
      isDone = true;
    });
    await new Promise(setImmediate);
    expect([written, isDone]).to.deep.equal([['r | hello\n'], false]);
    release();
    await writing;
  });

  it('does not hang on a target that was closed', async () => {
    const target = new Writable({ highWaterMark: 1, write: () => undefined });
    const writing = prefixedOutput(target)(line);
    target.destroy();
    await writing;
    await prefixedOutput(target)(line);
  });
});

describe('Tail', () => {
  it('finds the error in a stack trace', () => {
    const tail = new Tail();
    for (const line of ['/x.js:1', 'Error: boom', '    at x', '', 'Node.js v20.20.2']) tail.push(line);
    expect(tail.telling).to.deep.equal(['Error: boom', '    at x', 'Node.js v20.20.2']);
    expect(tail.reason).to.equal('Error: boom');
  });

  it('otherwise takes the last lines', () => {
    const tail = new Tail();
    for (let at = 0; at < 30; at += 1) tail.push(`line ${at}`);
    expect(tail.telling).to.have.length(5);
    expect(tail.reason).to.equal('line 29');
  });
});
