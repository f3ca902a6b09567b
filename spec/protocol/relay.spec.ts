import { expect } from 'chai';
import { TimeoutError, UnsupportedError } from '../../src/errors.js';
import type { Network, RelayedMessage } from '../../src/protocol/index.js';
import { type FakeNetwork, fakeNetwork, names } from './fake-network.js';
import { openSession } from './session.js';

/** A network with a participant `sub` that speaks the protocol itself. */
function withParticipant(answer: (message: RelayedMessage) => Promise<RelayedMessage>): FakeNetwork {
  const relay: Network['relay'] = (graph, message) => (graph === 'sub' ? answer(message) : undefined);
  return fakeNetwork({ relay });
}

const status = { graph: 'sub', running: true, started: true };

describe('protocol relay', () => {
  it('hands a request to the participant whose graph it names, and its answer to the one who asked', async () => {
    const asked: RelayedMessage[] = [];
    const network = withParticipant(async (message) => {
      asked.push(message);
      return { protocol: 'network', command: 'status', payload: status };
    });
    const client = openSession(network);
    const answers = await client.ask(
      'network:getstatus',
      { graph: 'sub', secret: 's' },
      { requestId: 'r', secret: 's' },
    );
    expect(asked).to.deep.equal([{ protocol: 'network', command: 'getstatus', payload: { graph: 'sub' } }]);
    expect(answers).to.deep.equal([{ protocol: 'network', command: 'status', payload: status, responseTo: 'r' }]);
  });

  it('hands on edits, traces and packets as well, and the source of what the participant runs', async () => {
    const asked: string[] = [];
    const network = withParticipant(async ({ protocol, command }) => {
      asked.push(`${protocol}:${command}`);
      return { protocol, command: 'error', payload: { message: 'busy' } };
    });
    const client = openSession(network);
    const requests = ['graph:addnode', 'trace:dump', 'runtime:packet', 'network:start', 'component:getsource'];
    for (const name of requests) await client.ask(name, { graph: 'sub', name: 'sub' });
    expect(asked).to.deep.equal(requests);
    expect(names(client.told)).to.deep.equal(requests.map((name) => `${name.split(':')[0]}:error`));
  });

  it('keeps what is about the runtime as a whole, and what is about the main graph', async () => {
    const relayed: string[] = [];
    const network = fakeNetwork({
      relay: (_graph, { protocol, command }) => {
        relayed.push(`${protocol}:${command}`);
        return undefined;
      },
    });
    const client = openSession(network);
    await client.ask('runtime:getruntime', { graph: 'sub' });
    await client.ask('component:list', { graph: 'sub' });
    await client.ask('network:getstatus', { graph: 'main' });
    await client.ask('graph:clear', { id: 'sub', main: true });
    expect(relayed).to.deep.equal([]);
    expect(names(client.told)).not.to.include('network:error');
    await client.ask('network:getstatus', { graph: 'nobody' });
    expect(relayed).to.deep.equal(['network:getstatus']);
    expect(client.told.at(-1)?.payload).to.deep.equal({ message: 'Requested graph not found' });
  });

  it('asks for the same capabilities as for the main graph', async () => {
    const network = withParticipant(() => Promise.reject(new Error('should not be asked')));
    const client = openSession(network, { access: { anonymous: ['graph:readonly'], secrets: [] } });
    const [answer] = await client.ask('graph:removenode', { id: 'a', graph: 'sub' });
    expect(answer?.payload['message']).to.contain('protocol:graph');
    expect(client.protocol.counts.forbidden).to.equal(1);
  });

  for (const [what, error, message, counts] of [
    [
      'does not answer',
      new TimeoutError("'sub' did not answer"),
      "network:getstatus failed: 'sub' did not answer",
      { failed: 1 },
    ],
    ['cannot be asked', new UnsupportedError("'sub' is gone"), "'sub' is gone", { refused: 1 }],
  ] as const) {
    it(`says so when the participant ${what}`, async () => {
      const client = openSession(withParticipant(() => Promise.reject(error)));
      const [answer] = await client.ask('network:getstatus', { graph: 'sub' });
      expect(answer?.payload).to.deep.equal({ message });
      expect(client.protocol.counts).to.include(counts);
    });
  }

  it('does not pass on an answer of another sub-protocol, nor a secret that the participant repeats', async () => {
    const client = openSession(
      withParticipant(async ({ command }) =>
        command === 'start'
          ? { protocol: 'graph', command: 'clear', payload: { id: 'main' } }
          : { protocol: 'network', command: 'status', payload: { ...status, secret: 'hunter2' } },
      ),
    );
    const [answer] = await client.ask('network:start', { graph: 'sub' });
    expect(names(client.told)).to.deep.equal(['network:error']);
    expect(answer?.payload['message']).to.contain("than 'network'");
    const [second] = await client.ask('network:getstatus', { graph: 'sub' });
    expect(second?.payload).to.deep.equal(status);
  });
});
