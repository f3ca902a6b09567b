import { expect } from 'chai';
import fc from 'fast-check';
import { GraphSyntaxError, readGraph, readJson, writeJson } from '../../src/graph/index.js';
import { scanJson } from '../../src/graph/json-scan.js';

const source = { path: 'graphs/some.json' };

function failure(text: string): string {
  try {
    readJson(text, source);
  } catch (error) {
    if (error instanceof GraphSyntaxError) return error.message;
    throw error;
  }
  return 'no error';
}

const text = `{
  "properties": { "name": "Flow", "environment": { "type": "msgflo" } },
  "inports": { "FILE": { "process": "a", "port": "IN", "metadata": { "x": 1 } } },
  "outports": {},
  "groups": [ { "name": "g", "nodes": ["a"], "metadata": {} } ],
  "processes": {
    "a": { "component": "A", "metadata": { "label": "An a" } },
    "b": {}
  },
  "connections": [
    { "src": { "process": "a", "port": "OUT", "index": null }, "tgt": { "process": "b", "port": "in", "index": 2 } },
    { "data": false, "tgt": { "process": "a", "port": "in" } },
    { "data": 0, "src": null, "tgt": { "process": "a", "port": "in" } },
    { "data": "", "tgt": { "process": "a", "port": "in" } },
    { "data": null, "tgt": { "process": "a", "port": "in" }, "metadata": { "route": 3 } }
  ]
}
`;

describe('readJson', () => {
  it('reads every part, IIPs with falsy data too, ports in lower case', () => {
    const { graph } = readJson(text, source);
    expect(graph).to.deep.equal({
      name: 'Flow',
      properties: { environment: { type: 'msgflo' } },
      caseSensitive: false,
      nodes: [
        { role: 'a', component: 'A', metadata: { label: 'An a' } },
        { role: 'b', component: '' },
      ],
      edges: [{ from: { role: 'a', port: 'out' }, to: { role: 'b', port: 'in', index: 2 } }],
      iips: [
        { data: false, to: { role: 'a', port: 'in' } },
        { data: 0, to: { role: 'a', port: 'in' } },
        { data: '', to: { role: 'a', port: 'in' } },
        { data: null, to: { role: 'a', port: 'in' }, metadata: { route: 3 } },
      ],
      inports: [{ name: 'file', target: { role: 'a', port: 'in' }, metadata: { x: 1 } }],
      outports: [],
      groups: [{ name: 'g', roles: ['a'] }],
    });
  });

  it('leaves ports as they are in a case-sensitive graph', () => {
    const { graph } = readJson(text.replace('{', '{ "caseSensitive": true,'), source);
    expect(graph.edges[0]?.from.port).to.equal('OUT');
    expect(graph.inports[0]?.name).to.equal('FILE');
  });

  it('takes an empty object for an empty graph named after its file', () => {
    expect(readJson('\ufeff{}', source).graph).to.deep.include({ name: 'some', nodes: [], edges: [] });
  });

  it('knows the place of every part', () => {
    const { graph, positions } = readJson(text, source);
    const parts = [...graph.nodes, ...graph.edges, ...graph.iips.slice(0, 1), ...graph.inports, ...graph.groups];
    expect(parts.map((part) => positions.where(part))).to.deep.equal(
      ['7:5', '8:5', '11:5', '12:5', '3:16', '5:15'].map((place) => `graphs/some.json:${place}`),
    );
    const [node] = graph.nodes;
    expect(node && positions.at({ ...node })).to.equal(undefined);
  });

  const failures: readonly (readonly [text: string, message: string])[] = [
    ['', 'graphs/some.json:1:1: the text ends too early, expected a value'],
    ['{\n  "a": 1,\n}', 'graphs/some.json:3:1: unexpected "}", expected a string in double quotes'],
    ['{ "a" 1 }', `graphs/some.json:1:7: unexpected "1", expected ':'`],
    ['{ "a": 1 "b"', `graphs/some.json:1:10: unexpected "\\"", expected ',' or '}'`],
    ['{ "a": 01 }', `graphs/some.json:1:9: unexpected "1", expected ',' or '}'`],
    ['{ "a": "x\ny" }', 'graphs/some.json:1:8: this string is not closed or holds a bad character'],
    ['{} {}', 'graphs/some.json:1:4: unexpected "{", expected the end of the text'],
    ['[]', 'graphs/some.json:1:1: the graph must be object'],
    ['{\n"processes": []}', 'graphs/some.json:2:1: processes must be object'],
    ['{"processes": {\n "a": {"component": 5}}}', 'graphs/some.json:2:8: processes/a/component must be string,null'],
    [
      '{"connections": [\n\n{"src": {"process": "a", "port": "out"}}]}',
      "graphs/some.json:3:1: connections/0 must have required property 'tgt'",
    ],
    [
      '{"connections": [{"tgt": {"process": "a"}}]}',
      "graphs/some.json:1:19: connections/0/tgt must have required property 'port'",
    ],
    [
      '{"connections": [{"tgt": {"process": "a", "port": "in"}}]}',
      "graphs/some.json:1:18: connections/0 needs 'src' (an edge) or 'data' (an IIP), one of the two",
    ],
    ['{"processes": {"a": {},\n "a": {}}}', "graphs/some.json:2:2: 'a' stands twice in processes"],
    [
      '{"inports": {"a/b": {"process": "x"}}}',
      "graphs/some.json:1:14: inports/a~1b must have required property 'port'",
    ],
  ];
  for (const [given, message] of failures) {
    it(`says what is wrong with ${JSON.stringify(given)}`, () => {
      expect(failure(given)).to.equal(message);
    });
  }

  it('refuses an edge that has data as well', () => {
    const end = '{"process": "a", "port": "in"}';
    expect(failure(`{"connections": [{"data": 1, "src": ${end}, "tgt": ${end}}]}`)).to.include('one of the two');
  });

  it('survives JSON nested without end', () => {
    expect(failure('['.repeat(100_000))).to.equal('graphs/some.json:1:202: nested more than 200 deep');
  });

  it('finds out at once that a long string is never closed', () => {
    expect(failure(`["${'x'.repeat(1_000_000)}`)).to.include('not closed');
    expect(failure(`["${'\\"'.repeat(500_000)}`)).to.include('not closed');
  });

  it('agrees with JSON.parse on what JSON is', () => {
    const piece = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      ':',
      ',',
      '"a"',
      '"\\u00e9\\n"',
      '"\\x"',
      '1',
      '-0.5e+3',
      '.5',
      'true',
      'nul',
      ' ',
      '\n',
      '"\u007f"',
    );
    const given = fc.oneof(
      fc.json(),
      fc.array(piece, { maxLength: 8 }).map((parts) => parts.join('')),
    );
    fc.assert(
      fc.property(given, (candidate) => {
        const accepts = (parse: (text: string) => unknown): boolean => {
          try {
            parse(candidate);
            return true;
          } catch {
            return false;
          }
        };
        expect(accepts(scanJson)).to.equal(accepts(JSON.parse));
      }),
      { numRuns: 2000 },
    );
  });
});

