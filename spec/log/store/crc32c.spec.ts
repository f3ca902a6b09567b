import { expect } from 'chai';
import fc from 'fast-check';
import { crc32c } from '../../../src/log/store/crc32c.js';

/** Bit by bit, as the polynomial says. */
function plain(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  return ~crc >>> 0;
}

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

describe('CRC-32C', () => {
  it('gives the values of RFC 3720', () => {
    const ascending = Uint8Array.from({ length: 32 }, (_, at) => at);
    expect(crc32c(viewOf(new Uint8Array(32)), 0, 32)).to.equal(0x8a9136aa);
    expect(crc32c(viewOf(new Uint8Array(32).fill(255)), 0, 32)).to.equal(0x62a8ab43);
    expect(crc32c(viewOf(ascending), 0, 32)).to.equal(0x46dd794e);
    expect(crc32c(viewOf(Buffer.from('123456789')), 0, 9)).to.equal(0xe3069283);
  });

  it('is that of the polynomial for any bytes, from anywhere to anywhere', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(20), (bytes, start) => {
        const from = Math.min(start, bytes.length);
        expect(crc32c(viewOf(bytes), from, bytes.length)).to.equal(plain(bytes.subarray(from)));
      }),
    );
  });
});
