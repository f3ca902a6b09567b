import { expect } from 'chai';
import { fakeNetwork, names } from './fake-network.js';
import { openSession } from './session.js';

describe('protocol runtime', () => {
  it('says what it is and what it can do, with no field that the protocol does not know', async () => {
    const [answer] = await openSession().ask('runtime:getruntime');
    expect(answer).to.deep.equal({
      protocol: 'runtime',
      command: 'runtime',
      payload: {
        id: 'c1b9cc2b-1b5c-4f0c-9a1b-8f4d1a2f6a10',
        label: 'specs',
        type: 'msgflo',
        version: '0.8',
        capabilities: ['protocol:component', 'component:getsource', 'network:status'],
        allCapabilities: ['protocol:component', 'component:getsource', 'network:status'],
        graph: 'main',
      },
    });
  });

  it('names namespace and repository where there are any, the namespace before the graph as well', async () => {
    const network = fakeNetwork({ namespace: 'files', repository: 'https://example.net/files.git' });
    const [answer] = await openSession(network).ask('runtime:getruntime');
    expect(answer?.payload).to.include({
      namespace: 'files',
      repository: 'https://example.net/files.git',
      graph: 'files/main',
    });
  });

  it('sends no ports to a client without the capability for them: an editor would fail its next command', async () => {
    expect(names(await openSession().ask('runtime:getruntime'))).to.deep.equal(['runtime:runtime']);
  });

  it('sends the exported ports, typed as the ports behind them, to a client that has the capability', async () => {
    const client = openSession(fakeNetwork(), { capabilities: ['protocol:runtime'] });
    const [, ports] = await client.ask('runtime:getruntime');
    expect(ports).to.deep.equal({
      protocol: 'runtime',
      command: 'ports',
      payload: {
        graph: 'main',
        inPorts: [{ id: 'path', type: 'string', description: 'path', addressable: false, required: false }],
        outPorts: [{ id: 'failed', type: 'any', addressable: false, required: false }],
      },
    });
  });

  it('lists an exported port whose role or component nobody has seen yet', async () => {
    const network = fakeNetwork({ components: () => [] });
    const [, ports] = await openSession(network, { capabilities: ['protocol:runtime'] }).ask('runtime:getruntime');
    expect(ports?.payload['inPorts']).to.deep.equal([{ id: 'path', type: 'any', addressable: false, required: false }]);
  });
});
