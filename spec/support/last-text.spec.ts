import { expect } from 'chai';
import fc from 'fast-check';
import { LastText } from '../../src/support/index.js';

describe('the last text', () => {
  it('is what the bytes say, whatever was read before', () => {
    const last = new LastText();
    const texts = fc.array(fc.oneof(fc.constantFrom('', 'a', 'ab', 'ä', 'traceparent'), fc.string({ unit: 'binary' })));
    fc.assert(
      fc.property(texts, fc.string(), (some, before) => {
        for (const text of some) {
          const bytes = Buffer.from(before + text);
          const from = Buffer.byteLength(before);
          expect(last.read(bytes, from, bytes.length - from)).to.equal(Buffer.from(text).toString());
        }
      }),
    );
  });
});
