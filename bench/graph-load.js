import { median } from './support/figures.js';

const ROUNDS = 7;
const SIZES = [1000, 5000, 10_000];
/** How much more a connection may cost in the largest graph than in the smallest: twice is still no curve. */
const TARGET = 2;

/** Reading an .fbp of many connections; linear means that each connection costs the same. @type {import('./run.js').Bench} */
export async function graphLoad({ quick }) {
  const { readGraph } = await import('../dist/graph/index.js');
  const load = (/** @type {number} */ connections) => {
    const text = chainText(connections);
    const times = Array.from({ length: quick ? 3 : ROUNDS }, () => {
      const startedMs = performance.now();
      readGraph(text, { path: 'bench.fbp' });
      return performance.now() - startedMs;
    });
    return { connections, ms: median(times) };
  };
  for (const size of SIZES) load(size);
  const loaded = SIZES.map(load);
  const smallest = loaded[0] ?? { connections: 1, ms: Number.NaN };
  return loaded.map(({ connections, ms }) => {
    const row = { what: `graph-load: ms for ${connections} connections`, ours: ms };
    if (connections === smallest.connections) return row;
    const ratio = ms / connections / (smallest.ms / smallest.connections);
    return { ...row, peer: smallest.ms, ratio, target: `at most ${TARGET} a connection`, met: ratio <= TARGET };
  });
}

/** A row of nodes, with a comment and an IIP now and then as people write them. @param {number} connections */
function chainText(connections) {
  const lines = ['# a large graph'];
  for (let n = 0; n < connections; n += 1) {
    if (n % 10 === 0) lines.push('', `# section ${n / 10}`);
    lines.push(n % 10 === 5 ? `'data ${n}' -> IN node${n}(Repeat)` : `node${n}(Repeat) OUT -> IN node${n + 1}(Repeat)`);
  }
  return `${lines.join('\n')}\n`;
}
