import { writeFileSync } from 'node:fs';
import { expect } from 'chai';
import fc from 'fast-check';
import { type Graph, sameGraph, validateGraph, writeFbp, writeJson } from '../../src/graph/index.js';
import { type Alphabet, editsOf, fbpAlphabet, graphOver, jsonAlphabet } from '../graph/arbitrary.js';
import { Scene } from './scene.js';

const isValid = (graph: Graph): boolean => validateGraph(graph).every(({ severity }) => severity !== 'error');

interface Notation {
  readonly name: string;
  readonly alphabet: Alphabet;
  readonly textOf: (graph: Graph) => string;
}

const notations: readonly Notation[] = [
  { name: 'net.fbp', alphabet: fbpAlphabet, textOf: writeFbp },
  { name: 'net.json', alphabet: jsonAlphabet, textOf: writeJson },
];

/** A graph and two others that were made of it. */
const graphs = (alphabet: Alphabet): fc.Arbitrary<readonly Graph[]> =>
  graphOver(alphabet)
    .filter(isValid)
    .chain((graph) =>
      fc.tuple(fc.constant(graph), editsOf(graph, alphabet).filter(isValid), editsOf(graph, alphabet).filter(isValid)),
    );

describe('GraphFile, whatever the graph', () => {
  for (const { name, alphabet, textOf } of notations) {
    it(`keeps in ${name}, and over a crash, exactly what was put`, async () => {
      await fc.assert(
        fc.asyncProperty(graphs(alphabet), async ([before, ...edited]) => {
          const scene = await Scene.make(name, before && textOf(before));
          try {
            const file = await scene.open({ run: 'r' });
            for (const graph of edited) {
              file.put({ ...file.live, graph });
              await file.settled();
              expect(scene.problems).to.deep.equal([]);
              expect(sameGraph(await scene.graph(), graph)).to.equal(true);
            }
            await file.close();
            const again = await scene.open({ run: 'r' });
            expect(sameGraph(again.live.graph, file.live.graph)).to.equal(true);
            expect(scene.changes).to.deep.equal([]);
          } finally {
            await scene.end();
          }
        }),
        { numRuns: 25 },
      );
    });

    it(`saves what others wrote to ${name} merged with what was put, or leaves it as they wrote it and says why`, async () => {
      await fc.assert(
        fc.asyncProperty(graphs(alphabet), async ([before, ours, theirs]) => {
          const scene = await Scene.make(name, before && textOf(before));
          try {
            const file = await scene.open();
            await file.settled();
            if (!ours || !theirs) return;
            file.put({ ...file.live, graph: ours });
            writeFileSync(scene.path, textOf(theirs)); // before ours can be written
            await file.settled();
            if (scene.problems.length > 0) expect(await scene.text()).to.equal(textOf(theirs));
            else expect(sameGraph(await scene.graph(), file.live.graph)).to.equal(true);
            for (const problem of scene.problems) expect(problem).to.contain('conflict');
          } finally {
            await scene.end();
          }
        }),
        { numRuns: 15 },
      );
    });
  }
});
