import { expect } from 'chai';
import { dataStage, edge } from './data-stage.js';
import { fakeNetwork } from './fake-network.js';
import { openSession } from './session.js';

const NOTHING = { edges: [], packets: false, errors: false };
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('protocol data wishes', () => {
  it('are none while nobody is there', async () => {
    const { feed, wishes } = dataStage();
    feed.forget(dataStage().client());
    await turn();
    expect(wishes).to.deep.equal([]);
  });

  it('are for packets and errors as soon as somebody is there who may be told', async () => {
    const { client, wishes } = dataStage();
    client('runtime:packet', 'network:processerror');
    await turn();
    expect(wishes).to.deep.equal([]);
    client('runtime:packet');
    await turn();
    expect(wishes).to.deep.equal([{ ...NOTHING, errors: true }]);
    client();
    await turn();
    expect(wishes.at(-1)).to.deep.equal({ edges: [], packets: true, errors: true });
  });

  it('are for the edges that anybody looks at, each once, and told once for what happens together', async () => {
    const { feed, client, wishes } = dataStage();
    const [one, other] = [client(), client()];
    feed.select(one, [edge('a.OUT b.in'), edge('b.out c.in')]);
    feed.select(other, [edge('b.out c.in'), edge('c.out d.in')]);
    await turn();
    expect(wishes).to.have.length(1);
    expect(wishes[0]?.edges).to.deep.equal([edge('a.out b.in'), edge('b.out c.in'), edge('c.out d.in')]);
  });

  it('are not told again when they are the same', async () => {
    const { feed, client, wishes } = dataStage();
    const [one, other] = [client(), client()];
    feed.select(one, [edge('a.out b.in'), edge('b.out c.in')]);
    await turn();
    feed.select(one, [edge('b.out c.in'), edge('a.out b.in')]);
    feed.select(other, [edge('a.out b.in')]);
    await turn();
    feed.forget(other);
    await turn();
    expect(wishes).to.have.length(1);
  });

  it('become fewer when a client chooses fewer or goes, down to nothing', async () => {
    const { feed, client, wishes } = dataStage();
    const [one, other] = [client(), client()];
    feed.startedBy(other);
    feed.select(one, [edge('a.out b.in')]);
    await turn();
    expect(wishes.at(-1)?.edges).to.equal('all');
    feed.select(other, []);
    await turn();
    expect(wishes.at(-1)?.edges).to.deep.equal([edge('a.out b.in')]);
    for (const gone of [one, other]) feed.forget(gone);
    await turn();
    expect(wishes.at(-1)).to.deep.equal(NOTHING);
  });

  it('leave out what only a client looks at that may not be told of data', async () => {
    const { feed, client, wishes } = dataStage();
    const blind = client('network:data', 'runtime:packet', 'network:processerror');
    feed.startedBy(blind);
    await turn();
    feed.select(blind, [edge('a.out b.in')]);
    await turn();
    expect(wishes).to.deep.equal([]);
  });

  it('are for everything while a trace is recorded', async () => {
    const { tracer, wishes } = dataStage();
    tracer.start();
    await turn();
    tracer.stop();
    await turn();
    expect(wishes).to.deep.equal([{ edges: 'all', packets: false, errors: true }, NOTHING]);
  });

  it('are told before the network is started, so that the first message is seen', async () => {
    const calls: unknown[] = [];
    const network = fakeNetwork({
      wish: ({ edges }) => calls.push(edges),
      setStarted: (isStarted) => calls.push(isStarted),
    });
    const client = openSession(network);
    await client.ask('runtime:getruntime');
    await turn();
    calls.length = 0;
    await client.ask('network:start', { graph: 'main' });
    expect(calls).to.deep.equal(['all', true]);
  });
});
