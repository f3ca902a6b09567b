import { expect } from 'chai';
import { fakeNetwork, names, type Told } from '../protocol/fake-network.js';
import { serversForSpecs, TestClient } from './client.js';

describe('a visual editor', () => {
  const start = serversForSpecs();

  it('opens the network: what it is, the graph, the components, the status, each component of the project', async () => {
    const server = await start({ network: fakeNetwork({ namespace: 'files' }) });
    const editor = await TestClient.open(server.address);
    expect(editor.ws.protocol).to.equal('noflo');
    const secret = '';

    editor.send('runtime:getruntime', { secret });
    const [runtime] = await editor.messages(2);
    const { graph, version, id, type } = payloadOf(runtime);
    expect(Number(version)).to.be.at.most(0.9);
    expect({ id, type }).to.deep.equal({ id: 'c1b9cc2b-1b5c-4f0c-9a1b-8f4d1a2f6a10', type: 'msgflo' });

    editor.send('component:getsource', { name: graph, secret });
    editor.send('component:list', { secret });
    editor.send('network:getstatus', { graph, secret });
    editor.send('component:list', { secret });
    editor.send('component:getsource', { name: 'files/Read', secret });
    const answers = (await editor.messages(11)).slice(2);
    expect(names(answers)).to.deep.equal([
      'component:source',
      'component:component',
      'component:component',
      'component:componentsready',
      'network:status',
      'component:component',
      'component:component',
      'component:componentsready',
      'component:source',
    ]);
    const main = payloadOf(answers[0]);
    expect(`${main['library']}/${main['name']}`).to.equal(graph);
    expect(JSON.parse(String(main['code'])).properties.environment.type).to.equal(type);
    expect(payloadOf(answers[4])).to.include({ graph, started: true });
    expect(JSON.stringify(editor.told)).not.to.contain('secret');
  });

  it('opens it without asking for the sub-protocol', async () => {
    const server = await start();
    const editor = await TestClient.open(server.address, []);
    expect(editor.ws.protocol).to.equal('');
    editor.send('runtime:getruntime');
    expect(names(await editor.messages(1))).to.deep.equal(['runtime:runtime']);
  });

  it('gets its own answers only, when there are two', async () => {
    const server = await start();
    const [a, b] = [await TestClient.open(server.address), await TestClient.open(server.address)];
    a.send('graph:addnode', {}, { requestId: 'a' });
    b.send('component:getsource', { name: 'Count' }, { requestId: 'b' });
    a.send('runtime:getruntime', {}, { requestId: 'a' });
    b.send('runtime:getruntime', {}, { requestId: 'b' });
    expect(names(await a.messages(2))).to.deep.equal(['graph:error', 'runtime:runtime']);
    expect(names(await b.messages(2))).to.deep.equal(['component:source', 'runtime:runtime']);
    expect(a.told.slice(0, 2).map(({ responseTo }) => responseTo)).to.deep.equal(['a', 'a']);
  });

  it('is told of changes, and so is every other', async () => {
    const network = fakeNetwork();
    const server = await start({ network });
    const editors = [await TestClient.open(server.address), await TestClient.open(server.address)];
    for (const editor of editors) editor.send('runtime:getruntime');
    for (const editor of editors) await editor.messages(2);
    network.emit({ kind: 'component', component: { name: 'New', inPorts: [], outPorts: [] } });
    for (const editor of editors) {
      expect(payloadOf((await editor.messages(3))[2])).to.include({ name: 'New' });
    }
  });

  it('that leaves without a word is forgotten', async () => {
    const network = fakeNetwork();
    const server = await start({ network });
    const editor = await TestClient.open(server.address);
    editor.send('runtime:getruntime');
    await editor.messages(1);
    editor.ws.terminate();
    await editor.closed;
    network.emit({ kind: 'started' });
    const next = await TestClient.open(server.address);
    next.send('runtime:getruntime');
    expect(await next.messages(2)).to.have.length(2);
    expect(server.counts).to.include({ clients: 2, failed: 0, dead: 0 });
  });
});

function payloadOf(message: Told | undefined): Record<string, unknown> {
  return message?.payload ?? {};
}
