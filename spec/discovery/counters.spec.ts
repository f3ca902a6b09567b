import { expect } from 'chai';
import { type Counters, countersMessageOf, DURATION_BOUNDS_MS, readCounters } from '../../src/discovery/index.js';
import { asParticipantId, asRole } from '../../src/names.js';

const counters: Counters = {
  id: asParticipantId('w-1'),
  role: asRole('w'),
  inports: { in: { taken: 3, settled: 1 } },
  outports: { out: { sent: 1, dropped: 0 } },
  inHand: 2,
};

function told(change: object, more: object = {}): Buffer {
  return Buffer.from(
    JSON.stringify({ protocol: 'discovery', command: 'counters', payload: { ...counters, ...change }, ...more }),
  );
}

describe('readCounters', () => {
  it('reads what it writes', () => {
    expect(readCounters(countersMessageOf(counters))).to.deep.equal({ kind: 'counters', counters });
  });

  it('reads what else participants of ours count', () => {
    const durations = { counts: [...DURATION_BOUNDS_MS.map(() => 1), 0], sumMs: 7.5 };
    const inports = {
      in: { taken: 3, settled: 1, dead: 1, retried: 2, waiting: durations, working: durations, misfits: 4 },
    };
    const all = { ...counters, inports, outports: { out: { sent: 1, dropped: 0, misfits: 1 } }, reconnects: 2 };
    expect(readCounters(countersMessageOf(all))).to.deep.equal({ kind: 'counters', counters: all });
  });

  it('drops fields that it does not know', () => {
    const body = told({ more: 1, inports: { in: { taken: 3, settled: 1, rate: 2 } } });
    expect(readCounters(body)).to.deep.equal({ kind: 'counters', counters });
  });

  it('takes any name of a port', () => {
    const body = told({ inports: JSON.parse('{"__proto__":{"taken":1,"settled":1}}') });
    const read = readCounters(body);
    expect(read.kind === 'counters' && Object.keys(read.counters.inports)).to.deep.equal(['__proto__']);
  });

  for (const [what, body, reason] of [
    ['not JSON', Buffer.from('nope'), 'not valid JSON'],
    ['a list', Buffer.from('[]'), 'the whole must be an object'],
    ['another command', told({}, { command: 'participant' }), 'another protocol or command'],
    ['no payload', told({}, { payload: null }), 'payload must be an object'],
    ['an empty role', told({ role: '' }), 'role must be text of 1 to 1000 characters'],
    ['an id that is none', told({ id: 7 }), 'id must be text'],
    ['ports in a list', told({ inports: [] }), 'inports must be an object'],
    ['a port that is none', told({ outports: { out: 1 } }), 'outports.out must be an object'],
    ['a count below zero', told({ inHand: -1 }), 'inHand must be a whole number'],
    [
      'half a message',
      told({ inports: { in: { taken: 0.5, settled: 0 } } }),
      'inports.in.taken must be a whole number',
    ],
    ['no count', told({ outports: { out: { sent: 1 } } }), 'outports.out.dropped must be a whole number'],
    [
      'durations in too few classes',
      told({ inports: { in: { taken: 0, settled: 0, waiting: { counts: [1], sumMs: 1 } } } }),
      'inports.in.waiting.counts must be a list of 16',
    ],
    [
      'misfits that are no count',
      told({ outports: { out: { sent: 1, dropped: 0, misfits: 'some' } } }),
      'outports.out.misfits must be a whole number',
    ],
    ['5 MB', Buffer.alloc(5_000_000), 'has 5000000 bytes'],
  ] as const) {
    it(`answers ${what} with a reason`, () => {
      const read = readCounters(body);
      expect(read.kind).to.equal('invalid');
      expect(read.kind === 'invalid' && read.reason).to.contain(reason);
    });
  }
});
