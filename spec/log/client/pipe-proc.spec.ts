import { expect } from 'chai';
import type { PipeProcClient } from '../../../src/log/index.js';
import { bodiesOf, codeOf, one, programs, unique } from './support.js';

describe('PipeProc', () => {
  const { spawned } = programs();
  let client: PipeProcClient;
  let topic: string;
  before(async () => {
    client = await spawned();
  });
  beforeEach(() => {
    topic = unique();
  });

  it('commits one record and many, on one topic and several', async () => {
    const other = unique();
    expect(await client.commit({ topic, body: { n: 0 } })).to.match(/^\d+-0$/);
    const ids = await client.commit([
      { topic, body: { n: 1 } },
      { topic, body: [2] },
      { topic: other, body: {} },
    ]);
    expect(ids.map((id) => id.split('-')[1])).to.deep.equal(['1', '2', '0']);
    expect(new Set(ids.map((id) => id.split('-')[0])).size).to.equal(1);
    expect(bodiesOf(await client.range(topic))).to.deep.equal([{ n: 0 }, { n: 1 }, [2]]);
    expect(bodiesOf(await client.revrange(topic, { limit: 1 }))).to.deep.equal([[2]]);
    expect(await client.length(topic)).to.equal(3);
  });

  it('brings bodies back as they were', async () => {
    const body = {
      lines: 'a\nb\r\n%EOM%"\\\u0000\u2028',
      deep: { list: [1, -0.5, 1e300, null, true, { '': [] }] },
      large: 'x'.repeat(5 * 1024 * 1024),
      wide: 'é€😀'.repeat(100_000),
    };
    await client.commit({ topic, body });
    const [record] = await client.range(topic);
    expect(record?.body).to.deep.equal(body);
  });

  it('brings more than one frame may hold', async () => {
    const body = { text: 'x'.repeat(1024 * 1024) };
    for (let n = 0; n < 70; n += 10) await client.commit(Array.from({ length: 10 }, () => ({ topic, body })));
    const records = await client.range(topic);
    expect(records.map(({ id }) => Number(id.split('-')[1]))).to.deep.equal(Array.from({ length: 70 }, (_, n) => n));
  }).timeout(30_000);

  it('refuses a message larger than a frame, and goes on', async () => {
    const body = { text: 'x'.repeat(64 * 1024 * 1024) };
    expect(await codeOf(client.commit({ topic, body }))).to.equal('message_too_large');
    await client.commit({ topic, body: {} });
  });

  const bad: Readonly<Record<string, readonly [code: string, call: () => Promise<unknown>]>> = {
    'a topic with spaces': ['invalid_topic_format', () => client.commit({ topic: 'a b', body: {} })],
    'a batch of nothing': ['invalid_log_format', () => client.commit([])],
    'a range of a topic that is not there': ['invalid_topic', () => client.range(topic)],
    'a range from nonsense': ['invalid_range_offset', async () => await client.range(await filled(), { start: 'x' })],
    'a sequence that is not there': [
      'invalid_tone_id_search',
      async () => await client.range(await filled(), { start: ':9' }),
    ],
    'a proc that is not there': ['invalid_proc', () => client.inspectProc('nobody')],
    'an ack of no claim': ['invalid_ack', async () => await client.ack(await idle())],
    'a reclaim of no claim': ['nothing_to_reclaim', async () => await client.reclaim(await idle())],
    'resuming what is active': ['proc_already_active', async () => await client.resumeProc(await idle())],
  };
  for (const [what, [code, call]] of Object.entries(bad))
    it(`refuses ${what}: ${code}`, async () => {
      expect(await codeOf(call())).to.equal(code);
    });

  it('refuses a body that is no object: invalid_log_format', async () => {
    const records: unknown = { topic, body: null };
    expect(await codeOf(client.commit(asLog(records)))).to.equal('invalid_log_format');
  });

  it('gives the records of a proc one claim at a time', async () => {
    await client.commit([1, 2, 3, 4].map((n) => ({ topic, body: { n } })));
    const name = unique();
    const next = () => client.proc(topic, { name, offset: '>' });
    expect(one(await next()).body).to.deep.equal({ n: 1 });
    expect(await next()).to.equal(null);
    const first = (await client.range(topic))[0]?.id;
    expect(await client.ack(name)).to.equal(`${first}..${first}`);
    expect(one(await next()).body).to.deep.equal({ n: 2 });
    await client.reclaim(name);
    expect(one(await next()).body).to.deep.equal({ n: 2 });
    const target = unique();
    const done = await client.ackCommit(name, { topic: target, body: { ok: true } });
    expect(done.id).to.match(/-0$/);
    expect(done.ackedLogId).to.match(/-1\.\.\d+-1$/);
    expect(await client.length(target)).to.equal(1);
    const rest = await client.proc(topic, { name, offset: '>', count: 5 });
    expect(bodiesOf([rest].flat().flatMap((record) => record ?? []))).to.deep.equal([{ n: 3 }, { n: 4 }]);
    expect(Array.isArray(rest)).to.equal(true);
    const many = await client.ackCommit(name, [{ topic: target, body: {} }]);
    expect(many.id).to.have.length(1);
  });

  it('names a claim, unseen: who comes too late is told', async () => {
    const name = unique();
    await client.commit({ topic, body: {} });
    const late = one(await client.proc(topic, { name, offset: '>' }));
    expect(Object.keys(late)).to.deep.equal(['id', 'body']);
    expect(late.claim).to.be.a('string');
    await client.reclaimProc(name);
    const now = one(await client.proc(topic, { name, offset: '>' }));
    expect(await codeOf(client.ack(name, late.claim))).to.equal('stale_claim');
    await client.ack(name, now.claim);
  });

  it('gives the next claim of any of several procs', async () => {
    await client.commit([1, 2].map((n) => ({ topic, body: { n } })));
    const list = [unique(), unique()].map((name) => ({ name, topic, offset: '>' }));
    const claims = [await client.availableProc(list), await client.availableProc(list)];
    expect(claims.map((claim) => claim?.procName)).to.have.members(list.map(({ name }) => name));
    expect(claims.map((claim) => one(claim?.log ?? null).body)).to.deep.equal([{ n: 1 }, { n: 1 }]);
    expect(await client.availableProc(list)).to.equal(undefined);
  });

  it('shows, stops, resumes and destroys a proc', async () => {
    const name = await claimed();
    const { id = '' } = one(await client.reclaim(name).then(() => client.proc(topic, { name, offset: '>' })));
    expect(await client.inspectProc(name)).to.include({
      name,
      topic,
      status: 'active',
      lastClaimedRange: `${id}..${id}`,
    });
    expect(await client.disableProc(name)).to.include({ status: 'disabled' });
    expect(await codeOf(client.proc(topic, { name, offset: '>' }))).to.equal('proc_is_disabled');
    expect(await client.resumeProc(name)).to.include({ status: 'active' });
    expect(await client.destroyProc(name)).to.include({ name });
    expect(await codeOf(client.inspectProc(name))).to.equal('invalid_proc');
  });

  it('gives what came back too often to a topic, with the reason', async () => {
    const [id] = await client.commit([1, 2].map((n) => ({ topic, body: { n } })));
    const options = { name: unique(), offset: '>', maxReclaims: 1, onMaxReclaimsReached: 'deadletter' } as const;
    await client.proc(topic, options);
    await client.reclaim(options.name);
    const [letter] = await client.range(`dead-${topic}`);
    expect(letter?.body).to.deep.include({ proc: options.name, id, attempts: 1, reason: 'reclaimed' });
    expect(one(await client.proc(topic, options)).body).to.deep.equal({ n: 2 });
  });

  it('forgets what is old where it is asked to, and still knows how much there is', async () => {
    const own = await spawned({ gc: { minPruneTime: 1, interval: 20 } });
    await own.commit([1, 2].map((n) => ({ topic, body: { n } })));
    while ((await own.length(topic)) > 0) await new Promise((resolve) => setTimeout(resolve, 10));
    await own.proc(topic, { name: 'holding', offset: '>' });
    expect(await own.commit({ topic, body: { n: 3 } })).to.match(/-2$/);
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect(await own.length(topic)).to.equal(1);
    expect(bodiesOf(await own.range(topic))).to.deep.equal([{ n: 3 }]);
  });

  it('takes 10,000 commits at once in under 5 s', async () => {
    const start = performance.now();
    await Promise.all(Array.from({ length: 10_000 }, (_, n) => client.commit({ topic, body: { n } })));
    expect(performance.now() - start).to.be.below(5000);
    const records = await client.range(topic);
    expect(bodiesOf(records)).to.deep.equal(Array.from({ length: 10_000 }, (_, n) => ({ n })));
  });

  async function filled(): Promise<string> {
    await client.commit({ topic, body: {} });
    return topic;
  }

  async function claimed(): Promise<string> {
    const name = unique();
    await client.proc(await filled(), { name, offset: '>' });
    return name;
  }

  async function idle(): Promise<string> {
    const name = unique();
    await client.commit({ topic: unique(), body: {} });
    await client.proc(topic, { name, offset: '>' });
    return name;
  }
});

/** What a program without types may pass. */
function asLog(value: unknown): { readonly topic: string; readonly body: object } {
  return value as { readonly topic: string; readonly body: object };
}
