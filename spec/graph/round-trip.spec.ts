import { expect } from 'chai';
import fc from 'fast-check';
import fbp from 'fbp';
import {
  diffGraphs,
  type Graph,
  isEmptyDiff,
  patchFbp,
  readFbp,
  readJson,
  writeFbp,
  writeJson,
} from '../../src/graph/index.js';
import { aliasAlphabet, editsOf, fbpAlphabet, graphOver, jsonAlphabet } from './arbitrary.js';

const source = { path: 'any.fbp' };

/** Shows what differs rather than that something does. */
function expectSame(actual: Graph, expected: Graph): void {
  const diff = diffGraphs(expected, actual);
  if (!isEmptyDiff(diff)) expect.fail(JSON.stringify(diff));
}

describe('graph round trips', function () {
  // Many graphs, on a machine that may do much else.
  this.timeout(60_000);
  it('reads from JSON what was written as JSON', () => {
    fc.assert(
      fc.property(graphOver(jsonAlphabet), (graph) => {
        const text = writeJson(graph);
        const { graph: again } = readJson(text, { path: 'any.json' });
        expectSame(again, graph);
        expect(writeJson(again)).to.equal(
          writeJson({
            ...graph,
            nodes: again.nodes,
            inports: again.inports,
            outports: again.outports,
            properties: again.properties,
          }),
        );
      }),
      { numRuns: 100 },
    );
  });

  for (const [of, alphabet] of [
    ['names that .fbp has letters for', fbpAlphabet],
    ['any names', aliasAlphabet],
  ] as const) {
    describe(`of ${of}`, () => {
      it('reads from .fbp what was written as .fbp, in the same order', () => {
        fc.assert(
          fc.property(graphOver(alphabet), (graph) => {
            const { graph: again } = readFbp(writeFbp(graph), source);
            expectSame(again, graph);
            expect(again.nodes.map(({ role }) => role)).to.deep.equal(graph.nodes.map(({ role }) => role));
            expect(again.iips.map(({ data }) => data)).to.deep.equal(graph.iips.map(({ data }) => data));
          }),
          { numRuns: 500 },
        );
      });

      it('writes .fbp that the fbp package reads alike, but for aliases', () => {
        fc.assert(
          fc.property(graphOver(alphabet), (graph) => {
            const text = writeFbp(graph);
            const parsed = fbp.parse(text, { validateContents: false });
            const [roleOf, componentOf, portOf] = ['role', 'component', 'port'].map((kind) => namesIn(text, kind));
            const connections = parsed.connections.map(({ src, tgt, data }) => {
              const [from, to] = [src, tgt].map((at) => at && [roleOf?.(at.process), portOf?.(at.port), at.index]);
              return [from ?? data, to];
            });
            expect(connections).to.deep.equal([
              ...graph.edges.map(({ from, to }) => [
                [from.role, from.port, from.index],
                [to.role, to.port, to.index],
              ]),
              ...graph.iips.map(({ data, to }) => [data, [to.role, to.port, to.index]]),
            ]);
            expect(
              Object.entries(parsed.processes).map(([role, { component = '' }]) => [
                roleOf?.(role),
                componentOf?.(component),
              ]),
            ).to.deep.equal(graph.nodes.map(({ role, component }) => [role, component]));
          }),
          { numRuns: 300 },
        );
      });

      it('patches a text into one that reads as the edited graph and keeps every comment', () => {
        const edit = graphOver(alphabet).chain((graph) =>
          fc.record({
            graph: fc.constant(graph),
            after: editsOf(graph, alphabet),
            every: fc.integer({ min: 1, max: 4 }),
          }),
        );
        fc.assert(
          fc.property(edit, fc.constantFrom('\n', '\r\n'), ({ graph, after, every }, newline) => {
            const { text, comments } = commented(writeFbp(graph), every, newline);
            expectSame(readFbp(text, source).graph, graph);
            expect(patchFbp(text, graph, source)).to.equal(text);
            const patched = patchFbp(text, after, source);
            expectSame(readFbp(patched, source).graph, after);
            for (const comment of comments) expect(patched).to.include(comment);
            expect(patchFbp(patched, after, source)).to.equal(patched);
            const theirs = fbp.parse(patched, { validateContents: false });
            expect(theirs.connections).to.have.length(after.edges.length + after.iips.length);
          }),
          { numRuns: 500 },
        );
      });
    });
  }

  it('patches a text whose ports begin or cease to count by their case', () => {
    fc.assert(
      fc.property(graphOver(aliasAlphabet), graphOver(aliasAlphabet), fc.boolean(), (graph, after, caseSensitive) => {
        const text = writeFbp({ ...graph, caseSensitive });
        const wanted = { ...after, caseSensitive: !caseSensitive };
        expectSame(readFbp(patchFbp(text, wanted, source), source).graph, wanted);
      }),
      { numRuns: 300 },
    );
  });

  it('patches chains, anonymous nodes and statements that share a line', () => {
    const text = [
      '# head',
      'INPORT=a.IN:SEED, OUTPORT=c.OUT:RESULT',
      "'x' -> IN a(A:y=2) OUT -> IN b(lib/B) ERR[1] -> IN[0] c(C) # a chain",
      '(lib/B) OUT -> (lib/B) OUT -> IN c, a ERR -> IN c   # two',
      '',
      '{"deep": [1,',
      '  2]} -> OPTIONS c',
      'd(), e(E), (lib/B) -> d # three',
    ].join('\n');
    const { graph } = readFbp(text, source);
    fc.assert(
      fc.property(fc.oneof(editsOf(graph, fbpAlphabet), editsOf(graph, aliasAlphabet)), (after) => {
        const patched = patchFbp(text, after, source);
        expectSame(readFbp(patched, source).graph, after);
        for (const comment of ['# head', '# a chain', '# two', '# three']) expect(patched).to.include(comment);
      }),
      { numRuns: 700 },
    );
  });
});

/** From alias to name, as the notes of a text say. */
function namesIn(text: string, kind: string): (alias: string) => unknown {
  const notes = [...text.matchAll(/^# @(\w+) (\{.*\})$/gm)].filter(([, word]) => word === kind);
  const names = new Map(notes.flatMap(([, , json = '{}']) => Object.entries<unknown>(JSON.parse(json))));
  return (alias) => names.get(alias) ?? alias;
}

/** Puts comments of people's between and behind lines that hold no IIP over several lines. */
function commented(
  text: string,
  every: number,
  newline: string,
): { readonly text: string; readonly comments: string[] } {
  const comments: string[] = [];
  const comment = (): string => {
    comments.push(`# note ${comments.length} by hand`);
    return comments.at(-1) ?? '';
  };
  const lines = text.split('\n').map((line, nth) => {
    if (nth % every !== 0) return line;
    return line === '' || line.startsWith('#') ? `${comment()}${newline}${line}` : `${line}  ${comment()}`;
  });
  return { text: lines.join(newline), comments };
}
