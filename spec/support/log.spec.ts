import { expect } from 'chai';
import { createLogger } from '../../src/support/index.js';

describe('a logger', () => {
  it('lets no text of others move the cursor of a terminal', () => {
    const lines: string[] = [];
    const log = createLogger('r', (line) => lines.push(line));
    log.warn('red \u001b[31m, cleared \u001b[2J\u009b2J\rover, \ttab, äö🙂');
    log.warnOnce('key', 'title \u001b]0;owned\u0007');
    expect(lines).to.deep.equal(['r: red ?[31m, cleared ?[2J?2J?over, \ttab, äö🙂\n', 'r: title ?]0;owned?\n']);
  });

  it('warns once of a thing, and of so many of one kind, without silencing the others', () => {
    const lines: string[] = [];
    const log = createLogger('r', (line) => lines.push(line));
    for (let n = 0; n < 5000; n += 1) log.warnOnce(`dead reason ${n % 2500}`, `dead ${n}`);
    for (let n = 0; n < 3; n += 1) log.warnOnce('other thing', 'other');
    expect(lines).to.have.length(101);
    expect(lines[99]).to.equal('r: dead 99 (further warnings of the kind are not told)\n');
    expect(lines[100]).to.equal('r: other\n');
  });
});
