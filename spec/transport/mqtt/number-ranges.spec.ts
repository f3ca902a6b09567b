import { expect } from 'chai';
import { ID_KIND, newToken, Stamps } from '../../../src/transport/index.js';
import { creditOf, shareOf, withCredit } from '../../../src/transport/mqtt/credit.js';
import { readRanges, writeRanges } from '../../../src/transport/mqtt/number-ranges.js';

describe('mqtt number ranges', () => {
  for (const [numbers, text] of [
    [[], ''],
    [[7], '7'],
    [[3, 1, 2], '1-3'],
    [[1, 2, 4, 6, 5], '1-2,4-6'],
    [[5, 5, 6], '5-6'],
  ] as const) {
    it(`are '${text}' for ${numbers.join(' ') || 'none'}`, () => {
      expect(writeRanges(numbers)).to.equal(text);
      expect([...readRanges(text)]).to.deep.equal([...new Set(numbers)].sort((a, b) => a - b));
    });
  }

  it('of a stranger that make no sense, or no end, do no harm', () => {
    expect([...readRanges('x,2-a,4,9-8')]).to.deep.equal([4]);
    expect([...readRanges('1-9007199254740991')]).to.have.length(100_000);
  });
});

describe('mqtt credits', () => {
  it('are the id of a message that has none, and beside the id of its author', () => {
    const token = newToken();
    const ids = new Stamps(token, ID_KIND.flow);
    const none = withCredit({}, ids.messageId(12));
    expect(none).to.have.all.keys('message-id');
    expect(creditOf(none)).to.deep.equal({ token, number: 12 });
    const own = withCredit({ 'message-id': 'mine' }, ids.messageId(13));
    expect(own['message-id']).to.equal('mine');
    expect(own['created-at']).to.match(/^\d+$/);
    expect(creditOf(own)).to.deep.equal({ token, number: 13 });
  });

  it('leave the time of creation that is given', () => {
    const id = new Stamps(newToken(), ID_KIND.flow).messageId(1);
    expect(withCredit({ 'created-at': '1' }, id)).to.deep.equal({ 'created-at': '1', 'message-id': id });
    expect(withCredit({ 'created-at': '1', 'message-id': 'mine' }, id)).to.include({ 'created-at': '1' });
  });

  it('are not taken for what looks alike', () => {
    const begun = '~1234567890mdf4x5j0';
    const others = [`${begun}:x`, `${begun}:-1`, `${begun}:`, `${begun}.1`, `a${begun.slice(1)}:1`];
    for (const id of ['', '~', '5f0c6c3e-0001-4a7c-9f6e-8d1c2b3a4f5e', ...others])
      expect(creditOf({ 'message-id': id }), id).to.equal(undefined);
    expect(creditOf({})).to.equal(undefined);
  });

  it('of all flows into one session stay below what a broker keeps for it', () => {
    for (const flows of [1, 2, 3, 10, 45, 900]) {
      expect(flows * shareOf(flows, 1000), `${flows} flows`).to.be.within(1, 950);
      expect(shareOf(flows, 0), `the beginning of one of ${flows}`).to.be.within(1, 20);
    }
    expect(shareOf(1, 100)).to.equal(208);
  });
});
