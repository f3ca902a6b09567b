import { expect } from 'chai';
import { type AccessRules, type Capability, type ComponentInfo, OFFERED } from '../../src/protocol/index.js';
import { fakeNetwork, names } from './fake-network.js';
import { openAnother, openSession } from './session.js';

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
        capabilities: OFFERED,
        allCapabilities: OFFERED,
        graph: 'main',
      },
    });
  });

  it('names namespace, repository and its version where there are any, the namespace before the graph as well', async () => {
    const network = fakeNetwork({
      namespace: 'files',
      repository: 'https://example.net/files.git',
      repositoryVersion: 'a1b2c3',
    });
    const [answer] = await openSession(network).ask('runtime:getruntime');
    expect(answer?.payload).to.include({
      namespace: 'files',
      repository: 'https://example.net/files.git',
      repositoryVersion: 'a1b2c3',
      graph: 'files/main',
    });
  });

  it('sends no ports to a client without the capability for them: an editor would fail its next command', async () => {
    const client = openSession(fakeNetwork(), allowing('protocol:graph'));
    expect(names(await client.ask('runtime:getruntime'))).to.deep.equal(['runtime:runtime']);
  });

  it('sends the exported ports, typed as the ports behind them, to a client that has the capability', async () => {
    const client = openSession(fakeNetwork(), allowing('protocol:runtime'));
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
    const [, ports] = await openSession(network, allowing('protocol:runtime')).ask('runtime:getruntime');
    expect(ports?.payload['inPorts']).to.deep.equal([{ id: 'path', type: 'any', addressable: false, required: false }]);
  });

  it('tells a client without any capability what it is, and nothing of what it runs', async () => {
    const network = fakeNetwork({
      namespace: 'files',
      repository: 'https://example.net/x.git',
      repositoryVersion: '1',
    });
    const [answer, ...more] = await openSession(network, allowing()).ask('runtime:getruntime');
    expect(answer?.payload).to.deep.equal({
      id: network.id,
      label: 'specs',
      type: 'msgflo',
      version: '0.8',
      capabilities: [],
      allCapabilities: OFFERED,
    });
    expect(more).to.deep.equal([]);
  });

  describe('ports', () => {
    const rename = { from: 'path', to: 'file', graph: 'main' };

    it('are sent again when the graph exports others, to those who may know them and asked before', async () => {
      const network = fakeNetwork();
      const editor = openSession(network);
      const knowing = openAnother(editor.protocol);
      const silent = openAnother(editor.protocol);
      const narrow = openSession(network, allowing('graph:readonly'));
      for (const client of [editor, knowing, narrow]) await client.ask('runtime:getruntime');
      knowing.told.length = 0;
      await editor.ask('graph:renameinport', rename);
      expect(names(knowing.told)).to.deep.equal(['graph:renameinport', 'runtime:ports']);
      expect(knowing.told[1]).to.have.nested.property('payload.inPorts[0].id', 'file');
      expect(names(editor.told).filter((name) => name === 'runtime:ports')).to.have.length(2);
      expect(silent.told).to.deep.equal([]);
      expect(names(narrow.told)).to.deep.equal(['runtime:runtime', 'graph:renameinport']);
    });

    it('are sent again when more is known of what is behind them', async () => {
      const known: ComponentInfo[] = [];
      const network = fakeNetwork({ components: () => known });
      const client = openSession(network);
      await client.ask('runtime:getruntime');
      client.told.length = 0;
      const component = { name: 'files/Read', inPorts: [{ id: 'in', type: 'string' }], outPorts: [] };
      known.push(component);
      network.emit({ kind: 'component', component });
      expect(names(client.told)).to.deep.equal(['component:component', 'runtime:ports']);
      expect(client.told[1]).to.have.nested.property('payload.inPorts[0].type', 'string');
    });

    it('are not sent again as they were, whatever else changes', async () => {
      const network = fakeNetwork();
      const client = openSession(network);
      await client.ask('runtime:getruntime');
      client.told.length = 0;
      network.emit({ kind: 'ports' });
      await client.ask('graph:addnode', { id: 'a', component: 'A', graph: 'main' });
      expect(names(client.told)).to.deep.equal(['graph:addnode']);
    });

    it('are sent to each client that knows others, whenever it came', async () => {
      const network = fakeNetwork();
      const early = openSession(network);
      await early.ask('runtime:getruntime');
      const late = openAnother(early.protocol);
      await late.ask('graph:renameinport', rename);
      await late.ask('runtime:getruntime');
      for (const client of [early, late]) client.told.length = 0;
      await late.ask('graph:renameinport', { from: 'file', to: 'path', graph: 'main' });
      expect(names(early.told)).to.deep.equal(['graph:renameinport', 'runtime:ports']);
      expect(names(late.told)).to.deep.equal(['runtime:ports', 'graph:renameinport']);
    });
  });
});

function allowing(...anonymous: Capability[]): { readonly access: AccessRules } {
  return { access: { anonymous, secrets: [] } };
}
