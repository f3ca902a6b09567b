import { expect } from 'chai';
import { HeldLog } from '../../src/cli/held-log.js';
import { silentLogger } from '../../src/support/index.js';

describe('what is said while a screen is drawn', () => {
  it('is shown for half a minute, the last three lines, each once and where it was said last', () => {
    let nowMs = 0;
    const log = new HeldLog(silentLogger, () => nowMs);
    log.warn('not while nothing is drawn');
    log.isHolding = true;
    for (const text of ['a', 'lost', 'back']) log.warn(text);
    nowMs = 20_000;
    log.info('lost');
    log.info('more');
    expect(log.held).to.deep.equal(['back', 'lost', 'more']);
    nowMs = 40_000;
    expect(log.held).to.deep.equal(['lost', 'more']);
    nowMs = 60_000;
    expect(log.held).to.deep.equal([]);
  });
});
