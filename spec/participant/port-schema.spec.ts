import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect } from 'chai';
import { COUNTERS_NOTICE, type Counters, readCounters } from '../../src/discovery/index.js';
import { type Component, type InportSpec, type OutportSpec, participant } from '../../src/participant/index.js';
import { HEADER } from '../../src/transport/index.js';
import { dataOf, keepingLogger, Network, until } from './network.js';

const celsius = {
  type: 'object',
  required: ['celsius'],
  properties: { celsius: { type: 'number', maximum: 60 }, at: { type: 'string', format: 'date-time' } },
  additionalProperties: false,
};
type Ports = { readonly in?: InportSpec; readonly out?: OutportSpec };

function pass({ in: inport = {}, out = {} }: Ports, make: (data: unknown) => unknown = (data) => data): Component {
  return participant({
    component: 'Pass',
    inports: { in: inport },
    outports: { out },
    process: ({ in: data }, { send }) => send('out', make(data)),
  });
}

describe('a schema on a port', () => {
  let network: Network;
  let folder: string;
  beforeEach(async () => {
    network = await Network.open();
    folder = await mkdtemp(join(tmpdir(), 'msgflo-schema-'));
  });
  afterEach(async () => {
    await network.close();
    await rm(folder, { recursive: true });
  });
  const failure = async (component: Component): Promise<Error & { readonly code?: string }> => {
    try {
      await network.create(component, 'p');
    } catch (error) {
      if (error instanceof Error) return error;
    }
    throw new Error('it started');
  };
  const file = async (name: string, content: unknown): Promise<string> => {
    const path = join(folder, name);
    await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content));
    return path;
  };

  for (const [what, data, words] of [
    ['a number out of range', { celsius: 70 }, '/celsius must be <= 60'],
    ['what lacks a property', {}, "it must have required property 'celsius'"],
    ['what has one too many', { celsius: 1, unit: 'C' }, 'it must NOT have additional properties: "unit"'],
    ['a wrong format', { celsius: 1, at: 'today' }, '/at must match format "date-time"'],
    ['bytes that are not JSON', Buffer.from([255, 0]), 'it is 2 bytes that are not JSON'],
  ] as const) {
    it(`reject: makes a dead letter of ${what}, once, in the validator's words; process() never sees it`, async () => {
      const [out, dead] = [await network.collect('p.OUT'), await network.collect('dead-p.IN')];
      const retry = { attempts: 5, delayMs: 1 };
      await network.start(pass({ in: { schema: celsius, validate: 'reject', retry } }), 'p');
      await network.wire('p', { out: 'ready' });
      await network.send('p.IN', data);
      await network.send('p.IN', { celsius: 21 });
      await until(() => out.length === 1 && dead.length === 1);
      expect(dataOf(out)).to.deep.equal([{ celsius: 21 }]);
      expect(dead[0]?.headers).to.include({
        [HEADER.deadReason]: `inport 'in': the data does not fit the schema: ${words}`,
        [HEADER.deadError]: 'SchemaError',
      });
      const attempts: unknown = JSON.parse(dead[0]?.headers[HEADER.deadAttempts] ?? '[]');
      expect(attempts).to.have.length.below(2);
    });
  }

  it('warn: passes what does not fit, tells each reason once, and counts', async () => {
    const log = keepingLogger();
    const told: Counters[] = [];
    await network.hand.watch(COUNTERS_NOTICE, (body) => {
      const read = readCounters(body);
      if (read.kind === 'counters') told.push(read.counters);
    });
    const out = await network.collect('p.OUT');
    await network.start(pass({ in: { schema: celsius } }), 'p', { log });
    await network.wire('p', { out: 'ready' });
    for (const data of [{ celsius: 70 }, { celsius: 80 }, {}, { celsius: 1 }]) await network.send('p.IN', data);
    await until(() => out.length === 4 && told.at(-1)?.inports.in?.settled === 4);
    expect(log.lines).to.deep.equal([
      "inport 'in': the data does not fit the schema: /celsius must be <= 60",
      "inport 'in': the data does not fit the schema: it must have required property 'celsius'",
    ]);
    expect(told.at(-1)?.inports.in?.misfits).to.equal(3);
    expect(told.at(-1)?.outports.out).to.deep.equal({ sent: 4, dropped: 0 });
  });

  it('warn: passes what is nested too deeply to be checked', async () => {
    const schema = { type: 'array', items: { $ref: '#' } };
    const log = keepingLogger();
    const nothing = participant({ component: 'Take', inports: { in: { schema } }, process() {} });
    const running = await network.start(nothing, 'p', { log });
    await network.wire('p');
    await network.send('p.IN', Buffer.from('['.repeat(20_000) + ']'.repeat(20_000)));
    await until(() => running.counters.inports.in?.settled === 1);
    expect(running.counters.inports.in?.dead).to.equal(0);
    expect(log.lines.join()).to.contain('it cannot be checked: Maximum call stack size exceeded');
  });

  it('off: is shown and not looked at', async () => {
    const out = await network.collect('p.OUT');
    const log = keepingLogger();
    await network.start(pass({ in: { schema: { type: 'no such type' }, validate: 'off' } }), 'p', { log });
    await network.wire('p', { out: 'ready' });
    await network.send('p.IN', 'anything');
    await until(() => out.length === 1);
    expect(log.lines).to.deep.equal([]);
    expect(network.last('p')?.inports[0]?.schema).to.deep.equal({ type: 'no such type' });
  });

  it('is held against IIPs, after they were read as what the port takes', async () => {
    const [out, dead] = [await network.collect('p.OUT'), await network.collect('dead-p.IN')];
    const inport = { type: 'number', schema: { type: 'number', minimum: 5 }, validate: 'reject' } as const;
    await network.start(pass({ in: inport }), 'p');
    await network.wire('p', { out: 'ready' }, [
      ['in', '4'],
      ['in', '6'],
    ]);
    await until(() => out.length === 1 && dead.length === 1);
    expect(dataOf(out)).to.deep.equal([6]);
    expect(dead[0]?.headers[HEADER.deadReason]).to.contain('it must be >= 5');
  });

  it('of an outport, reject: the input of what does not fit dies with these words', async () => {
    const [out, dead] = [await network.collect('p.OUT'), await network.collect('dead-p.IN')];
    await network.start(pass({ out: { schema: { type: 'string' }, validate: 'reject' } }), 'p');
    await network.wire('p', { out: 'ready' });
    await network.send('p.IN', 5);
    await network.send('p.IN', 'five');
    await until(() => out.length === 1 && dead.length === 1);
    expect(dead[0]?.headers).to.include({
      [HEADER.deadReason]: "outport 'out': the data does not fit the schema: it must be string",
      [HEADER.deadError]: 'SchemaError',
    });
  });

  it('of an outport is held against what JSON makes of the data', async () => {
    const out = await network.collect('p.OUT');
    const schema = { type: 'object', properties: { at: { type: 'string' } }, additionalProperties: false };
    const make = (): unknown => ({ at: new Date(0), more: undefined });
    await network.start(pass({ out: { schema, validate: 'reject' } }, make), 'p');
    await network.wire('p', { out: 'ready' });
    await network.send('p.IN', 1);
    await until(() => out.length === 1);
    expect(dataOf(out)).to.deep.equal([{ at: '1970-01-01T00:00:00.000Z' }]);
  });

  it("of an outport: a source's send rejects", async () => {
    const codes: unknown[] = [];
    const source = participant({
      component: 'Source',
      outports: { out: { schema: { type: 'string' }, validate: 'reject' } },
      async produce({ send }) {
        await send('out', 1).catch((error: { readonly code: unknown }) => codes.push(error.code));
        await send('out', 'one');
      },
    });
    const out = await network.collect('s.OUT');
    await network.start(source, 's');
    await network.wire('s', { out: 'ready' });
    await until(() => out.length === 1);
    expect(codes).to.deep.equal(['MSGFLO_PORT_SCHEMA']);
  });

  it('may be in a file, which is announced by content while it is small, by address otherwise', async () => {
    const small = pathToFileURL(await file('small.json', celsius)).href;
    const large = await file('large.json', { ...celsius, description: 'x'.repeat(20_000) });
    const [out, dead] = [await network.collect('p.OUT'), await network.collect('dead-p.IN')];
    const ports = { in: { schema: small, validate: 'reject' }, out: { schema: large, validate: 'reject' } } as const;
    await network.start(pass(ports), 'p');
    await network.wire('p', { out: 'ready' });
    expect(network.last('p')?.inports[0]?.schema).to.deep.equal(celsius);
    expect(network.last('p')?.outports[0]?.schema).to.equal(large);
    for (const n of [1, 99]) await network.send('p.IN', { celsius: n });
    await until(() => out.length === 1 && dead.length === 1);
  });

  it('is of draft-07 or 2020-12 as it says, and of 2020-12 where it says nothing', async () => {
    const [out, dead] = [await network.collect('p.OUT'), await network.collect('dead-p.IN')];
    const draft07 = { $schema: 'http://json-schema.org/draft-07/schema#', items: [{ type: 'number' }] };
    const draft2020 = {
      prefixItems: [{ type: 'number' }, { $ref: '#/$defs/text' }],
      $defs: { text: { type: 'string' } },
    };
    const ports = {
      in: { schema: draft07, validate: 'reject' },
      out: { schema: draft2020, validate: 'reject' },
    } as const;
    await network.start(pass(ports), 'p');
    await network.wire('p', { out: 'ready' });
    for (const data of [
      ['a', 'b'],
      [1, 2],
      [1, 'b'],
    ])
      await network.send('p.IN', data);
    await until(() => out.length === 1 && dead.length === 2);
    expect(dataOf(out)).to.deep.equal([[1, 'b']]);
    expect(dead.map(({ headers }) => headers[HEADER.deadReason]?.slice(0, 7))).to.deep.equal(['inport ', 'outport']);
  });

  for (const [what, schema, words] of [
    [
      'a file that is not there',
      'no/such.json',
      /inport 'in': the schema no\/such\.json cannot be read: there is no file \/.*such\.json$/,
    ],
    ['an address elsewhere', 'https://example.net/x.json', /cannot be loaded over https: give a local file/],
    ['a schema that is none', { type: 'text' }, /its schema is not valid: .*type must be/],
    ['a reference elsewhere', { $ref: 'https://example.net/x.json' }, /not valid: .*https:\/\/example\.net\/x\.json/],
    [
      'an unknown kind',
      { $schema: 'http://json-schema.org/draft-04/schema#' },
      /\$schema is .*not draft-07 or 2020-12/,
    ],
  ] as const) {
    it(`ends the start for ${what}, with a word on which and why`, async () => {
      const error = await failure(pass({ in: { schema } }));
      expect(error.code).to.equal('MSGFLO_USAGE');
      expect(error.message).to.match(/^component 'Pass', inport 'in': /);
      expect(error.message).to.match(words);
    });
  }

  for (const [what, content, words] of [
    ['not JSON', '{"type": ', /is not JSON/],
    ['a list', '[]', /is no JSON object/],
  ] as const) {
    it(`ends the start for a file that is ${what}`, async () => {
      const path = await file('wrong.json', content);
      const error = await failure(pass({ out: { schema: path } }));
      expect(error.message).to.contain(`component 'Pass', outport 'out': the schema ${path} `);
      expect(error.message).to.match(words);
    });
  }

  it('lets through what it says beyond the standard', async () => {
    await network.create(pass({ in: { schema: { type: 'number', unit: 'K', format: 'no such format' } } }), 'p');
  });
});
