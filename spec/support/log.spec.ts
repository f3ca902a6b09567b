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
});
