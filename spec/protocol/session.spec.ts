import { expect } from 'chai';
import fc from 'fast-check';
import { UnsupportedError } from '../../src/errors.js';
import { emptyGraph } from '../../src/graph/index.js';
import { EDIT_REQUESTS } from '../../src/protocol/edit-requests.js';
import { Protocol } from '../../src/protocol/index.js';
import { silentLogger } from '../../src/support/index.js';
import { fakeNetwork, names } from './fake-network.js';
import { openAnother, openSession } from './session.js';

describe('protocol session', () => {
  describe('answers', () => {
    it('come in the order of the requests of their sub-protocol, whatever each of them takes', async () => {
      const slow = gate();
      const client = openSession(fakeNetwork({ graphSource: () => slow.open.then(() => '{}') }));
      const first = client.ask('component:getsource', { name: 'main' });
      const second = client.ask('component:list');
      await client.ask('network:getstatus', { graph: 'main' });
      slow.release();
      await Promise.all([first, second]);
      expect(names(client.told)).to.deep.equal([
        'network:status',
        'component:source',
        'component:component',
        'component:component',
        'component:componentsready',
      ]);
    });

    it('to edits do not wait for what takes its time', async () => {
      const never = gate();
      const client = openSession(
        fakeNetwork({ status: () => never.open.then(() => Promise.reject(new Error('late'))) }),
      );
      const asked = client.ask('network:getstatus', { graph: 'main' });
      await client.ask('graph:addnode', { id: 'a', component: 'A', graph: 'main' });
      expect(names(client.told)).to.deep.equal(['graph:addnode']);
      never.release();
      await asked;
    });

    it('are of requests that began in their order: what changes something is not overtaken', async () => {
      const begun: string[] = [];
      const slow = gate();
      const network = fakeNetwork({
        status: async () => {
          begun.push('status');
          await slow.open;
          return { started: true, running: false, uptimeSeconds: 0, debug: false };
        },
        persist: async () => void begun.push('persist'),
        clear: () => void begun.push('clear'),
      });
      const client = openSession(network);
      const all = [
        client.ask('network:getstatus', { graph: 'main' }),
        client.ask('network:persist'),
        client.ask('graph:clear', { id: 'main', main: true }),
      ];
      slow.release();
      await Promise.all(all);
      expect(begun).to.deep.equal(['status', 'persist', 'clear']);
    });

    it('carry the requestId as responseTo, errors and every part of a list included', async () => {
      const client = openSession();
      await client.ask('component:list', {}, { requestId: 'a' });
      await client.ask('network:edges', {}, { requestId: 'b' });
      await client.session.receive('{"protocol":"graph","requestId":"c"}');
      expect(client.told.map(({ responseTo }) => responseTo)).to.deep.equal(['a', 'a', 'a', 'b', 'c']);
    });

    it('carry no responseTo where the request has no id', async () => {
      const [answer] = await openSession().ask('runtime:getruntime');
      expect(answer).not.to.have.property('responseTo');
    });

    it('never hold the secret, wherever and with whatever request it came', async () => {
      const client = openSession();
      for (const name of ['runtime:getruntime', 'component:list', 'network:getstatus', 'component:getsource', 'x:y']) {
        await client.ask(name, { secret: 'hunter2' }, { secret: 'hunter2' });
      }
      await client.session.receive('{"secret":"hunter2"');
      expect(client.told.length).to.be.above(8);
      expect(JSON.stringify(client.told)).not.to.contain('hunter2');
    });
  });

  describe('refuses with an error, and goes on,', () => {
    for (const [what, frame, name, word] of [
      ['what is not JSON', 'hello', 'runtime:error', 'not JSON'],
      ['an empty frame', '', 'runtime:error', 'not JSON'],
      ['null', 'null', 'runtime:error', 'object'],
      ['a list', '[1]', 'runtime:error', 'object'],
      ['no protocol', '{"command":"list","payload":{}}', 'runtime:error', 'protocol'],
      ['a protocol that is no text', '{"protocol":{},"command":"list","payload":{}}', 'runtime:error', 'protocol'],
      ['an unknown protocol', '{"protocol":"soap","command":"x","payload":{}}', 'runtime:error', "'soap'"],
      ['no command', '{"protocol":"graph","payload":{}}', 'graph:error', 'command'],
      ['a command that is no text', '{"protocol":"component","command":1,"payload":{}}', 'component:error', 'command'],
      ['an unknown command', '{"protocol":"network","command":"fly","payload":{}}', 'network:error', 'network:fly'],
      ['an inherited name', '{"protocol":"network","command":"toString","payload":{}}', 'network:error', 'toString'],
      ['a missing payload', '{"protocol":"component","command":"list"}', 'component:error', 'payload'],
      ['a null payload', '{"protocol":"runtime","command":"getruntime","payload":null}', 'runtime:error', 'payload'],
      ['a list as payload', '{"protocol":"trace","command":"start","payload":[]}', 'trace:error', 'payload'],
      [
        'a requestId that is no text',
        '{"protocol":"graph","command":"clear","payload":{},"requestId":1}',
        'graph:error',
        'requestId',
      ],
      ['bytes', Buffer.from('{}'), 'runtime:error', 'binary'],
    ] as const) {
      it(what, async () => {
        const client = openSession();
        await client.session.receive(frame);
        expect(names(client.told)).to.deep.equal([name]);
        expect(client.told[0]?.payload).to.have.all.keys('message');
        expect(client.told[0]?.payload['message']).to.contain(word);
        expect(client.protocol.counts).to.deep.equal({
          received: 1,
          refused: 1,
          forbidden: 0,
          wrongSecret: 0,
          failed: 0,
        });
        expect(names(await client.ask('runtime:getruntime'))).to.include('runtime:runtime');
      });
    }

    it('a very long name, of which the answer repeats only the beginning', async () => {
      const [answer] = await openSession().ask(`graph:${'x'.repeat(100_000)}`);
      expect(JSON.stringify(answer).length).to.be.below(1000);
    });

    it('any JSON there is: answered each time, never an exception', async () => {
      const message = fc.record(
        {
          protocol: fc.oneof(fc.constantFrom('runtime', 'component', 'network', 'trace', 'graph'), fc.jsonValue()),
          command: fc.oneof(fc.constantFrom('getruntime', 'getsource', 'edges', 'start', '__proto__'), fc.jsonValue()),
          payload: fc.oneof(fc.record({ name: fc.jsonValue(), graph: fc.jsonValue() }), fc.jsonValue()),
          requestId: fc.jsonValue(),
        },
        { requiredKeys: [] },
      );
      await fc.assert(
        fc.asyncProperty(message, async (value) => {
          const client = openSession();
          await client.session.receive(JSON.stringify(value));
          expect(client.told).not.to.deep.equal([]);
        }),
      );
    });

    it('any payload of an edit: answered in kind or refused, as the schemas want it', async () => {
      const any = fc.oneof(fc.constantFrom('read', 'count', 'in', 'out', 'path', ''), fc.jsonValue({ maxDepth: 2 }));
      const end = fc.oneof(fc.record({ node: any, port: any, index: any, data: any }, { requiredKeys: [] }), any);
      const metadata = fc.oneof(fc.record({ x: any, schema: any, secure: any, description: any, route: any }), any);
      const fields = { id: any, component: any, metadata, src: end, tgt: end, name: any, nodes: fc.array(any) };
      const more = { public: any, node: any, port: any, from: any, to: any, main: any, library: any };
      const payload = fc.record({ ...fields, ...more }, { requiredKeys: [] });
      await fc.assert(
        fc.asyncProperty(fc.constantFrom('clear', ...Object.keys(EDIT_REQUESTS)), payload, async (command, value) => {
          const client = openSession();
          const last = (await client.ask(`graph:${command}`, { ...value, graph: 'main' })).at(-1);
          expect(last?.command).to.be.oneOf([command, 'error']);
          expect(client.protocol.counts.failed).to.equal(0);
        }),
        { numRuns: 500 },
      );
    });
  });

  it('answers in general words when something breaks, logs what it was, and counts it', async () => {
    const logged: string[] = [];
    const network = fakeNetwork({
      graphSource: async () => {
        throw new Error('EACCES /home/me/main.json');
      },
    });
    const client = openSession(network, { log: { ...silentLogger, warn: (text) => logged.push(text) } });
    const [answer] = await client.ask('component:getsource', { name: 'main' });
    expect(answer?.payload['message']).to.equal('component:getsource failed: the log of the runtime says why');
    expect(logged).to.deep.equal(['component:getsource failed: EACCES /home/me/main.json']);
    expect(client.protocol.counts).to.include({ failed: 1, refused: 0 });
  });

  it('answers in the words of the network where it refuses', async () => {
    const network = fakeNetwork({
      persist: async () => {
        throw new UnsupportedError('this graph has no file');
      },
    });
    const client = openSession(network);
    const [answer] = await client.ask('network:persist');
    expect(answer?.payload['message']).to.equal('this graph has no file');
    expect(client.protocol.counts).to.include({ failed: 0, refused: 1 });
  });

  it('answers with an error what takes too long, and drops what comes of it later', async () => {
    const slow = gate();
    const network = fakeNetwork({ graphSource: () => slow.open.then(() => '{}') });
    const client = openSession(network, { answerWithinMs: 20 });
    const [answer] = await client.ask('component:getsource', { name: 'main' });
    expect(answer?.command).to.equal('error');
    expect(answer?.payload['message']).to.contain('20 ms');
    expect(client.protocol.counts.failed).to.equal(1);
    slow.release();
    expect(names(await client.ask('component:list')).at(-1)).to.equal('component:componentsready');
    expect(names(client.told)).not.to.include('component:source');
  });

  it('sends nothing after close, not even the answer to what was asked before', async () => {
    const client = openSession();
    const asked = client.ask('component:list');
    client.session.close();
    await asked;
    await client.session.receive('no JSON');
    expect(client.told).to.deep.equal([]);
  });

  describe('changes', () => {
    const component = { name: 'New', inPorts: [], outPorts: [] };

    it('are told to a client that has asked what this is', async () => {
      const network = fakeNetwork({ graph: () => emptyGraph('main') });
      const client = openSession(network);
      await client.ask('runtime:getruntime');
      client.told.length = 0;
      network.emit({ kind: 'component', component });
      network.emit({ kind: 'stopped', uptimeSeconds: 3.9 });
      expect(names(client.told)).to.deep.equal(['component:component', 'network:stopped']);
      expect(client.told[0]?.payload).to.deep.equal({ ...component, subgraph: false });
      expect(client.told[1]?.payload).to.include({ uptime: 3 });
    });

    it('are not told to a client that has not introduced itself, nor beyond its capabilities', async () => {
      const network = fakeNetwork();
      const silent = openSession(network);
      const narrow = openSession(network, { access: { anonymous: ['network:status'], secrets: [] } });
      await narrow.ask('runtime:getruntime');
      network.emit({ kind: 'component', component });
      network.emit({ kind: 'edited', changes: [{ do: 'remove-group', name: 'g' }] });
      network.emit({ kind: 'ports' });
      network.emit({ kind: 'started' });
      expect(silent.told).to.deep.equal([]);
      expect(names(narrow.told)).to.deep.equal(['runtime:runtime', 'network:started']);
    });

    it('are no longer told when the protocol is closed', async () => {
      const network = fakeNetwork();
      const client = openSession(network);
      await client.ask('runtime:getruntime');
      const before = client.told.length;
      client.protocol.close();
      network.emit({ kind: 'started' });
      expect(client.told).to.have.length(before);
      expect(network.listeners.size).to.equal(0);
    });

    it('are made into a frame once, however many clients there are', async () => {
      const network = fakeNetwork();
      const frames: string[][] = [];
      const protocol = new Protocol({ network, log: silentLogger });
      for (let nth = 0; nth < 3; nth += 1) {
        const sent: string[] = [];
        frames.push(sent);
        const session = protocol.open((frame) => sent.push(frame));
        await session.receive('{"protocol":"runtime","command":"getruntime","payload":{}}');
        sent.length = 0;
      }
      let reads = 0;
      const counted = {
        name: 'New',
        outPorts: [],
        get inPorts() {
          reads += 1;
          return [];
        },
      };
      network.emit({ kind: 'component', component: counted });
      expect(frames.flat()).to.have.length(3);
      expect(reads).to.equal(1);
    });

    it('that start and stop the network are told to all but the one who asked, with how long it ran', async () => {
      const network = fakeNetwork({ namespace: 'files' });
      const asking = openSession(network);
      const other = openAnother(asking.protocol);
      for (const client of [asking, other]) await client.ask('runtime:getruntime');
      other.told.length = 0;
      await asking.ask('network:start', { graph: 'main' });
      await asking.ask('network:stop', { graph: 'main' });
      expect(other.told.map(({ command, payload: { time: _, ...payload } }) => [command, payload])).to.deep.equal([
        ['started', { graph: 'files/main', started: true, running: true }],
        ['stopped', { graph: 'files/main', started: false, running: false, uptime: 12 }],
      ]);
      expect(names(asking.told).filter((name) => name === 'network:started')).to.have.length(1);
    });
  });

  it('tells a client that reads again how many copies it missed, if it may know of data at all', async () => {
    const client = openSession(fakeNetwork(), { access: { anonymous: ['network:data'], secrets: [] } });
    await client.ask('runtime:getruntime');
    client.session.drained(0);
    client.session.drained(12);
    expect(names(client.told)).to.deep.equal(['runtime:runtime', 'network:output']);
    expect(client.told[1]?.payload['message']).to.contain('12 copies');
    const stranger = openSession(fakeNetwork(), { access: { anonymous: [], secrets: [] } });
    await stranger.ask('runtime:getruntime');
    stranger.session.drained(12);
    expect(names(stranger.told)).to.deep.equal(['runtime:runtime']);
  });
});

/** Something that takes until it is released. */
function gate(): { readonly open: Promise<void>; release(): void } {
  let release = (): void => {};
  const open = new Promise<void>((resolve) => {
    release = resolve;
  });
  return { open, release: () => release() };
}
