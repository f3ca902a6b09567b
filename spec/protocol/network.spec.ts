import { expect } from 'chai';
import { RequestError } from '../../src/protocol/errors.js';
import type { NetworkStatus } from '../../src/protocol/index.js';
import { edge } from './data-stage.js';
import { fakeNetwork, names } from './fake-network.js';
import { openAnother, openSession } from './session.js';

const status = (changes: Partial<NetworkStatus>): (() => Promise<NetworkStatus>) => {
  return async () => ({ started: true, running: false, uptimeSeconds: 12.7, debug: false, ...changes });
};

describe('protocol network', () => {
  describe('getstatus', () => {
    it('tells whether the network is started and running, and for how many seconds', async () => {
      const [answer] = await openSession(fakeNetwork({ status: status({}) })).ask('network:getstatus', {
        graph: 'main',
      });
      expect(answer).to.deep.equal({
        protocol: 'network',
        command: 'status',
        payload: { graph: 'main', started: true, running: false, uptime: 12 },
      });
    });

    it('leaves the uptime out before the first second is full and when the network is not started', async () => {
      for (const changes of [
        { running: true, uptimeSeconds: 0.9 },
        { started: false, uptimeSeconds: 50 },
      ]) {
        const client = openSession(fakeNetwork({ status: status(changes) }));
        const [answer] = await client.ask('network:getstatus', { graph: 'main' });
        expect(answer?.payload).not.to.have.property('uptime');
      }
    });

    it('says that debugging is on, and nothing when it is not', async () => {
      const client = openSession(fakeNetwork({ status: status({ debug: true }) }));
      const [answer] = await client.ask('network:getstatus', { graph: 'main' });
      expect(answer?.payload['debug']).to.equal(true);
    });
  });

  describe('start and stop', () => {
    it('have the network started and stopped, by the one who asked, and answer when', async () => {
      const calls: unknown[] = [];
      const network = fakeNetwork({
        status: status({}),
        setStarted: (isStarted, by) => calls.push([isStarted, typeof by]),
      });
      const client = openSession(network);
      const before = Date.now();
      const [started] = await client.ask('network:start', { graph: 'main' });
      const [stopped] = await client.ask('network:stop', { graph: 'main' });
      expect(calls).to.deep.equal([
        [true, 'object'],
        [false, 'object'],
      ]);
      expect(names([started, stopped].filter((one) => one !== undefined))).to.deep.equal([
        'network:started',
        'network:stopped',
      ]);
      const { time, ...rest } = started?.payload ?? {};
      expect(rest).to.deep.equal({ graph: 'main', started: true, running: true });
      expect(Date.parse(String(time))).to.be.within(before, Date.now());
      const { time: _, ...last } = stopped?.payload ?? {};
      expect(last).to.deep.equal({ graph: 'main', started: false, running: false, uptime: 12 });
    });

    it('tell the other clients, and not the one who asked once more', async () => {
      const network = fakeNetwork();
      const asking = openSession(network);
      const other = openAnother(asking.protocol);
      for (const client of [asking, other]) await client.ask('runtime:getruntime');
      const [before, beforeOther] = [asking.told.length, other.told.length];
      await asking.ask('network:start', { graph: 'main' });
      await asking.ask('network:stop', { graph: 'main' });
      expect(names(asking.told.slice(before))).to.deep.equal(['network:started', 'network:stopped']);
      expect(names(other.told.slice(beforeOther))).to.deep.equal(['network:started', 'network:stopped']);
    });

    it('leave out the uptime of a network that was not running', async () => {
      const [answer] = await openSession(fakeNetwork({ uptimeSeconds: 0 })).ask('network:stop', { graph: 'main' });
      expect(answer?.command).to.equal('stopped');
      expect(answer?.payload).not.to.have.property('uptime');
    });

    it('give the client that started it all data until it chooses edges', async () => {
      const network = fakeNetwork();
      const client = openSession(network);
      await client.ask('runtime:getruntime');
      await client.ask('network:start', { graph: 'main' });
      const before = client.told.length;
      network.emit({ kind: 'data', ...edge('read.out count.in'), data: 1 });
      expect(names(client.told.slice(before))).to.deep.equal(['network:data']);
      await client.ask('network:edges', { graph: 'main', edges: [] });
      network.emit({ kind: 'data', ...edge('read.out count.in'), data: 1 });
      expect(names(client.told.slice(before))).to.deep.equal(['network:data', 'network:edges']);
    });
  });

  describe('debug', () => {
    it('sets it, answers with it, and has what goes to stderr told', async () => {
      const calls: boolean[] = [];
      const network = fakeNetwork({ setDebug: (isOn) => calls.push(isOn) });
      const client = openSession(network);
      await client.ask('runtime:getruntime');
      const [answer] = await client.ask('network:debug', { graph: 'main', enable: true });
      expect(answer).to.deep.equal({
        protocol: 'network',
        command: 'debug',
        payload: { graph: 'main', enable: true },
      });
      expect(calls).to.deep.equal([true]);
      network.emit({ kind: 'output', role: edge('a.out b.in').from.role, stream: 'stderr', line: 'oh' });
      expect(client.told.at(-1)?.payload).to.deep.equal({ message: 'a: oh', type: 'message' });
    });

    it('refuses what is neither on nor off', async () => {
      const [answer] = await openSession().ask('network:debug', { graph: 'main', enable: 'yes' });
      expect(answer?.payload['message']).to.contain('enable');
    });
  });

  describe('edges', () => {
    const src = { node: 'read', port: 'OUT' };
    const tgt = { node: 'count', port: 'in' };

    it('answers with those chosen, of which data is told from then on', async () => {
      const network = fakeNetwork();
      const client = openSession(network);
      await client.ask('runtime:getruntime');
      const edges = [{ src: { ...src, index: null, extra: 1 }, tgt: { ...tgt, index: '3' }, metadata: {} }];
      const [answer] = await client.ask('network:edges', { graph: 'main', edges });
      expect(answer?.payload).to.deep.equal({
        graph: 'main',
        edges: [{ src: { node: 'read', port: 'out' }, tgt: { node: 'count', port: 'in', index: 3 } }],
      });
      network.emit({ kind: 'data', ...edge('read.out count.in[3]'), data: 1 });
      expect(client.told.at(-1)?.payload['id']).to.equal('read() OUT -> IN[3] count()');
    });

    for (const [what, edges, word] of [
      ['no edges', undefined, 'edges'],
      ['edges that are no list', {}, 'edges'],
      ['null as an edge', [null], 'edges.0'],
      ['an edge without source', [{ tgt }], 'src'],
      ['an edge without target', [{ src, tgt }, { src }], 'edges.1'],
      ['null as source', [{ src: null, tgt }], 'edges.0.src'],
      ['a port that is no text', [{ src: { node: 'a', port: 1 }, tgt }], 'edges.0.src.port'],
      ['an end without node', [{ src, tgt: { port: 'in' } }], 'node'],
      ['an index that is no number', [{ src, tgt: { ...tgt, index: 'x' } }], 'index'],
    ] as const) {
      it(`refuses ${what}, names the field, and leaves the choice as it was`, async () => {
        const network = fakeNetwork();
        const client = openSession(network);
        await client.ask('runtime:getruntime');
        await client.ask('network:edges', { graph: 'main', edges: [{ src, tgt }] });
        const [answer] = await client.ask('network:edges', { graph: 'main', edges });
        expect(answer?.command).to.equal('error');
        expect(answer?.payload['message']).to.contain(word);
        network.emit({ kind: 'data', ...edge('read.out count.in'), data: 1 });
        expect(client.told.at(-1)?.command).to.equal('data');
      });
    }
  });

  describe('persist', () => {
    it('answers when the graph is written', async () => {
      let isWritten = false;
      const network = fakeNetwork({
        persist: async () => {
          await new Promise((resolve) => setTimeout(resolve, 5));
          isWritten = true;
        },
      });
      const [answer] = await openSession(network).ask('network:persist');
      expect(answer).to.deep.equal({ protocol: 'network', command: 'persist', payload: {} });
      expect(isWritten).to.equal(true);
    });

    it('answers with the reason when it cannot be', async () => {
      const network = fakeNetwork({
        persist: () => Promise.reject(new RequestError('the graph has no file')),
      });
      const [answer] = await openSession(network).ask('network:persist');
      expect(answer).to.deep.equal({
        protocol: 'network',
        command: 'error',
        payload: { message: 'the graph has no file' },
      });
    });
  });

  for (const command of ['start', 'stop', 'getstatus', 'debug', 'edges', 'watch']) {
    const payload = { enable: true, edges: [] };

    it(`${command} takes the graph by its name with and without namespace and answers with the name asked for`, async () => {
      const client = openSession(fakeNetwork({ namespace: 'files', graphId: 'files/main' }));
      await client.ask('runtime:getruntime');
      for (const graph of ['main', 'files/main']) {
        const [answer] = await client.ask(`network:${command}`, { ...payload, graph });
        expect(answer?.payload['graph']).to.equal(graph);
      }
      client.protocol.close();
    });

    for (const [what, graph, message] of [
      ['no graph', undefined, 'No graph specified'],
      ['null as graph', null, 'No graph specified'],
      ['a graph there is not', 'other', 'Requested graph not found'],
      ['a number as graph', 3, 'Requested graph not found'],
    ] as const) {
      it(`${command} answers "${message}" to ${what}`, async () => {
        const [answer] = await openSession().ask(`network:${command}`, { ...payload, graph });
        expect(answer).to.deep.equal({ protocol: 'network', command: 'error', payload: { message } });
      });
    }
  }
});
