import { expect } from 'chai';
import { HEADER, ID_KIND, newToken, numberAt, Stamps, timeOf } from '../../src/transport/index.js';
import { creditOf } from '../../src/transport/mqtt/credit.js';

describe('stamps of messages', () => {
  it('gives ids each once, for one maker and for several', () => {
    const makers = [new Stamps(), new Stamps(), new Stamps()];
    const ids = makers.flatMap((stamps) => Array.from({ length: 10_000 }, () => stamps.messageId()));
    expect(new Set(ids).size).to.equal(30_000);
    expect(ids.filter((id) => !/^~[0-9a-z]{18}\.\d+$/.test(id))).to.be.empty;
  });

  it('gives ids that tell when they were made, which the maker knows in seconds', () => {
    for (const stamps of [new Stamps(), new Stamps(newToken(), ID_KIND.flow)]) {
      const before = Date.now();
      const ms = timeOf(stamps.messageId()) ?? Number.NaN;
      expect(ms).to.be.within(before, Date.now());
      expect(stamps.seconds).to.equal(Math.floor(ms / 1000));
    }
  });

  it('reads no time from the ids of others', () => {
    const others = [
      '',
      '~',
      'm7',
      '5f0c6c3e-0001-4a7c-9f6e-8d1c2b3a4f5e',
      '~123456789:7',
      '~1234567890mdf4x5j0.',
      '~1234567890mdf4x5j0,1',
      '~1234567890MDF4X5J0.1',
      'a1234567890mdf4x5j0.1',
    ];
    for (const id of others) expect(timeOf(id), id).to.equal(undefined);
    expect(timeOf('~1234567890mdf4x5j0.1')).to.equal(Number.parseInt('0mdf4x5j0', 36));
  });

  it('tells ids that have a number in a flow from those that just have one', () => {
    const token = newToken();
    const inFlow = new Stamps(token, ID_KIND.flow).messageId(12);
    expect(creditOf({ [HEADER.messageId]: inFlow })).to.deep.equal({ token, number: 12 });
    expect(inFlow.slice(numberAt(inFlow, ID_KIND.flow))).to.equal('12');
    expect(creditOf({ [HEADER.messageId]: new Stamps(token).messageId(12) })).to.equal(undefined);
  });
});
