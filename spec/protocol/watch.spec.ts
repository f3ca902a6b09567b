import { mock } from 'node:test';
import { expect } from 'chai';
import { asRole } from '../../src/names.js';
import type { EdgeStatus, NodeStatus, QueueFigures } from '../../src/protocol/network.js';
import { Watchers } from '../../src/protocol/watchers.js';
import { silentLogger } from '../../src/support/index.js';
import { edge } from './data-stage.js';
import { fakeNetwork, names } from './fake-network.js';
import { RecordingClient } from './recording-client.js';
import { openAnother, openSession } from './session.js';

const EVERY_MS = 5;

describe('protocol watch', () => {
  let nodes: NodeStatus[];
  let edges: EdgeStatus[];
  let queues: QueueFigures[];
  let asked: number;
  let answer: () => Promise<QueueFigures[]>;
  let warned: string[];
  let watchers: Watchers;

  const node = (role: string, state: NodeStatus['state'], participants = 0, why?: string): NodeStatus => ({
    role: asRole(role),
    state,
    participants,
    ...(why !== undefined && { why }),
  });

  beforeEach(() => {
    nodes = [node('a', 'live', 2), node('b', 'pending', 0, 'nobody has announced it')];
    edges = [{ ...edge('a.out b.in'), state: 'pending', why: "'b' is not there" }];
    queues = [];
    asked = 0;
    answer = async () => queues;
    warned = [];
    const network = fakeNetwork({
      graphId: 'main',
      nodes: () => nodes,
      edges: () => edges,
      queues: () => {
        asked += 1;
        return answer();
      },
    });
    const log = { ...silentLogger, warnOnce: (key: string) => warned.push(key) };
    watchers = new Watchers({ network, log, everyMs: EVERY_MS });
  });

  afterEach(() => watchers.close());

  it('tells a new watcher all nodes and edges at once', () => {
    const client = new RecordingClient();
    watchers.watch(client, 'main');
    expect(client.told).to.deep.equal([
      {
        protocol: 'network',
        command: 'nodes',
        payload: {
          graph: 'main',
          nodes: [
            { id: 'a', state: 'live', participants: 2 },
            { id: 'b', state: 'pending', participants: 0, why: 'nobody has announced it' },
          ],
        },
      },
      {
        protocol: 'network',
        command: 'edgestates',
        payload: {
          graph: 'main',
          edges: [
            {
              src: { node: 'a', port: 'out' },
              tgt: { node: 'b', port: 'in' },
              state: 'pending',
              why: "'b' is not there",
            },
          ],
        },
      },
    ]);
  });

  it('tells afterwards only what has changed, and of many changes together', async () => {
    const client = new RecordingClient();
    watchers.watch(client, 'main');
    nodes = [node('a', 'live', 2), node('b', 'live', 1)];
    watchers.changed();
    edges = [{ ...edge('a.out b.in'), state: 'live' }];
    watchers.changed();
    await until(() => client.told.length >= 4);
    watchers.changed();
    nodes = [...nodes, node('c', 'pending')];
    await until(() => client.told.length >= 5);
    expect(names(client.told.slice(2))).to.deep.equal(['network:nodes', 'network:edgestates', 'network:nodes']);
    expect(client.payloads('nodes').slice(1)).to.deep.equal([
      { graph: 'main', nodes: [{ id: 'b', state: 'live', participants: 1 }] },
      { graph: 'main', nodes: [{ id: 'c', state: 'pending', participants: 0 }] },
    ]);
  });

  it('tells that a discovered role is lost when it is no longer heard of, and nothing of a node that was removed', async () => {
    nodes.push(node('stranger', 'foreign', 1));
    const client = new RecordingClient();
    watchers.watch(client, 'main');
    nodes = [node('a', 'live', 2)];
    watchers.changed();
    await until(() => client.payloads('nodes').length === 2);
    expect(client.payloads('nodes')[1]?.['nodes']).to.deep.equal([{ id: 'stranger', state: 'lost', participants: 0 }]);
  });

  it('tells a second watcher everything, and the first only what is new', () => {
    const [first, second] = [new RecordingClient(), new RecordingClient()];
    watchers.watch(first, 'main');
    nodes = [node('a', 'degraded', 1, 'one of two')];
    watchers.watch(second, 'main');
    expect(second.payloads('nodes')).to.deep.equal([
      { graph: 'main', nodes: [{ id: 'a', state: 'degraded', participants: 1, why: 'one of two' }] },
    ]);
    expect(first.payloads('nodes')[1]).to.deep.equal(second.payloads('nodes')[0]);
    expect(first.payloads('edgestates')).to.have.length(1);
  });

  it('spells the graph as each watcher does, and in our way once that is the name of none', async () => {
    const [one, other] = [new RecordingClient(), new RecordingClient()];
    watchers.watch(one, 'main');
    watchers.watch(other, 'gone');
    nodes = [];
    edges = [];
    watchers.changed();
    expect([one, other].map(({ told }) => told[0]?.payload['graph'])).to.deep.equal(['main', 'main']);
  });

  it('looks at the queues while somebody watches, and tells what is other than before', async () => {
    const client = new RecordingClient();
    watchers.changed();
    expect(asked).to.equal(0);
    const quiet = { ...edge('a.out b.in'), queue: 'b.IN' };
    queues = [{ ...quiet, ready: 3, unacked: 1, consumers: 2, inPerSecond: 10, outPerSecond: 9.5 }];
    watchers.watch(client, 'main');
    await until(() => client.payloads('queue').length === 1);
    expect(client.payloads('queue')[0]).to.deep.equal({
      graph: 'main',
      queues: [
        {
          src: { node: 'a', port: 'out' },
          tgt: { node: 'b', port: 'in' },
          queue: 'b.IN',
          ready: 3,
          unacked: 1,
          consumers: 2,
          in: 10,
          out: 9.5,
        },
      ],
    });
    const before = asked;
    await until(() => asked > before + 2);
    expect(client.payloads('queue')).to.have.length(1);
    queues = [{ ...quiet, ready: 4 }];
    await until(() => client.payloads('queue').length === 2);
    expect(client.payloads('queue')[1]?.['queues']).to.have.nested.property('[0].ready', 4);
  });

  it('never asks for the queues before it was answered, whoever comes and goes', async () => {
    let release = (_: QueueFigures[]): void => {};
    answer = () =>
      new Promise((resolve) => {
        release = resolve;
      });
    const client = new RecordingClient();
    for (const _ of [1, 2, 3]) {
      watchers.watch(client, 'main');
      watchers.unwatch(client);
    }
    watchers.watch(client, 'main');
    await new Promise((resolve) => setTimeout(resolve, EVERY_MS * 5));
    expect(asked).to.equal(1);
    release([]);
    await until(() => asked === 2);
  });

  it('asks nobody once nobody watches', async () => {
    const [one, other] = [new RecordingClient(), new RecordingClient()];
    for (const client of [one, other]) watchers.watch(client, 'main');
    await until(() => asked > 1);
    watchers.unwatch(one);
    watchers.unwatch(other);
    await new Promise((resolve) => setTimeout(resolve, EVERY_MS * 2));
    const before = asked;
    nodes = [];
    watchers.changed();
    await new Promise((resolve) => setTimeout(resolve, EVERY_MS * 20));
    expect(asked).to.equal(before);
    expect(one.payloads('nodes')).to.have.length(1);
  });

  it('asks nobody either when the last watcher left while it was asking', async () => {
    let release = (_: QueueFigures[]): void => {};
    answer = () =>
      new Promise((resolve) => {
        release = resolve;
      });
    const client = new RecordingClient();
    watchers.watch(client, 'main');
    watchers.unwatch(client);
    release([{ ...edge('a.out b.in'), queue: 'b.IN' }]);
    await new Promise((resolve) => setTimeout(resolve, EVERY_MS * 10));
    expect(asked).to.equal(1);
    expect(client.payloads('queue')).to.deep.equal([]);
  });

  it('goes on when the queues cannot be looked at, and says so once to the log', async () => {
    answer = async () => {
      throw new Error('not connected');
    };
    watchers.watch(new RecordingClient(), 'main');
    await until(() => asked > 3);
    expect(new Set(warned)).to.deep.equal(new Set(['queues']));
  });

  it('serialises a list once for all who spell the graph alike', () => {
    const clients = Array.from({ length: 5 }, () => new RecordingClient());
    for (const client of clients) watchers.watch(client, 'main');
    nodes = [node('z', 'lost')];
    const stringify = mock.method(JSON, 'stringify');
    try {
      watchers.watch(new RecordingClient(), 'main');
      const frames = stringify.mock.calls.filter(({ result }) => result?.includes('"command":"nodes"'));
      expect(frames).to.have.length(2);
    } finally {
      stringify.mock.restore();
    }
    expect(clients.map((client) => client.payloads('nodes').length)).to.deep.equal([2, 2, 2, 2, 2]);
  });

  describe('in the protocol', () => {
    it('answers, then tells how things are, and stops when asked to', async () => {
      const network = fakeNetwork({ nodes: () => nodes, edges: () => edges });
      const client = openSession(network);
      await client.ask('runtime:getruntime');
      const on = await client.ask('network:watch', { graph: 'main', enable: true });
      expect(names(on).slice(0, 3)).to.deep.equal(['network:watch', 'network:nodes', 'network:edgestates']);
      const off = await client.ask('network:watch', { graph: 'main', enable: false });
      expect(off[0]).to.deep.equal({
        protocol: 'network',
        command: 'watch',
        payload: { graph: 'main', enable: false },
      });
      nodes = [];
      network.emit({ kind: 'states' });
      await new Promise((resolve) => setTimeout(resolve, 100));
      expect(names(client.told).slice(-1)).to.deep.equal(['network:watch']);
      client.protocol.close();
    });

    it('tells nothing of it to a client that did not ask', async () => {
      const network = fakeNetwork();
      const watching = openSession(network);
      const other = openAnother(watching.protocol);
      for (const client of [watching, other]) await client.ask('runtime:getruntime');
      const before = other.told.length;
      await watching.ask('network:watch', { graph: 'main', enable: true });
      network.emit({ kind: 'states' });
      expect(other.told).to.have.length(before);
      watching.protocol.close();
    });

    it('refuses a client that cannot be told yet', async () => {
      const [answer] = await openSession().ask('network:watch', { graph: 'main', enable: true });
      expect(answer?.payload['message']).to.contain('runtime:getruntime');
    });

    it('refuses what does not say whether', async () => {
      const [answer] = await openSession().ask('network:watch', { graph: 'main' });
      expect(answer?.payload['message']).to.contain('enable');
    });
  });
});

async function until(isSo: () => boolean): Promise<void> {
  const untilMs = performance.now() + 2000;
  while (!isSo()) {
    if (performance.now() > untilMs) throw new Error('it did not come to that');
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}
