import { expect } from 'chai';
import { type RawClient, servedNode } from './support.js';

interface Given {
  readonly claim: string;
  readonly records: readonly { readonly body: unknown }[];
}

describe('claims over a connection that ends', () => {
  const served = servedNode();
  const proc = { topic: 't', name: 'p', offset: '>', reclaimTimeout: -1 };
  let keys = 0;

  async function ask(client: RawClient, type: string, data: object): Promise<unknown> {
    client.send({ type, msgKey: `${keys++}`, data });
    const { errStatus, data: answer } = await client.next();
    return errStatus ?? answer;
  }

  async function claimed(client: RawClient, options: object = proc): Promise<Given> {
    return (await ask(client, 'proc', { proc: options, waitMs: 5000 })) as Given;
  }

  async function gone(client: RawClient): Promise<void> {
    client.socket.destroy();
    await client.ended;
  }

  beforeEach(async () => {
    await served.node().commit([1, 2].map((n) => ({ topic: 't', body: Buffer.from(`{"n":${n}}`) })));
  });

  it('are given to the next one at once when it is lost, and that counts', async () => {
    const [first, second] = [served.client(), served.client()];
    const { claim } = await claimed(first);
    const waiting = claimed(second);
    await gone(first);
    expect((await waiting).records).to.have.nested.property('[0].body.n', 1);
    expect(served.node().inspectProc('p')).to.include({ reclaims: 1, unacked: 1 });
    expect(await ask(second, 'ack', { name: 'p', claim })).to.equal('stale_claim');
  });

  it('are given back uncounted when the client says goodbye', async () => {
    const [first, second] = [served.client(), served.client()];
    await claimed(first);
    const waiting = claimed(second);
    expect(await ask(first, 'leave', {})).to.equal(null);
    expect((await waiting).records).to.have.nested.property('[0].body.n', 1);
    expect(served.node().inspectProc('p')).to.include({ reclaims: 0, unacked: 1 });
    await gone(first);
    expect(await ask(second, 'ack', { name: 'p' })).to.match(/-0$/);
  });

  it('of two programs that share a proc go to the other when one is lost, and only those', async () => {
    await served.node().commit([3, 4].map((n) => ({ topic: 't', body: Buffer.from(`{"n":${n}}`) })));
    const [first, second] = [served.client(), served.client()];
    const shared = { ...proc, maxClaims: 8 };
    const numbers: unknown[] = [];
    const next = async (client: RawClient): Promise<void> => {
      const { records } = await claimed(client, shared);
      numbers.push(records[0]?.body);
    };
    for (const client of [first, second, first, second]) await next(client);
    expect(numbers).to.deep.equal([1, 2, 3, 4].map((n) => ({ n })));
    await gone(first);
    await next(second);
    await next(second);
    expect(numbers.slice(4)).to.deep.equal([{ n: 1 }, { n: 3 }]);
    expect(served.node().inspectProc('p')).to.include({ ready: 0, unacked: 4 });
  });

  it('stay with another connection that has named them', async () => {
    const [first, second] = [served.client(), served.client()];
    const { claim } = await claimed(first);
    // It is refused, and so leaves the claim out.
    const refused = await ask(second, 'ack_commit', { name: 'p', claim, records: [] });
    expect(refused).to.equal('invalid_log_format');
    await gone(first);
    while (served.server().clients > 1) await new Promise(setImmediate);
    expect(await ask(second, 'ack', { name: 'p', claim })).to.match(/-0$/);
  });

  it('that were acknowledged, with a token or without, are not touched; the next ones are', async () => {
    const client = served.client();
    const { claim } = await claimed(client);
    await ask(client, 'ack', { name: 'p', claim });
    await claimed(client);
    await ask(client, 'ack', { name: 'p' });
    await served.node().commit([{ topic: 't', body: Buffer.from('{"n":3}') }]);
    // At once, one behind the other.
    await claimed(client, { ...proc, name: 'q' });
    client.send({ type: 'ack', msgKey: 'a', data: { name: 'q' } });
    client.send({ type: 'proc', msgKey: 'b', data: { proc: { ...proc, name: 'q' }, waitMs: 0 } });
    const answers = [await client.next(), await client.next()];
    const given = answers.find(({ msgKey }) => msgKey === 'b');
    expect(given?.data).to.have.nested.property('records[0].body.n', 2);
    await gone(client);
    while (served.node().inspectProc('q').unacked > 0) await new Promise(setImmediate);
    expect(served.node().inspectProc('p')).to.include({ reclaims: 0, ready: 1, unacked: 0 });
    expect(served.node().inspectProc('q')).to.include({ reclaims: 1, ready: 2 });
  });

  it('are kept when it is the node that ends: its clients come back', async () => {
    const client = served.client();
    await claimed(client);
    await served.server().stop();
    expect(served.node().inspectProc('p')).to.include({ reclaims: 0, unacked: 1 });
  });
});
