import { expect } from 'chai';
import { participant } from '../../src/participant/index.js';
import { OutputHeaders, readTraceparent, TraceIds } from '../../src/participant/trace-context.js';
import type { Delivery } from '../../src/transport/index.js';
import { Network, until } from './network.js';

const GIVEN = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
const OTHER = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00';
const MADE = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-00$/;

const ids = new TraceIds();

describe('readTraceparent', () => {
  it('takes one of version 00 as it is', () => {
    expect(readTraceparent({ traceparent: GIVEN })).to.equal(GIVEN);
  });

  for (const [what, later] of [
    ['with more behind it', `cc${GIVEN.slice(2)}-what-comes-later`],
    ['of the same length', `01${GIVEN.slice(2)}`],
    ['with flags that are not known yet', `01${GIVEN.slice(2, -2)}ff`],
  ] as const) {
    it(`reads a later version ${what} as 00`, () => {
      expect(readTraceparent({ traceparent: later })).to.equal(GIVEN);
    });
  }

  for (const [what, wrong] of [
    ['nothing', ''],
    ['a trace id of zeros', GIVEN.replace('4bf92f3577b34da6a3ce929d0e0e4736', '0'.repeat(32))],
    ['a parent id of zeros', GIVEN.replace('00f067aa0ba902b7', '0'.repeat(16))],
    ['upper case', GIVEN.toUpperCase()],
    ['version ff', `ff${GIVEN.slice(2)}`],
    ['more behind version 00', `${GIVEN}-more`],
    ['more behind a later version without a dash', `01${GIVEN.slice(2)}more`],
    ['an id that is too short', GIVEN.replace('b7', 'b')],
  ] as const) {
    it(`finds no trace in ${what}, nor in the tracestate beside it`, () => {
      expect(readTraceparent({ traceparent: wrong })).to.equal(undefined);
      const begun = new OutputHeaders({ traceparent: wrong, tracestate: 'a=1' }, ids).of(true);
      expect(begun.traceparent).to.match(MADE);
      expect(begun).not.to.have.property('tracestate');
    });
  }
});

describe('TraceIds', () => {
  it('begins traces that are valid, and each another', () => {
    const begun = Array.from({ length: 1000 }, () => ids.begin());
    for (const traceparent of begun) expect(traceparent).to.match(MADE);
    for (const [from, to] of [
      [3, 35],
      [36, 52],
    ])
      expect(new Set(begun.map((traceparent) => traceparent.slice(from, to))).size).to.equal(1000);
  });
});

describe('headers of outputs', () => {
  it('are made once for all outputs of one kind', () => {
    const headers = new OutputHeaders({}, ids);
    expect(headers.of(true)).to.equal(headers.of(true));
    expect(headers.of(false).traceparent).to.equal(headers.of(true).traceparent);
    expect(headers.of(true)).to.have.property('content-type', 'application/json');
    expect(headers.of(false)).not.to.have.property('content-type');
  });

  it("keep the author's own, trace and all", () => {
    const headers = new OutputHeaders({ traceparent: GIVEN, tracestate: 'a=1' }, ids);
    expect(headers.of(true, { colour: 'red' })).to.include({ colour: 'red', traceparent: GIVEN, tracestate: 'a=1' });
    const own = headers.of(true, { traceparent: OTHER });
    expect(own).to.deep.equal({ traceparent: OTHER, 'content-type': 'application/json' });
  });

  it('carry on the span of the work, also where the author passes on all headers of the message', () => {
    const received = { traceparent: GIVEN, tracestate: 'a=1', colour: 'red' };
    const headers = new OutputHeaders(received, ids, { traceparent: OTHER });
    expect(headers.of(true, received)).to.deep.equal({
      traceparent: OTHER,
      colour: 'red',
      'content-type': 'application/json',
    });
    expect(headers.of(true, { ...received, 'content-type': 'text/x' })['content-type']).to.equal('text/x');
  });
});

describe('the trace of a message', () => {
  let network: Network;
  beforeEach(async () => {
    network = await Network.open();
  });
  afterEach(() => network.close());

  const twice = participant({
    component: 'Twice',
    inports: { in: {} },
    outports: { out: {} },
    async process({ in: data }, { send, headers }) {
      await send('out', { data, seen: headers.traceparent ?? null });
      await send('out', Buffer.from([255]));
    },
  });
  async function running(): Promise<Delivery[]> {
    const got = await network.collect('t.OUT');
    await network.start(twice, 't');
    await network.wire('t', { out: 'ready' }, [['in', 'iip']]);
    await until(() => got.length === 2);
    got.length = 0;
    return got;
  }

  it('is passed on with all outputs as it came', async () => {
    const got = await running();
    await network.send('t.IN', 1, { traceparent: GIVEN, tracestate: 'a=1' });
    await until(() => got.length === 2);
    for (const { headers } of got) expect(headers).to.include({ traceparent: GIVEN, tracestate: 'a=1' });
    expect(got[0]?.data).to.deep.equal({ data: 1, seen: GIVEN });
  });

  it('begins where there is none: one for all outputs of a message, another for the next; process() sees what came', async () => {
    const got = await running();
    await network.send('t.IN', 1);
    await network.send('t.IN', 2);
    await until(() => got.length === 4);
    const traces = got.map(({ headers }) => headers.traceparent);
    for (const trace of traces) expect(trace).to.match(MADE);
    expect(traces[0]).to.equal(traces[1]);
    expect(traces[2]).to.equal(traces[3]);
    expect(traces[0]).not.to.equal(traces[2]);
    expect(got[0]?.data).to.deep.equal({ data: 1, seen: null });
  });

  it('begins for each message of a source', async () => {
    const source = participant({
      component: 'Source',
      outports: { out: {} },
      produce: ({ send }) => Promise.all([send('out', 1), send('out', 2), send('out', 3, { traceparent: GIVEN })]),
    });
    const got = await network.collect('s.OUT');
    await network.start(source, 's');
    await network.wire('s', { out: 'ready' });
    await until(() => got.length === 3);
    const [first, second, third] = got.map(({ headers }) => headers.traceparent);
    expect(first).to.match(MADE);
    expect(second).to.match(MADE);
    expect(first).not.to.equal(second);
    expect(third).to.equal(GIVEN);
  });
});
