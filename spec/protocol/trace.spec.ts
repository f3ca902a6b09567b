import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { asRole } from '../../src/names.js';
import { Tracer } from '../../src/protocol/tracer.js';
import { edge, end } from './data-stage.js';
import { type FakeNetwork, fakeNetwork, names } from './fake-network.js';
import { openAnother, openSession, type TestClient } from './session.js';

interface Flowtrace {
  readonly header: {
    readonly metadata: Record<string, unknown>;
    readonly graphs: Record<string, Record<string, unknown>>;
    readonly main: string;
  };
  readonly events: readonly {
    readonly protocol: string;
    readonly command: string;
    readonly payload: Record<string, unknown>;
    readonly graph: string;
    readonly time: string;
  }[];
}

async function dump(client: TestClient): Promise<Flowtrace> {
  const [answer] = await client.ask('trace:dump', { graph: 'main', type: 'flowtrace.json' });
  expect(answer?.payload).to.have.all.keys('graph', 'type', 'flowtrace');
  return JSON.parse(String(answer?.payload['flowtrace'])) as Flowtrace;
}

describe('protocol trace', () => {
  let network: FakeNetwork;
  let client: TestClient;

  beforeEach(async () => {
    network = fakeNetwork({ graphId: 'main', namespace: 'files', repository: 'https://example.net/files.git' });
    client = openSession(network);
    await client.ask('runtime:getruntime');
  });

  afterEach(() => client.protocol.close());

  const data = (value: unknown): void => network.emit({ kind: 'data', ...edge('read.out count.in'), data: value });

  it('keeps what goes over edges between start and stop, looked at or not', async () => {
    data('before');
    const [started] = await client.ask('trace:start', { graph: 'main', buffersize: 5000 });
    expect(started?.payload).to.deep.equal({ graph: 'main', buffersize: 5000 });
    network.emit({ kind: 'data', to: end('read.in'), data: 'a.txt' });
    data({ lines: 3 });
    const [stopped] = await client.ask('trace:stop', { graph: 'main' });
    expect(stopped?.payload).to.deep.equal({ graph: 'main' });
    data('after');
    expect(names(client.told)).not.to.contain('network:data');
    const { events } = await dump(client);
    expect(events.map(({ time: _, ...event }) => event)).to.deep.equal([
      {
        protocol: 'network',
        command: 'data',
        payload: { id: 'DATA -> IN read()', tgt: { node: 'read', port: 'in' }, graph: 'main', data: 'a.txt' },
        graph: 'main',
      },
      {
        protocol: 'network',
        command: 'data',
        payload: {
          id: 'read() OUT -> IN count()',
          src: { node: 'read', port: 'out' },
          tgt: { node: 'count', port: 'in' },
          graph: 'main',
          data: { lines: 3 },
        },
        graph: 'main',
      },
    ]);
    expect(events.every(({ time }) => new Date(time).toISOString() === time)).to.equal(true);
  });

  it('keeps what participants say and what goes wrong', async () => {
    await client.ask('trace:start', { graph: 'main' });
    network.emit({ kind: 'output', role: asRole('read'), stream: 'stdout', line: 'reading' });
    network.emit({ kind: 'process-error', role: asRole('read'), message: 'crashed' });
    const { events } = await dump(client);
    expect(events.map(({ command }) => command)).to.deep.equal(['output', 'processerror']);
  });

  it('says of which network and graph it is, and when it was', async () => {
    const before = Date.now();
    await client.ask('trace:start', { graph: 'main' });
    await client.ask('trace:stop', { graph: 'main' });
    const { header } = await dump(client);
    const { start, end: ended, ...rest } = header.metadata;
    expect(rest).to.deep.equal({
      label: network.label,
      runtime: network.id,
      type: 'msgflo',
      namespace: 'files',
      repository: 'https://example.net/files.git',
      dropped: 0,
    });
    expect(Date.parse(String(start))).to.be.within(before, Date.parse(String(ended)));
    expect(header.main).to.equal('main');
    expect(header.graphs['main']).to.include.keys('processes', 'connections', 'inports', 'outports');
  });

  it('is shown by the tools of the format', async () => {
    await client.ask('trace:start', { graph: 'main' });
    network.emit({ kind: 'data', to: end('read.in'), data: 'a.txt' });
    data({ lines: 3 });
    const [answer] = await client.ask('trace:dump', { graph: 'main', type: 'flowtrace.json' });
    const lines = await flowtraceShow(String(answer?.payload['flowtrace']));
    expect(lines).to.deep.equal(['-> IN read DATA "a.txt"', 'read OUT -> IN count DATA {"lines":3}']);
  });

  it('is one for all clients', async () => {
    const other = openAnother(client.protocol);
    await client.ask('trace:start', { graph: 'main' });
    data(1);
    expect((await dump(other)).events).to.have.length(1);
    await other.ask('trace:stop', { graph: 'main' });
    data(2);
    expect((await dump(client)).events).to.have.length(1);
  });

  it('is empty again after clear, recording or not', async () => {
    await client.ask('trace:start', { graph: 'main' });
    data(1);
    const [answer] = await client.ask('trace:clear', { graph: 'main' });
    expect(answer?.payload).to.deep.equal({ graph: 'main' });
    expect((await dump(client)).events).to.deep.equal([]);
    data(2);
    expect((await dump(client)).events).to.have.length(1);
  });

  it('begins anew when started after a stop, and goes on when started once more', async () => {
    await client.ask('trace:start', { graph: 'main' });
    data(1);
    await client.ask('trace:start', { graph: 'main', buffersize: 100_000 });
    expect((await dump(client)).events).to.have.length(1);
    await client.ask('trace:stop', { graph: 'main' });
    await client.ask('trace:start', { graph: 'main' });
    expect((await dump(client)).events).to.deep.equal([]);
  });

  it('lets the oldest go beyond its bytes and counts them', async () => {
    await client.ask('trace:start', { graph: 'main', buffersize: 3000 });
    for (let n = 0; n < 1000; n += 1) data(`${n} ü`);
    const { header, events } = await dump(client);
    const bytes = events.reduce((sum, event) => sum + Buffer.byteLength(JSON.stringify(event)), 0);
    expect(bytes).to.be.within(2000, 3000);
    expect(events.at(-1)?.payload['data']).to.equal('999 ü');
    expect(events[0]?.payload['data']).to.equal(`${1000 - events.length} ü`);
    expect(header.metadata['dropped']).to.equal(1000 - events.length);
  });

  it('keeps nothing of an event that is longer than all of it', async () => {
    await client.ask('trace:start', { graph: 'main', buffersize: 1000 });
    data('x'.repeat(2000));
    expect((await dump(client)).events).to.deep.equal([]);
    data('y');
    const { header, events } = await dump(client);
    expect(events).to.have.length(1);
    expect(header.metadata['dropped']).to.equal(1);
  });

  for (const [what, name, payload, word] of [
    ['a dump of what never began', 'dump', { type: 'flowtrace.json' }, 'trace:start'],
    ['a dump of another type', 'dump', { type: 'pcap' }, 'type'],
    ['a dump of no type', 'dump', {}, 'type'],
    ['a buffer of more than 16 MiB', 'start', { buffersize: 16 * 1024 * 1024 + 1 }, 'buffersize'],
    ['a buffer of nothing', 'start', { buffersize: 0 }, 'buffersize'],
    ['a buffer of half a byte', 'start', { buffersize: 0.5 }, 'buffersize'],
    ['another graph', 'start', { graph: 'other' }, 'Requested graph not found'],
    ['no graph', 'clear', { graph: null }, 'No graph specified'],
    ['another graph', 'stop', { graph: 'other' }, 'Requested graph not found'],
  ] as const) {
    it(`refuses to ${name} for ${what}`, async () => {
      const [answer] = await client.ask(`trace:${name}`, { graph: 'main', ...payload });
      expect(`${answer?.protocol}:${answer?.command}`).to.equal('trace:error');
      expect(answer?.payload['message']).to.contain(word);
    });
  }

  it('takes no bound beyond its limit from us either', () => {
    const tracer = new Tracer({ network });
    expect(() => tracer.start(17 * 1024 * 1024)).to.throw(RangeError);
    expect(tracer.isRecording).to.equal(false);
  });
});

/** What the tool that comes with the format prints of a trace. */
async function flowtraceShow(trace: string): Promise<readonly string[]> {
  const besideFbpSpec = createRequire(createRequire(import.meta.url).resolve('fbp-spec/package.json'));
  const tool = join(dirname(besideFbpSpec.resolve('flowtrace/package.json')), 'bin', 'flowtrace-show');
  const folder = await mkdtemp(join(tmpdir(), 'msgflo-trace-'));
  try {
    const file = join(folder, 'trace.json');
    await writeFile(file, trace);
    const { stdout } = await promisify(execFile)(process.execPath, [tool, file]);
    return stdout.trim().split('\n');
  } finally {
    await rm(folder, { recursive: true });
  }
}
