import { expect } from 'chai';
import fc from 'fast-check';
import fbp from 'fbp';
import { type Graph, GraphSyntaxError, readFbp, validateGraph } from '../../src/graph/index.js';

const read = (text: string): Graph => readFbp(text, { path: 'graphs/some.fbp' }).graph;

function failure(text: string): string {
  try {
    read(text);
  } catch (error) {
    if (error instanceof GraphSyntaxError) return error.message;
    throw error;
  }
  return 'no error';
}

describe('readFbp', () => {
  it('reads nodes, edges, IIPs, indexes and metadata, ports in lower case', () => {
    const graph = read("'x' -> FILE Read(fs/Read:routes=main,n=5,x=17) OUT[1] -> IN[0] Show(Print)\n");
    expect(graph.nodes).to.deep.equal([
      { role: 'Read', component: 'fs/Read', metadata: { routes: 'main', n: '5', x: 17 } },
      { role: 'Show', component: 'Print' },
    ]);
    expect(graph.edges).to.deep.equal([
      { from: { role: 'Read', port: 'out', index: 1 }, to: { role: 'Show', port: 'in', index: 0 } },
    ]);
    expect(graph.iips).to.deep.equal([{ data: 'x', to: { role: 'Read', port: 'file' } }]);
  });

  it('takes its name from the annotation, else from the source, else from the path', () => {
    expect(read('# @name Two words\n').name).to.equal('Two words');
    expect(read('a(A)').name).to.equal('some');
    expect(readFbp('a(A)', { path: 'x/y.fbp', name: 'given' }).graph.name).to.equal('given');
    expect(readFbp('a(A)', { path: 'C:\\graphs\\y.FBP' }).graph.name).to.equal('y');
  });

  it('reads annotations as properties, the runtime as the environment, and other comments as nothing', () => {
    const graph = read('# @runtime msgflo\n# @author me\n # @not here\n# plain: a -> b\na(A) # @nor here\n# @last one');
    expect(graph.properties).to.deep.equal({ environment: { type: 'msgflo' }, author: 'me', last: 'one' });
  });

  it('reads exported ports', () => {
    const graph = read('INPORT=a.IN:SEED\nOUTPORT=a.OUT:RESULT\na(A)');
    expect(graph.inports).to.deep.equal([{ name: 'seed', target: { role: 'a', port: 'in' } }]);
    expect(graph.outports).to.deep.equal([{ name: 'result', target: { role: 'a', port: 'out' } }]);
  });

  it('names anonymous nodes by counting over the whole text', () => {
    const graph = read('(core/Out) -> (core/Out)\n(Other)\na(A) -> (core/Out)');
    expect(graph.nodes.map(({ role }) => role)).to.deep.equal([
      '_core_Out_1',
      '_core_Out_2',
      '_Other_1',
      'a',
      '_core_Out_3',
    ]);
  });

  it('takes a node declared several times as one; later metadata replace earlier ones', () => {
    const graph = read('a(A:x=1) -> b(B), a() -> b\na(:y=2), a(A), c(:k=v), c(C)');
    expect(graph.nodes).to.deep.equal([
      { role: 'a', component: 'A', metadata: { y: 2 } },
      { role: 'b', component: 'B' },
      { role: 'c', component: 'C', metadata: { k: 'v' } },
    ]);
  });

  it('keeps default ports in force below the line that sets them', () => {
    const graph = read('a(A) -> b(B)\nDEFAULT_INPORT=X\nDEFAULT_OUTPORT=Y\na -> b');
    expect(graph.edges.map(({ from, to }) => [from.port, to.port])).to.deep.equal([
      ['out', 'in'],
      ['y', 'x'],
    ]);
  });

  it('reads IIPs of any JSON, over several lines too, and null, true and false where no node has that name', () => {
    const graph = read(
      '{"a": [1,\n "b # c"]}\n -> IN a(A), 0 -> IN a, "" -> IN a, false -> IN a\nnull -> IN a\n-1.5e2 -> IN a',
    );
    expect(graph.iips.map(({ data }) => data)).to.deep.equal([{ a: [1, 'b # c'] }, 0, '', false, null, -150]);
    expect(read('false(A) -> IN a(A)\nfalse -> IN2 a').iips).to.deep.equal([]);
  });

  it('reads quoted IIPs with quotes, commas, comment marks and line ends in them', () => {
    const graph = read("'it\\'s, # \\x' -> IN a(A)\n'two\nlines' -> IN a, '' -> IN a");
    expect(graph.iips.map(({ data }) => data)).to.deep.equal(["it's, # \\x", 'two\nlines', '']);
  });

  it('keeps a key named __proto__ in data a key', () => {
    const [iip] = read('{"__proto__": {"a": 1}} -> IN a(A)').iips;
    expect(Object.keys(iip?.data ?? {})).to.deep.equal(['__proto__']);
  });

  it('leaves ports as they are under # @caseSensitive true', () => {
    const graph = read('# @caseSensitive true\na(A) outPut -> IN b(B)');
    expect(graph.caseSensitive).to.equal(true);
    expect(graph.edges[0]).to.deep.include({ from: { role: 'a', port: 'outPut' } });
    expect(graph.properties).to.deep.equal({});
  });

  it('knows the place of every part', () => {
    const { graph, positions } = readFbp(
      '# c\r\n\r\nINPORT=a.IN:X\r\n\'x\n\' -> IN a(A), a OUT -> IN b(B)\n# @group {"name":"g","nodes":[]}',
      {
        path: 'p.fbp',
      },
    );
    const places = [...graph.inports, ...graph.iips, ...graph.nodes, ...graph.edges, ...graph.groups].map((part) =>
      positions.where(part),
    );
    expect(places).to.deep.equal(['p.fbp:3:1', 'p.fbp:4:1', 'p.fbp:4:1', 'p.fbp:5:15', 'p.fbp:5:15', 'p.fbp:6:1']);
  });

  const failures: readonly (readonly [text: string, message: string])[] = [
    ['# c\na(A) OUT -> b(B', "graphs/some.fbp:2:16: the statement ends too early, expected ')' or ':'"],
    ["a(A)\n'open -> IN a", 'graphs/some.fbp:2:1: the quote that opens here is never closed'],
    ['{"a": -> IN a(A)', "graphs/some.fbp:1:1: the '{' that opens here is never closed"],
    ['a(A)\n\tb(B) -> a', 'graphs/some.fbp:2:2: a tab cannot stand here, only blanks can'],
    ['a(A)->b(B)\nb->a', "graphs/some.fbp:2:3: '-' belongs to the name before it, put a blank before '->'"],
    ["a(A) -> 'x' -> b(B)", 'graphs/some.fbp:1:9: data can only stand at the start of a connection'],
    [
      'a(A)\na -> b(B), b -> a -> b',
      'graphs/some.fbp:2:12: a node between two arrows needs both its ports: a OUT -> IN b OUT -> IN c',
    ],
    ['hello world', "graphs/some.fbp:1:1: 'hello' is connected to nothing"],
    ['a(A) -> IN b(B) OUT', "graphs/some.fbp:1:17: 'OUT' is connected to nothing"],
    ['a(A),, b(B)', 'graphs/some.fbp:1:6: no statement stands before this comma'],
    ['a(A) ; b(B)', 'graphs/some.fbp:1:6: unexpected ";"'],
    ['a(A:x=abc)', "graphs/some.fbp:1:1: x of 'a' is not a number"],
    ['constructor(A)', "graphs/some.fbp:1:1: the name 'constructor' cannot be used in .fbp"],
    ['# @node {bad', 'no error'],
    ['# @group {"name": 1}', 'graphs/some.fbp:1:1: bad annotation: this does not read as a group'],
  ];
  for (const [text, message] of failures) {
    it(`says what is wrong with ${JSON.stringify(text)}`, () => {
      expect(failure(text)).to.equal(message);
    });
  }

  it('survives an IIP nested without end', () => {
    expect(failure(`${'['.repeat(100_000)}${']'.repeat(100_000)} -> IN a(A)`)).to.equal(
      'graphs/some.fbp:1:1: nested too deep',
    );
  });

  it('finds out at once that a long IIP is never closed', () => {
    for (const body of ['x'.repeat(1_000_000), "\\'".repeat(500_000)]) {
      expect(failure(`'${body} -> IN a(A)`)).to.include('never closed');
      expect(failure(`["${body.replaceAll("'", '"')} -> IN a(A)`)).to.include('never closed');
    }
  });

  it('lets no text change the objects of this process', () => {
    for (const name of ['__proto__', 'constructor', 'toString']) failure(`${name}(Evil:a=b) -> (${name})`);
    expect(Object.getOwnPropertyNames(Object.prototype)).not.to.include('component');
    expect('component' in Object).to.equal(false);
  });

  it('means by a text what the fbp package means by it', () => {
    const node = fc.constantFrom('a', 'b', 'a(A)', 'b(lib/B:x=5,k=v)', 'c()', '(A)', '(lib/B)', 'null', 'd-e(A)');
    const port = fc.constantFrom(' ', ' OUT ', ' in[2] ', ' x.y ', '  ');
    const iip = fc.constantFrom("'x, y'", "'it\\'s # \n'", '{"a":\n[1, "b,\\""]}', '[]\n ', '5', '"-> IN"');
    const chain = fc
      .tuple(
        fc.oneof(
          iip,
          fc.tuple(node, port).map((parts) => parts.join('')),
        ),
        fc.array(fc.tuple(port, node, port)),
        port,
        node,
      )
      .map(
        ([from, middle, into, to]) => `${from}${middle.map((parts) => ` ->${parts.join('')}`).join('')} ->${into}${to}`,
      );
    const statement = fc.oneof(
      chain,
      fc.constantFrom('a(A)', '(A)', 'INPORT=a.IN:X', 'OUTPORT=b.OUT[1]:Y', 'DEFAULT_INPORT=Z'),
    );
    const separator = fc.constantFrom('\n', ', ', ' ,\n', '\r\n', ' # c -> d, e\n', '\n\n  ');
    const text = fc
      .array(fc.tuple(statement, separator), { maxLength: 6 })
      .map((parts) => `${parts.flat().join('')}z(Z)\n`);
    let compared = 0;
    fc.assert(
      fc.property(text, (given) => {
        let theirs: ReturnType<typeof fbp.parse>;
        try {
          theirs = fbp.parse(given, { validateContents: false });
        } catch {
          return; // it minds a blank behind a node that stands without a port; we do not
        }
        if (/connected to nothing|needs both its ports/.test(failure(given))) return; // stricter on purpose
        compared += 1;
        const { graph, positions } = readFbp(given, { path: 'x.fbp' });
        const end = (at: Graph['edges'][number]['to']) => [at.role, at.port, at.index ?? null];
        const wanted = theirs.connections.map(({ src, tgt, data }) => {
          const from = src ? [src.process, src.port, src.index ?? null] : data;
          const isNull = src?.process === 'null' && !('null' in theirs.processes);
          return JSON.stringify([
            isNull && src?.port === 'out' ? null : from,
            tgt.process,
            tgt.port,
            tgt.index ?? null,
          ]);
        });
        const got = [
          ...graph.edges.map(({ from, to }) =>
            JSON.stringify([from.role === 'null' && from.port === 'out' ? null : end(from), ...end(to)]),
          ),
          ...graph.iips.map(({ data, to }) => JSON.stringify([data, ...end(to)])),
        ];
        expect([...got].sort()).to.deep.equal([...wanted].sort());
        const again = validateGraph(graph, positions).some(({ kind }) => kind === 'duplicate-node');
        if (!again) {
          expect(Object.fromEntries(graph.nodes.map(({ role, component }) => [role, component]))).to.deep.equal(
            Object.fromEntries(Object.entries(theirs.processes).map(([role, { component = '' }]) => [role, component])),
          );
        }
        expect(graph.inports.map(({ name }) => name)).to.have.members(
          graph.inports.length > 0 ? graph.inports.map(() => Object.keys(theirs.inports)[0]) : [],
        );
      }),
      { numRuns: 1000 },
    );
    expect(compared).to.be.above(200);
  });

  it('takes time in proportion to the number of connections', () => {
    const text = (size: number) =>
      Array.from({ length: size }, (_, nth) => `n${nth}(Repeat) OUT -> IN n${nth + 1}(Repeat)\n`).join('');
    const timeMs = (size: number): number => {
      const given = text(size);
      const tries = [1, 2, 3, 4, 5].map(() => {
        const startMs = performance.now();
        const { graph, positions } = readFbp(given, { path: 'x.fbp' });
        expect(validateGraph(graph, positions)).to.have.length(0);
        expect(graph.edges).to.have.length(size);
        return performance.now() - startMs;
      });
      return Math.min(...tries);
    };
    timeMs(1000);
    expect(timeMs(10_000) / timeMs(2000)).to.be.below(5 * 3);
  });
});
