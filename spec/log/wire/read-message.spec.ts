import { expect } from 'chai';
import { REPLIES, readReply, readRequest, WireError } from '../../../src/log/wire/index.js';

function frame(message: unknown): Buffer {
  return Buffer.from(JSON.stringify(message));
}

describe('messages to a node', () => {
  it('are read with their fields', () => {
    const records = [{ topic: 't', body: { a: [1] } }];
    expect(readRequest(frame({ type: 'commit', msgKey: 'k', data: { records, other: 1 } }))).to.deep.equal({
      type: 'commit',
      msgKey: 'k',
      data: { records },
    });
    expect(readRequest(frame({ type: 'get_range', msgKey: 'k', data: { topic: 't', limit: 3 } }))).to.deep.equal({
      type: 'get_range',
      msgKey: 'k',
      data: { topic: 't', start: '', end: '', limit: 3, exclusive: false, reverse: false },
    });
    expect(readRequest(frame({ type: 'ping', msgKey: 'k' }))).to.deep.equal({ type: 'ping', msgKey: 'k', data: {} });
  });

  it('may begin with a hello', () => {
    expect(readRequest(frame({ type: 'hello', token: 'x' }))).to.equal(undefined);
  });

  for (const type of ['nothing', 'constructor', '__proto__', 7])
    it(`of type ${JSON.stringify(type)} are refused, with their key`, () => {
      const refused = readRequest(frame({ type, msgKey: 'k', data: {} }));
      expect(refused).to.deep.equal({ refused: String(type), type: undefined, msgKey: 'k' });
    });

  for (const [type, data] of [
    ['commit', {}],
    ['commit', { records: [7] }],
    ['commit', { records: [{ topic: 7 }] }],
    ['commit', []],
    ['get_range', { topic: 't', start: 5 }],
    ['get_range', { topic: 't', limit: 'all' }],
    ['proc', { proc: { topic: 't', name: 'p' } }],
    ['available_proc', { procs: {} }],
    ['ack', {}],
    ['ack', { name: 'p', claim: 7 }],
    ['wait_for_procs', { names: [1] }],
    ['system_proc', { name: 'p', offset: '>', from: 't', to: [], processor: 'x' }],
  ] as const)
    it(`${type} with ${JSON.stringify(data)} is refused`, () => {
      expect(readRequest(frame({ type, msgKey: 'k', data })))
        .to.include({ type, msgKey: 'k' })
        .and.have.property('refused');
    });

  for (const bytes of ['', 'GET / HTTP/1.1', '{', '7', 'null', '[]', '{"type":"ping"}', '{"type":"ping","msgKey":7}'])
    it(`'${bytes}' is none`, () => {
      expect(() => readRequest(Buffer.from(bytes))).to.throw(WireError);
    });

  it('have two replies each', () => {
    expect(REPLIES.ack_commit).to.deep.equal(['ack_commit_completed', 'ack_commit_error']);
    const types = Object.values(REPLIES).flat();
    expect(new Set(types).size).to.equal(types.length);
  });

  it('are answered by replies that are checked as well', () => {
    expect(readReply(frame({ type: 'x_error', msgKey: 'k', errStatus: 'bad', detail: 'so' }))).to.deep.equal({
      type: 'x_error',
      msgKey: 'k',
      data: undefined,
      errStatus: 'bad',
      detail: 'so',
    });
    expect(() => readReply(frame({ type: 'pong' }))).to.throw(WireError);
  });
});