describe('writeJson', () => {
  it('writes the shape that other FBP tools read, edges before IIPs', () => {
    const { graph } = readJson(text, source);
    const json = JSON.parse(writeJson(graph));
    expect(Object.keys(json)).to.deep.equal([
      'caseSensitive',
      'properties',
      'inports',
      'outports',
      'groups',
      'processes',
      'connections',
    ]);
    expect(json.properties).to.deep.equal({ name: 'Flow', environment: { type: 'msgflo' } });
    expect(json.connections[0]).to.deep.equal({
      src: { process: 'a', port: 'out' },
      tgt: { process: 'b', port: 'in', index: 2 },
    });
    expect(json.connections[4]).to.deep.equal({
      data: null,
      tgt: { process: 'a', port: 'in' },
      metadata: { route: 3 },
    });
    expect(json.groups).to.deep.equal([{ name: 'g', nodes: ['a'] }]);
  });

  it('keeps a role named __proto__', () => {
    const { graph } = readJson('{"processes": {"__proto__": {"component": "A"}}}', source);
    expect(graph.nodes).to.deep.equal([{ role: '__proto__', component: 'A' }]);
    expect(readJson(writeJson(graph), source).graph.nodes).to.deep.equal(graph.nodes);
  });
});

describe('readGraph', () => {
  it('goes by the extension and refuses others', () => {
    expect(readGraph('{}', { path: 'a.JSON' }).graph.name).to.equal('a');
    expect(readGraph('a(A)', { path: 'b.fbp' }).graph.nodes).to.have.length(1);
    expect(() => readGraph('', { path: 'c.yml' })).to.throw('c.yml: a graph is a .fbp or a .json file');
  });
});
