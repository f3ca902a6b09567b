import { expect } from 'chai';
import { Stamps } from '../../src/transport/index.js';

describe('stamps of messages', () => {
  it('gives ids that are UUIDs, each once, for one maker and for several', () => {
    const makers = [new Stamps(), new Stamps(), new Stamps()];
    const ids = makers.flatMap((stamps) => Array.from({ length: 10_000 }, () => stamps.messageId()));
    expect(new Set(ids).size).to.equal(30_000);
    expect(ids.filter((id) => !/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(id))).to.be
      .empty;
  });

  it('gives the time in milliseconds as text', () => {
    const before = Date.now();
    expect(Number(new Stamps().now())).to.be.within(before, Date.now());
  });
});
