import { expect } from 'chai';
import { readRequest } from '../../src/protocol/read-request.js';

describe('reading a request', () => {
  it('keeps what is needed and leaves the secret behind, beside the payload and in it', () => {
    const frame = {
      protocol: 'graph',
      command: 'clear',
      payload: { id: 'a', secret: 's' },
      requestId: 'r',
      secret: 's',
    };
    expect(readRequest(JSON.stringify(frame))).to.deep.equal({
      request: { protocol: 'graph', command: 'clear', payload: { id: 'a' }, requestId: 'r' },
    });
  });

  it('refuses on the sub-protocol that the message names, with its id', () => {
    const read = readRequest('{"protocol":"trace","requestId":"r","command":"dump"}');
    expect(read).to.deep.equal({
      refusal: { protocol: 'trace', requestId: 'r', reason: 'trace:dump: payload must be an object' },
    });
  });
});
