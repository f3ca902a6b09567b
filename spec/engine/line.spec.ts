import { expect } from 'chai';
import fc from 'fast-check';
import { Line } from '../../src/engine/line.js';
import { Pending } from '../../src/engine/pending.js';

describe('Line', () => {
  const batch = {
    outputs: [],
    bytes: 0,
    hold: false,
    own: () => undefined,
    isAlive: () => true,
    write: () => Promise.resolve(),
    ended: () => undefined,
  };

  it('has those who wait in the order of their tickets, whoever comes back and leaves', () => {
    const step = fc.record({ act: fc.constantFrom('join', 'join', 'leave', 'first'), at: fc.nat({ max: 30 }) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
        const line = new Line();
        const all = Array.from({ length: 31 }, (_, at) => Object.assign(new Pending(batch), { ticket: at + 1 }));
        const waiting = new Set<number>();
        for (const { act, at } of steps) {
          const pending = act === 'first' ? line.first : all[at];
          if (act === 'join') pending?.waitIn(line, 'room');
          else pending?.leaveLine();
          if (act === 'join') waiting.add(at);
          else if (pending) waiting.delete(pending.ticket - 1);
          const expected = [...waiting].sort((a, b) => a - b);
          expect(line.all.map(({ ticket }) => ticket - 1)).to.deep.equal(expected);
          expect(line.size).to.equal(expected.length);
          expect(line.first?.ticket).to.equal(expected[0] === undefined ? undefined : expected[0] + 1);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('stays quick with 100,000 who come, go and come back', () => {
    const line = new Line();
    const all = Array.from({ length: 100_000 }, (_, at) => Object.assign(new Pending(batch), { ticket: at + 1 }));
    const beganMs = performance.now();
    for (const pending of all) pending.waitIn(line, 'room');
    for (let { first } = line; first; { first } = line) {
      first.leaveLine();
      if (first.ticket % 3 === 0) {
        first.waitIn(line, 'room');
        first.leaveLine();
      }
    }
    expect([line.size, line.first, line.all]).to.deep.equal([0, undefined, []]);
    expect(performance.now() - beganMs).to.be.lessThan(1000);
  });
});
