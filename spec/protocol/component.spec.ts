import { expect } from 'chai';
import { parse } from 'yaml';
import { UnsupportedError } from '../../src/errors.js';
import type { ComponentSource } from '../../src/protocol/index.js';
import { fakeNetwork, names } from './fake-network.js';
import { openAnother, openSession } from './session.js';

describe('protocol component', () => {
  describe('list', () => {
    it('sends each component, then how many they were', async () => {
      const answers = await openSession().ask('component:list');
      expect(names(answers)).to.deep.equal(['component:component', 'component:component', 'component:componentsready']);
      expect(answers[2]?.payload).to.equal(2);
    });

    it('describes a component with all that its definition says of its ports', async () => {
      const [first] = await openSession().ask('component:list');
      expect(first?.payload).to.deep.equal({
        name: 'files/Read',
        description: 'Reads a file',
        icon: 'file',
        subgraph: false,
        inPorts: [{ id: 'in', type: 'string', description: 'path', addressable: false, required: false }],
        outPorts: [
          { id: 'out', type: 'object', addressable: false, required: false, schema: 'https://example.net/text.json' },
          { id: 'error', type: 'any', addressable: false, required: false },
        ],
      });
    });

    it('leaves out a schema that is not the address of one', async () => {
      const ports = [{ id: 'b', schema: 'no address' }];
      const network = fakeNetwork({ components: () => [{ name: 'A', inPorts: ports, outPorts: [] }] });
      const [component] = await openSession(network).ask('component:list');
      expect(JSON.stringify(component)).not.to.contain('schema');
    });

    it('gives a schema that is there in full as an address that holds it', async () => {
      const schema = { type: 'string', description: '5 % of "it", äöü' };
      const network = fakeNetwork({ components: () => [{ name: 'A', inPorts: [{ id: 'a', schema }], outPorts: [] }] });
      const [component] = await openSession(network).ask('component:list');
      const address = /data:[^"]+/.exec(JSON.stringify(component))?.[0];
      const response = await fetch(address ?? '');
      expect(response.headers.get('content-type')).to.equal('application/schema+json');
      expect(await response.json()).to.deep.equal(schema);
    });

    it('says that there are none', async () => {
      const answers = await openSession(fakeNetwork({ components: () => [] })).ask('component:list');
      expect(answers).to.deep.equal([{ protocol: 'component', command: 'componentsready', payload: 0 }]);
    });
  });

  describe('getsource', () => {
    it('gives the main graph as JSON with our type as its environment', async () => {
      const [answer] = await openSession().ask('component:getsource', { name: 'main' });
      expect(answer?.payload).to.include({ name: 'main', language: 'json' });
      const graph = JSON.parse(String(answer?.payload['code']));
      expect(graph.properties).to.deep.equal({ name: 'main', environment: { type: 'msgflo', content: 'kept' } });
      expect(graph.processes).to.have.all.keys('read', 'count');
      expect(graph.connections).to.have.length(1);
    });

    it('gives it under the name that the runtime answered, split into library and name', async () => {
      const client = openSession(fakeNetwork({ namespace: 'files' }));
      const [runtime] = await client.ask('runtime:getruntime');
      const [answer] = await client.ask('component:getsource', { name: runtime?.payload['graph'] });
      expect(answer?.payload).to.include({ library: 'files', name: 'main', language: 'json' });
    });

    it('gives a graph source that is not JSON as it is', async () => {
      const network = fakeNetwork({ graphSource: async () => 'not JSON' });
      const [answer] = await openSession(network).ask('component:getsource', { name: 'main' });
      expect(answer?.payload['code']).to.equal('not JSON');
    });

    it('gives the source of a component', async () => {
      const [answer] = await openSession().ask('component:getsource', { name: 'files/Read' });
      expect(answer).to.deep.equal({
        protocol: 'component',
        command: 'source',
        payload: { name: 'Read', library: 'files', language: 'javascript', code: '// reads' },
      });
    });

    it('gives the definition as YAML where there is no source to read', async () => {
      const [answer] = await openSession().ask('component:getsource', { name: 'Count' });
      expect(answer?.payload).to.include({ name: 'Count', language: 'yaml' });
      expect(parse(String(answer?.payload['code']))).to.deep.equal({
        component: 'Count',
        inports: { in: { type: 'any' } },
        outports: {},
      });
    });

    it('gives the definition as YAML when reading the source fails', async () => {
      const network = fakeNetwork({
        componentSource: async () => {
          throw new Error('EACCES');
        },
      });
      const [answer] = await openSession(network).ask('component:getsource', { name: 'files/Read' });
      expect(answer?.payload).to.include({ name: 'Read', library: 'files', language: 'yaml' });
      expect(parse(String(answer?.payload['code']))).to.include({ component: 'files/Read', icon: 'file' });
    });

    it('refuses a component that nobody knows, naming it', async () => {
      const [answer] = await openSession().ask('component:getsource', { name: 'files/Nothing' });
      expect(answer).to.deep.equal({
        protocol: 'component',
        command: 'error',
        payload: { message: "there is no component 'files/Nothing'" },
      });
    });

    for (const [what, payload] of [
      ['no name', {}],
      ['null as name', { name: null }],
      ['a number as name', { name: 7 }],
      ['an empty name', { name: '' }],
    ] as const) {
      it(`refuses ${what}, naming the field`, async () => {
        const [answer] = await openSession().ask('component:getsource', payload);
        expect(names(answer ? [answer] : [])).to.deep.equal(['component:error']);
        expect(answer?.payload['message']).to.contain('name');
      });
    }
  });

  describe('source', () => {
    const source = { name: 'New', language: 'javascript', code: '// new' };

    it('has a component written and answers with it', async () => {
      const written: ComponentSource[] = [];
      const network = fakeNetwork({
        setComponentSource: async (one) => {
          written.push(one);
          return { name: 'files/New', inPorts: [{ id: 'in' }], outPorts: [] };
        },
      });
      const client = openSession(network);
      const [answer] = await client.ask('component:source', { ...source, library: 'files', tests: '// none' });
      await client.ask('component:source', { ...source, name: 'files/New', library: null });
      await client.ask('component:source', { ...source, library: '' });
      expect(answer).to.deep.equal({
        protocol: 'component',
        command: 'component',
        payload: {
          name: 'files/New',
          subgraph: false,
          inPorts: [{ id: 'in', type: 'any', addressable: false, required: false }],
          outPorts: [],
        },
      });
      expect(written).to.deep.equal([
        { name: 'New', library: 'files', language: 'javascript', code: '// new' },
        { name: 'New', library: 'files', language: 'javascript', code: '// new' },
        { name: 'New', language: 'javascript', code: '// new' },
      ]);
    });

    it('is told to the others as a component that changed', async () => {
      const client = openSession();
      const other = openAnother(client.protocol);
      await other.ask('runtime:getruntime');
      other.told.length = 0;
      await client.ask('component:source', source);
      expect(other.told.map(({ command, payload }) => [command, payload['name']])).to.deep.equal([
        ['component', 'New'],
      ]);
    });

    it('is answered before the client is told of any other component: it would take that for the answer', async () => {
      let release = (): void => {};
      const slow = new Promise<void>((resolve) => {
        release = resolve;
      });
      const network = fakeNetwork({
        setComponentSource: async () => {
          await slow;
          return { name: 'New', inPorts: [], outPorts: [] };
        },
      });
      const client = openSession(network);
      const other = openAnother(client.protocol);
      for (const one of [client, other]) {
        await one.ask('runtime:getruntime');
        one.told.length = 0;
      }
      const asked = client.ask('component:source', source);
      network.emit({ kind: 'component', component: { name: 'Other', inPorts: [], outPorts: [] } });
      expect(client.told).to.deep.equal([]);
      expect(other.told.map(({ payload }) => payload['name'])).to.deep.equal(['Other']);
      release();
      await asked;
      network.emit({ kind: 'component', component: { name: 'Third', inPorts: [], outPorts: [] } });
      expect(client.told.map(({ payload }) => payload['name'])).to.deep.equal(['New', 'Other', 'Third']);
    });

    it('is answered with what the network has against it, and then the client hears of others again', async () => {
      const network = fakeNetwork({
        setComponentSource: async () => {
          throw new UnsupportedError("'../New' is no name of a component");
        },
      });
      const client = openSession(network);
      await client.ask('runtime:getruntime');
      const [answer] = await client.ask('component:source', { ...source, name: '../New' });
      expect(answer?.payload).to.deep.equal({ message: "'../New' is no name of a component" });
      network.emit({ kind: 'component', component: { name: 'Other', inPorts: [], outPorts: [] } });
      expect(client.told.at(-1)?.payload['name']).to.equal('Other');
    });

    for (const [what, changes, message] of [
      ['no name', { name: undefined }, "payload must have required property 'name'"],
      ['no language', { language: undefined }, "payload must have required property 'language'"],
      ['code that is no text', { code: 7 }, 'code must be string'],
      ['a library that is no text', { library: 7 }, 'library must be string'],
    ] as const) {
      it(`refuses ${what}`, async () => {
        const [answer] = await openSession().ask('component:source', { ...source, ...changes });
        expect(answer?.payload).to.deep.equal({ message });
      });
    }
  });
});
