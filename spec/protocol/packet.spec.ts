import { expect } from 'chai';
import { RequestError } from '../../src/protocol/errors.js';
import type { Network } from '../../src/protocol/index.js';
import { fakeNetwork, names } from './fake-network.js';
import { openSession } from './session.js';

/** A network that keeps what is sent to its exported port `path`. */
function receiving(changes: Partial<Network> = {}): { network: Network; sent: unknown[] } {
  const sent: unknown[] = [];
  const network = fakeNetwork({
    sendPacket: async (port, data) => {
      await new Promise((resolve) => setTimeout(resolve, 2));
      sent.push([port, data]);
    },
    ...changes,
  });
  return { network, sent };
}

const packet = { graph: 'main', port: 'path', event: 'data', payload: { file: 'a.txt' } };

describe('protocol packet', () => {
  it('is sent through the exported port and answered when the broker has it', async () => {
    const { network, sent } = receiving();
    const client = openSession(network);
    const more = { type: 'object', schema: 'https://example.net/file.json' };
    const answers = await client.ask('runtime:packet', { ...packet, ...more, secret: 'hunter2' }, { requestId: 'r' });
    expect(sent).to.deep.equal([['path', { file: 'a.txt' }]]);
    expect(answers).to.deep.equal([
      { protocol: 'runtime', command: 'packetsent', payload: { ...packet, ...more }, responseTo: 'r' },
    ]);
  });

  it('reaches the port whatever case the client uses, and any JSON goes', async () => {
    const { network, sent } = receiving();
    const client = openSession(network);
    for (const payload of [0, false, null, '', [], 'text']) {
      const [answer] = await client.ask('runtime:packet', { ...packet, port: 'PATH', payload });
      expect(answer?.payload).to.deep.equal({ ...packet, port: 'PATH', payload });
    }
    expect(sent).to.deep.equal([0, false, null, '', [], 'text'].map((data) => ['path', data]));
  });

  it('without data is null', async () => {
    const { network, sent } = receiving();
    const [answer] = await openSession(network).ask('runtime:packet', { graph: 'main', port: 'path', event: 'data' });
    expect(sent).to.deep.equal([['path', null]]);
    expect(answer?.command).to.equal('packetsent');
  });

  it('is answered after those before it', async () => {
    const { network, sent } = receiving();
    const client = openSession(network);
    await Promise.all([1, 2, 3].map((payload) => client.ask('runtime:packet', { ...packet, payload })));
    expect(client.told.map(({ payload }) => payload['payload'])).to.deep.equal([1, 2, 3]);
    expect(sent).to.have.length(3);
  });

  for (const event of ['connect', 'begingroup', 'endgroup', 'disconnect']) {
    it(`of event ${event} is acknowledged, and nothing is sent`, async () => {
      const { network, sent } = receiving();
      const [answer] = await openSession(network).ask('runtime:packet', { graph: 'main', port: 'path', event });
      expect(answer).to.deep.equal({
        protocol: 'runtime',
        command: 'packetsent',
        payload: { graph: 'main', port: 'path', event },
      });
      expect(sent).to.deep.equal([]);
    });
  }

  for (const [what, changes, word] of [
    ['a port that is not exported', { port: 'other' }, "no inport 'other'; it exports path"],
    ['an exported outport', { port: 'failed' }, "no inport 'failed'"],
    ['no port', { port: undefined }, 'port'],
    ['an unknown event', { event: 'shout' }, 'event'],
    ['no event', { event: undefined }, 'event'],
    ['no graph', { graph: undefined }, 'No graph specified'],
    ['another graph', { graph: 'other' }, 'Requested graph not found'],
  ] as const) {
    it(`is refused for ${what}`, async () => {
      const { network, sent } = receiving();
      const answers = await openSession(network).ask('runtime:packet', { ...packet, ...changes });
      expect(names(answers)).to.deep.equal(['runtime:error']);
      expect(answers[0]?.payload['message']).to.contain(word);
      expect(sent).to.deep.equal([]);
    });
  }

  it('is answered with the reason when nobody takes it', async () => {
    const { network } = receiving({
      sendPacket: () => Promise.reject(new RequestError("nobody is behind 'path'")),
    });
    const [answer] = await openSession(network).ask('runtime:packet', packet);
    expect(answer).to.deep.equal({
      protocol: 'runtime',
      command: 'error',
      payload: { message: "nobody is behind 'path'" },
    });
  });
});
