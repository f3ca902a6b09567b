import { expect } from 'chai';
import fc from 'fast-check';
import { fakeNetwork, names } from './fake-network.js';
import { openSession } from './session.js';

describe('protocol session', () => {
  describe('answers', () => {
    it('come in the order of the requests, whatever each of them takes', async () => {
      let release = (): void => {};
      const slow = new Promise<void>((resolve) => {
        release = resolve;
      });
      const network = fakeNetwork({ graphSource: () => slow.then(() => '{}') });
      const client = openSession(network);
      const first = client.ask('component:getsource', { name: 'main' });
      const second = client.ask('network:getstatus', { graph: 'main' });
      const third = client.ask('graph:addnode', {});
      release();
      await Promise.all([first, second, third]);
      expect(names(client.told)).to.deep.equal(['component:source', 'network:status', 'graph:error']);
    });

    it('carry the requestId as responseTo, errors and every part of a list included', async () => {
      const client = openSession();
      await client.ask('component:list', {}, { requestId: 'a' });
      await client.ask('network:start', {}, { requestId: 'b' });
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
      expect(client.told).to.have.length(8);
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
        expect(client.protocol.counts).to.deep.equal({ received: 1, refused: 1, failed: 0 });
        expect(names(await client.ask('runtime:getruntime'))).to.deep.equal(['runtime:runtime']);
      });
    }

    it('a very long name, of which the answer repeats only the beginning', async () => {
      const [answer] = await openSession().ask(`graph:${'x'.repeat(100_000)}`);
      expect(JSON.stringify(answer).length).to.be.below(400);
    });

    it('any JSON there is: one answer each, never an exception', async () => {
      const message = fc.record(
        {
          protocol: fc.oneof(fc.constantFrom('runtime', 'component', 'network', 'graph'), fc.jsonValue()),
          command: fc.oneof(fc.constantFrom('getruntime', 'getsource', 'getstatus', '__proto__'), fc.jsonValue()),
          payload: fc.oneof(fc.record({ name: fc.jsonValue(), graph: fc.jsonValue() }), fc.jsonValue()),
          requestId: fc.jsonValue(),
        },
        { requiredKeys: [] },
      );
      await fc.assert(
        fc.asyncProperty(message, async (value) => {
          const client = openSession();
          await client.session.receive(JSON.stringify(value));
          expect(client.told).to.have.length(1);
        }),
      );
    });
  });

  it('answers with an error and counts it when the network fails', async () => {
    const network = fakeNetwork({
      graphSource: async () => {
        throw new Error('no graph at hand');
      },
    });
    const client = openSession(network);
    const [answer] = await client.ask('component:getsource', { name: 'main' });
    expect(answer?.payload['message']).to.equal('component:getsource failed: no graph at hand');
    expect(client.protocol.counts.failed).to.equal(1);
  });

  it('answers with an error what takes too long, and drops what comes of it later', async () => {
    let release = (_source: string): void => {};
    const slow = new Promise<string>((resolve) => {
      release = resolve;
    });
    const client = openSession(fakeNetwork({ graphSource: () => slow }), { answerWithinMs: 20 });
    const [answer] = await client.ask('component:getsource', { name: 'main' });
    expect(answer?.command).to.equal('error');
    release('{}');
    await slow;
    expect(names(await client.ask('network:getstatus', { graph: 'main' }))).to.deep.equal(['network:status']);
  });

  it('sends nothing after close, not even the answer to what was asked before', async () => {
    const client = openSession();
    const asked = client.ask('component:list');
    client.session.close();
    await asked;
    expect(client.told).to.deep.equal([]);
  });

  describe('changes', () => {
    const component = { name: 'New', inPorts: [], outPorts: [] };

    it('are told to a client that has asked what this is', async () => {
      const network = fakeNetwork();
      const client = openSession(network);
      await client.ask('runtime:getruntime');
      network.emit({ kind: 'component', component });
      network.emit({ kind: 'status' });
      expect(names(client.told)).to.deep.equal(['runtime:runtime', 'component:component', 'network:status']);
      expect(client.told[1]?.payload).to.deep.equal({ ...component, subgraph: false });
    });

    it('are not told to a client that has not introduced itself, nor beyond its capabilities', async () => {
      const network = fakeNetwork();
      const silent = openSession(network);
      const narrow = openSession(network, { capabilities: ['network:status'] });
      await narrow.ask('runtime:getruntime');
      network.emit({ kind: 'component', component });
      network.emit({ kind: 'status' });
      expect(silent.told).to.deep.equal([]);
      expect(names(narrow.told)).to.deep.equal(['runtime:runtime', 'network:status']);
    });

    it('are no longer told when the protocol is closed', async () => {
      const network = fakeNetwork();
      const client = openSession(network);
      await client.ask('runtime:getruntime');
      client.protocol.close();
      network.emit({ kind: 'status' });
      expect(names(client.told)).to.deep.equal(['runtime:runtime']);
      expect(network.listeners.size).to.equal(0);
    });
  });
});
