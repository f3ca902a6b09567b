import { expect } from 'chai';
import { ByteProgress } from '../../src/cli/log-progress.js';

describe('the progress of a walk through a log', () => {
  const shownOn = (isTTY: boolean): string[] => {
    const written: string[] = [];
    const progress = new ByteProgress(4 * 1024 * 1024, { isTTY, write: (text) => written.push(text) });
    progress.add(1024 * 1024);
    progress.add(1024 * 1024);
    progress.end();
    return written;
  };

  it('says on a terminal how many bytes were read, and takes the line away at the end', () => {
    expect(shownOn(true)).to.deep.equal(['\rread 1.0 MiB of 4.0 MiB (25%)', `\r${' '.repeat(29)}\r`]);
  });

  it('says nothing elsewhere', () => {
    expect(shownOn(false)).to.deep.equal([]);
  });
});
