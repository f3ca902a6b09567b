import { expect } from 'chai';
import { readRequest } from '../../src/protocol/read-request.js';

describe('reading a request', () => {
  it('takes the secret out, from beside the payload (0.8) or from in it (0.7)', () => {
    const request = { protocol: 'graph', command: 'clear', payload: { id: 'a' }, requestId: 'r' };
    const inPayload = { ...request, payload: { id: 'a', secret: 'old' } };
    for (const [frame, secret] of [
      [{ ...request, secret: 'new' }, { secret: 'new' }],
      [inPayload, { secret: 'old' }],
      [{ ...inPayload, secret: 'new' }, { secret: 'new' }],
      [{ ...inPayload, secret: '' }, { secret: 'old' }],
      [{ ...inPayload, secret: null }, { secret: 'old' }],
      [{ ...request, secret: '', payload: { id: 'a', secret: '' } }, {}],
      [request, {}],
    ] as const) {
      expect(readRequest(JSON.stringify(frame))).to.deep.equal({ request, ...secret });
    }
  });

  it('refuses a secret that is no text, without a word of it', () => {
    const read = readRequest('{"protocol":"graph","command":"clear","payload":{"secret":{"hunter2":1}}}');
    expect(read).to.deep.equal({ refusal: { protocol: 'graph', reason: 'graph:clear: secret must be text' } });
  });

  it('refuses on the sub-protocol that the message names, with its id', () => {
    const read = readRequest('{"protocol":"trace","requestId":"r","command":"dump"}');
    expect(read).to.deep.equal({
      refusal: { protocol: 'trace', requestId: 'r', reason: 'trace:dump: payload must be an object' },
    });
  });
});
