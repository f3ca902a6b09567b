import { expect } from 'chai';
import { Access } from '../../src/protocol/access.js';
import { capabilitiesToSend, receivable } from '../../src/protocol/capabilities.js';
import { type AccessRules, OFFERED, READ_ONLY } from '../../src/protocol/index.js';
import { silentLogger } from '../../src/support/index.js';
import { fakeNetwork, names } from './fake-network.js';
import { openAnother, openSession } from './session.js';

const rules: AccessRules = {
  anonymous: ['network:status', 'protocol:component'],
  secrets: [
    { secret: 'reader', capabilities: READ_ONLY },
    { secret: 'hunter2', capabilities: OFFERED },
  ],
};
const addNode = { id: 'a', component: 'A', graph: 'main' };

describe('protocol access', () => {
  describe('of a secret', () => {
    const access = new Access(rules);

    it('is what its rule says, in the order in which capabilities are offered', () => {
      expect(access.grantFor('hunter2')).to.deep.equal({ capabilities: OFFERED, isWrongSecret: false });
      const { capabilities } = access.grantFor('reader');
      expect(capabilities).to.have.members([...READ_ONLY]);
      expect(capabilities).to.deep.equal(OFFERED.filter((one) => READ_ONLY.includes(one)));
    });

    it('that nobody has is that of no secret, and is known to be wrong', () => {
      const anonymous = ['protocol:component', 'network:status'];
      for (const secret of ['hunter', 'hunter22', 'Hunter2', ' ', 'reader ', '\0']) {
        expect(access.grantFor(secret)).to.deep.equal({ capabilities: anonymous, isWrongSecret: true });
      }
      for (const none of [undefined, '']) {
        expect(access.grantFor(none)).to.deep.equal({ capabilities: anonymous, isWrongSecret: false });
      }
    });

    it('is not to be seen in what is kept', () => {
      expect(JSON.stringify(access)).not.to.contain('hunter2');
    });

    it('cannot be given by an empty one, nor twice', () => {
      const twice = [...rules.secrets, { secret: 'reader', capabilities: [] }];
      expect(() => new Access({ anonymous: [], secrets: [{ secret: '', capabilities: [] }] })).to.throw(RangeError);
      expect(() => new Access({ anonymous: [], secrets: twice })).to.throw(RangeError, /^a secret stands twice$/);
    });
  });

  it('to read lets nothing be changed, and no program be run', () => {
    const commands = ['graph:addnode', 'graph:clear', 'component:source', 'network:start', 'network:stop'];
    for (const name of [...commands, 'network:persist', 'network:debug', 'runtime:packet', 'trace:clear']) {
      const [protocol = '', command = ''] = name.split(':');
      const needed = capabilitiesToSend(protocol, command);
      expect(needed, name).not.to.deep.equal([]);
      expect(
        needed.filter((one) => READ_ONLY.includes(one)),
        name,
      ).to.deep.equal([]);
    }
    const told = receivable(READ_ONLY);
    for (const name of ['graph:addnode', 'network:data', 'component:component']) expect(told.has(name)).to.equal(true);
  });

  describe('of a message', () => {
    it('goes by the secret it carries, beside the payload or in it', async () => {
      const client = openSession(fakeNetwork(), { access: rules });
      const answers = [
        await client.ask('graph:addnode', addNode, { secret: 'hunter2' }),
        await client.ask('graph:removenode', { id: 'a', graph: 'main', secret: 'hunter2' }),
        await client.ask('graph:addnode', { ...addNode, secret: 'hunter2' }, { secret: 'reader' }),
        await client.ask('graph:addnode', addNode),
      ].flat();
      expect(names(answers)).to.deep.equal(['graph:addnode', 'graph:removenode', 'graph:error', 'graph:error']);
      expect(JSON.stringify(client.told)).not.to.match(/hunter2|reader/);
    });

    it('is refused by naming what it takes, and counted; nothing has happened then', async () => {
      const network = fakeNetwork();
      const before = network.graph();
      const client = openSession(network, { access: rules });
      const [edit] = await client.ask('graph:addnode', addNode, { requestId: 'r' });
      const [edges] = await client.ask('network:edges', { graph: 'main', edges: [] });
      expect(edit).to.deep.equal({
        protocol: 'graph',
        command: 'error',
        payload: { message: 'graph:addnode needs the capability protocol:graph' },
        responseTo: 'r',
      });
      expect(edges?.payload['message']).to.equal('network:edges needs the capability protocol:network or network:data');
      expect(client.protocol.counts).to.include({ forbidden: 2, refused: 0, failed: 0, wrongSecret: 0 });
      expect(network.graph()).to.equal(before);
    });

    it('is looked at before its payload is', async () => {
      const client = openSession(fakeNetwork(), { access: rules });
      const [answer] = await client.ask('graph:addnode', { graph: 'other' });
      expect(answer?.payload['message']).to.contain('capability');
    });

    it('with a wrong secret is that of no secret, counted; it is in no answer and no log', async () => {
      const logged: string[] = [];
      const say = (text: string): void => void logged.push(text);
      const log = { ...silentLogger, debug: say, info: say, warn: say };
      const client = openSession(fakeNetwork(), { access: rules, log });
      const answers = [
        await client.ask('component:list', {}, { secret: 'tr0ub4dor' }),
        await client.ask('graph:addnode', { ...addNode, secret: 'tr0ub4dor' }),
      ].flat();
      expect(names(answers).at(-1)).to.equal('graph:error');
      expect(names(answers)).to.include('component:componentsready');
      expect(client.protocol.counts).to.include({ wrongSecret: 2, forbidden: 1 });
      expect(JSON.stringify([client.told, logged])).not.to.contain('tr0ub4dor');
    });

    it('that no capability stands for is refused as unknown', async () => {
      const client = openSession(fakeNetwork(), { access: { anonymous: [], secrets: [] } });
      const [answer] = await client.ask('network:fly');
      expect(answer?.payload['message']).to.contain('network:fly is not supported');
    });

    it('lets nobody do anything but ask what this is, where nothing is granted', async () => {
      const client = openSession(fakeNetwork(), { access: { anonymous: [], secrets: [] } });
      const messages = OFFERED.flatMap((capability) =>
        [...receivable([capability])].filter((name) => !/:(error|ports|packetsent|status|data|icon)$/.test(name)),
      );
      for (const name of new Set([...messages, 'component:list', 'component:source'])) {
        expect(names(await client.ask(name)), name).to.deep.equal([`${name.split(':')[0]}:error`]);
      }
      expect(names(await client.ask('runtime:getruntime'))).to.deep.equal(['runtime:runtime']);
    });
  });

  describe('to what is told unasked', () => {
    it('goes by what the client had when it last asked what this is', async () => {
      const network = fakeNetwork();
      const client = openSession(network, { access: rules });
      const editor = openAnother(client.protocol);
      const add = async (id: string): Promise<void> => {
        await editor.ask('graph:addnode', { ...addNode, id }, { secret: 'hunter2' });
      };
      await client.ask('runtime:getruntime');
      await add('a');
      await client.ask('graph:removenode', { id: 'a', graph: 'main' }, { secret: 'hunter2' });
      await add('b');
      await client.ask('runtime:getruntime', {}, { secret: 'reader' });
      await add('c');
      await client.ask('runtime:getruntime', {}, { secret: 'wrong' });
      await add('d');
      expect(names(client.told)).to.deep.equal([
        'runtime:runtime',
        'graph:removenode',
        'runtime:runtime',
        'graph:addnode',
        'runtime:runtime',
      ]);
    });

    it('says in the answer what this client has', async () => {
      const client = openSession(fakeNetwork(), { access: rules });
      const capabilities = async (secret: string): Promise<unknown> => {
        const [answer] = await client.ask('runtime:getruntime', { secret });
        return answer?.payload['capabilities'];
      };
      expect(await capabilities('')).to.deep.equal(['protocol:component', 'network:status']);
      expect(await capabilities('hunter2')).to.deep.equal(OFFERED);
    });
  });
});
