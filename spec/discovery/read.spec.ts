import { expect } from 'chai';
import fc from 'fast-check';
import {
  announcementOf,
  createWiring,
  goneMessageOf,
  readAnnouncement,
  readWiring,
} from '../../src/discovery/index.js';
import { asParticipantId, asPortName, asQueueName, asRole } from '../../src/names.js';

const payload = {
  id: 'sensor-1',
  role: 'sensor',
  component: 'Thermometer',
  inports: [],
  outports: [{ id: 'value', queue: 'devices/1/value', type: 'number' }],
};

const message = (change: object): Buffer => {
  return Buffer.from(
    JSON.stringify({ protocol: 'discovery', command: 'participant', payload: { ...payload, ...change } }),
  );
};

const reasonOf = (body: Buffer): string => {
  const read = readAnnouncement(body);
  return read.kind === 'invalid' ? read.reason : `not invalid but ${read.kind}`;
};

describe('readAnnouncement', () => {
  it('reads what it writes', () => {
    const definition = {
      id: asParticipantId('a-1'),
      role: asRole('a'),
      component: 'A',
      label: 'An a',
      icon: 'cog',
      inports: [{ id: asPortName('in'), queue: asQueueName('a.IN'), sources: [asQueueName('b.OUT')] }],
      outports: [{ id: asPortName('out'), queue: asQueueName('a.OUT'), schema: { type: 'object' }, hidden: true }],
      wiring: 1 as const,
      wired: 'abc',
    };
    expect(readAnnouncement(announcementOf(definition))).to.deep.equal({
      kind: 'participant',
      definition,
      dropped: [],
    });
  });

  it('takes what old libraries send: nulls, empty texts, fields we do not know', () => {
    const read = readAnnouncement(message({ label: null, icon: '', inports: null, version: 0.7, extra: [1] }));
    expect(read).to.deep.include({ kind: 'participant', definition: { ...payload, version: '0.7' } });
  });

  it('drops ports without a queue and says which', () => {
    const inports = [{ id: 'a' }, { id: 'b', queue: '' }, { id: 'c', queue: null }, { id: 'd', queue: 'q' }];
    const read = readAnnouncement(message({ inports }));
    expect(read).to.have.property('dropped').that.deep.equals(['a', 'b', 'c']);
  });

  it('reads that somebody is gone', () => {
    const gone = { id: asParticipantId('a-1'), role: asRole('a') };
    expect(readAnnouncement(goneMessageOf(gone))).to.deep.equal({ kind: 'gone', ...gone });
  });

  it('passes over commands and protocols of others', () => {
    const other = Buffer.from(JSON.stringify({ protocol: 'discovery', command: 'rollcall', payload: {} }));
    expect(readAnnouncement(other)).to.deep.equal({ kind: 'other' });
    expect(readAnnouncement(Buffer.from('{"protocol":"network"}'))).to.deep.equal({ kind: 'other' });
  });

  const garbage: readonly (readonly [string, Buffer, string])[] = [
    ['not JSON', Buffer.from('hello'), 'is not JSON'],
    ['an array', Buffer.from('[1]'), 'is no JSON object: "[1]"'],
    ['no payload', Buffer.from('{"protocol":"discovery","command":"participant"}'), 'gives neither id nor role'],
    [
      'no role',
      message({ role: undefined }),
      "of participant 'sensor-1' is wrong: it must have required property 'role'",
    ],
    ['an empty role', message({ role: '' }), 'role must NOT have fewer than 1 characters'],
    ['a port without id', message({ inports: [{ queue: 'q' }] }), "inports.0 must have required property 'id'"],
    ['ports that are no list', message({ inports: { in: {} } }), 'inports must be array'],
    ['5 MB', message({ label: 'x'.repeat(5_000_000) }), 'was put aside: at most 1048576'],
    ['gone without id', Buffer.from('{"protocol":"discovery","command":"gone","payload":{}}'), 'lacks id or role'],
  ];
  for (const [what, body, words] of garbage) {
    it(`answers ${what} with a reason`, () => expect(reasonOf(body)).to.include(words));
  }

  it('never throws', () => {
    const json = fc.json().map((text) => Buffer.from(text));
    const bytes = fc.uint8Array().map((octets) => Buffer.from(octets));
    const shaped = fc.record({ payload: fc.object() }).map(({ payload: given }) => message(given));
    fc.assert(fc.property(fc.oneof(json, bytes, shaped), (body) => typeof readAnnouncement(body).kind === 'string'));
  });
});

describe('readWiring', () => {
  const wiring = createWiring({
    role: asRole('a'),
    graph: 'main',
    iips: [{ port: asPortName('in'), data: 0, key: 'k' }],
    inports: { in: [asQueueName('b.OUT')] },
    outports: { out: 'ready' },
  });

  it('reads what createWiring made', () => {
    expect(readWiring(Buffer.from(JSON.stringify(wiring)))).to.deep.equal({ kind: 'wiring', wiring });
  });

  const garbage: [object, string][] = [
    [{ wiring: 2 }, 'wiring must be 1'],
    [{ role: '' }, 'role must be text of 1 to 1000 characters'],
    [{ role: 'r'.repeat(1001) }, 'role must be text of 1 to 1000'],
    [{ graph: undefined }, 'graph must be text'],
    [{ run: 7 }, 'run must be text'],
    [{ hash: null }, 'hash must be text'],
    [{ iips: {} }, 'iips must be a list'],
    [{ iips: [7] }, 'iips.0 must be an object'],
    [{ iips: [{ port: 'in', key: 'k' }] }, 'iips.0 must have data'],
    [{ iips: [...wiring.iips, { port: 'in', data: 0 }] }, 'iips.1.key must be text'],
    [{ inports: [] }, 'inports must be an object'],
    [{ inports: { in: 'b.OUT' } }, 'inports.in must be a list'],
    [{ inports: { in: ['b.OUT', 7] } }, 'inports.in.1 must be text'],
    [{ outports: null }, 'outports must be an object'],
    [{ outports: { out: 'perhaps' } }, 'outports.out must be one of unconnected, waiting, ready, exported'],
  ];
  for (const [change, words] of garbage) {
    it(`answers a wiring whose ${words.replace('must be', 'is not').replace('must have', 'lacks')} with a reason`, () => {
      const read = readWiring(Buffer.from(JSON.stringify({ ...wiring, ...change })));
      expect(read.kind === 'invalid' && read.reason).to.include(words);
    });
  }

  it('takes any wiring that has more than is known', () => {
    const more = { ...wiring, run: 'r', later: 1, iips: [{ ...wiring.iips[0], later: 1 }] };
    expect(readWiring(Buffer.from(JSON.stringify(more)))).to.have.property('kind', 'wiring');
  });

  it('never throws', () => {
    const change = fc.dictionary(fc.constantFrom(...Object.keys(wiring)), fc.jsonValue());
    const read = (given: object) => readWiring(Buffer.from(JSON.stringify({ ...wiring, ...given }))).kind;
    fc.assert(fc.property(change, (given) => typeof read(given) === 'string'));
  });

  it('gives equal content one hash, whatever the order of keys and whichever the run', () => {
    const parts = { role: asRole('a'), graph: 'main', iips: [], outports: {} };
    const one = createWiring({ ...parts, inports: { x: [], y: [] } });
    const two = createWiring({ ...parts, inports: { y: [], x: [] }, run: 'r' });
    expect(one.hash).to.equal(two.hash);
  });
});
