import { expect } from 'chai';
import fc from 'fast-check';
import { encodeFrame, FrameDecoder } from '../../src/support/index.js';

describe('framing', () => {
  it('gives back every body, however the stream is cut', () => {
    const bodies = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 8 });
    fc.assert(
      fc.property(bodies, fc.integer({ min: 1, max: 13 }), (wanted, step) => {
        const stream = Buffer.concat(wanted.map((body) => encodeFrame(Buffer.from(body))));
        const decoder = new FrameDecoder(100);
        const got: Buffer[] = [];
        for (let at = 0; at < stream.length; at += step)
          decoder.push(stream.subarray(at, at + step), (bytes, from, to) => got.push(bytes.subarray(from, to)));
        expect(got.map((body) => [...body])).to.deep.equal(wanted.map((body) => [...body]));
      }),
    );
  });

  it('refuses a frame above the limit as soon as its length is known', () => {
    expect(() => new FrameDecoder(100).push(Buffer.from([0xff, 0xff, 0xff, 0xff]), () => {}))
      .to.throw()
      .with.property('code', 'MSGFLO_FRAME_TOO_LARGE');
  });
});
