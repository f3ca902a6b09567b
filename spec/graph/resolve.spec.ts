import { expect } from 'chai';
import { GraphCycleError, isVirtual, participantNodes, readFbp, resolveEdges } from '../../src/graph/index.js';

const VIRTUAL = 'rr(msgflo/RoundRobin), rr2(msgflo/RoundRobin), ps(msgflo/PubSub), ps2(msgflo/PubSub)\n';
const REAL = 'a(A), b(B), c(C), d(D)\n';

/** `a.out > b.in` for pubsub, `a.out | b.in` for round robin. */
function resolved(text: string) {
  const { edges, deadLetters, iips, inports, outports } = resolveEdges(
    readFbp(VIRTUAL + REAL + text, { path: 'x.fbp' }).graph,
  );
  const show = ({ role, port }: { role: string; port: string }): string => `${role}.${port}`;
  return {
    edges: edges.map(({ from, to, kind }) => `${show(from)} ${kind === 'pubsub' ? '>' : '|'} ${show(to)}`),
    deadLetters: deadLetters.map(({ deadLettersOf, to }) => `${show(deadLettersOf)} ! ${show(to)}`),
    iips: iips.map(({ data, to }) => `${data} > ${show(to)}`),
    inports: inports.map(({ name, to }) => `${name} > ${show(to)}`),
    outports: outports.map(({ name, from }) => `${name} < ${show(from)}`),
  };
}

describe('resolveEdges', () => {
  const rows: readonly (readonly [what: string, text: string, edges: string[], deadLetters?: string[]])[] = [
    ['an edge between participants, without its indexes', 'a OUT[1] -> IN[2] b', ['a.out > b.in']],
    [
      'an edge that stands twice, or once for each index, once',
      'a OUT -> IN b, a OUT -> IN b, a OUT -> IN[1] b',
      ['a.out > b.in'],
    ],
    [
      'a pass-through node as an edge from each source to each target',
      'a OUT -> IN ps, b OUT -> IN ps, ps OUT -> IN c, ps OUT -> IN d',
      ['a.out > c.in', 'a.out > d.in', 'b.out > c.in', 'b.out > d.in'],
    ],
    ['a round robin', 'a OUT -> IN rr, rr OUT -> IN b', ['a.out | b.in']],
    [
      'dead letters of a round robin, for every inport that it feeds',
      'a OUT -> IN rr, rr OUT -> IN b, rr OUT -> IN c, rr DEADLETTER -> FAILED d',
      ['a.out | b.in', 'a.out | c.in'],
      ['b.in ! d.failed', 'c.in ! d.failed'],
    ],
    [
      'chains, in which round robin wins',
      'a OUT -> IN ps, ps OUT -> IN rr, rr OUT -> IN ps2, ps2 OUT -> IN b',
      ['a.out | b.in'],
    ],
    [
      'two ways, of which round robin wins',
      'a OUT -> IN ps, ps OUT -> IN b, a OUT -> IN rr, rr OUT -> IN b',
      ['a.out | b.in'],
    ],
    [
      'dead letters through a pass-through node, also where nothing feeds the round robin',
      'rr OUT -> IN b, rr DEADLETTER -> IN ps, ps OUT -> IN c, ps OUT -> IN d',
      [],
      ['b.in ! c.in', 'b.in ! d.in'],
    ],
    [
      'dead letters of a round robin behind another',
      'a OUT -> IN rr, rr OUT -> IN rr2, rr2 OUT -> IN b, rr DEADLETTER -> IN c, rr2 DEADLETTER -> IN d',
      ['a.out | b.in'],
      ['b.in ! c.in', 'b.in ! d.in'],
    ],
    [
      'dead letters that go round again',
      'a OUT -> IN rr, rr OUT -> IN b, rr DEADLETTER -> IN b',
      ['a.out | b.in'],
      ['b.in ! b.in'],
    ],
    [
      'a node that leads nowhere, or a port it lacks, as nothing',
      'a OUT -> IN ps, a OUT -> FOO rr, rr OUT -> IN b, ps BAR -> IN c',
      [],
    ],
  ];
  for (const [what, text, edges, deadLetters = []] of rows) {
    it(`resolves ${what}`, () => {
      expect(resolved(text)).to.deep.include({ edges, deadLetters });
    });
  }

  it('knows virtual ports in upper case too', () => {
    const { graph } = readFbp(
      `# @caseSensitive true\n${VIRTUAL}${REAL}a OUT -> IN rr, rr OUT -> IN b, rr DEADLETTER -> IN c`,
      {
        path: 'x.fbp',
      },
    );
    expect(resolveEdges(graph)).to.deep.include({
      edges: [{ from: { role: 'a', port: 'OUT' }, to: { role: 'b', port: 'IN' }, kind: 'roundrobin' }],
      deadLetters: [{ deadLettersOf: { role: 'b', port: 'IN' }, to: { role: 'c', port: 'IN' } }],
    });
  });

  it('passes IIPs and exported ports through virtual nodes', () => {
    const text =
      "INPORT=ps.IN:SEED\nOUTPORT=rr.OUT:ALL\nOUTPORT=d.OUT:D\n'1' -> IN ps, '2' -> IN a, ps OUT -> IN b, ps OUT -> IN c, a OUT -> IN rr, b OUT -> IN ps2, ps2 OUT -> IN rr";
    expect(resolved(text)).to.deep.include({
      iips: ['1 > b.in', '1 > c.in', '2 > a.in'],
      inports: ['seed > b.in', 'seed > c.in'],
      outports: ['all < a.out', 'all < b.out', 'd < d.out'],
    });
  });

  it('refuses a cycle of virtual nodes, fed or not, naming it', () => {
    const cycle = 'ps OUT -> IN rr, rr OUT -> IN ps';
    expect(() => resolved(cycle))
      .to.throw(GraphCycleError, 'rr -> ps -> rr')
      .with.property('code', 'MSGFLO_GRAPH_CYCLE');
    expect(() => resolved(`a OUT -> IN ps, ${cycle}`)).to.throw(GraphCycleError);
    expect(() =>
      resolved('rr DEADLETTER -> IN rr2, rr2 DEADLETTER -> IN rr, rr OUT -> IN a, rr2 OUT -> IN b'),
    ).not.to.throw();
  });

  it('does not take longer for many ways through virtual nodes', () => {
    const layers = 40;
    const lines = Array.from({ length: layers }, (_, nth) => [
      `p${nth}(msgflo/PubSub), q${nth}(msgflo/PubSub)`,
      ...(nth === 0
        ? []
        : ['p', 'q'].flatMap((from) => ['p', 'q'].map((to) => `${from}${nth - 1} OUT -> IN ${to}${nth}`))),
    ]).flat();
    expect(resolved(`${lines.join('\n')}\na OUT -> IN p0, p${layers - 1} OUT -> IN b\n`).edges).to.deep.equal([
      'a.out > b.in',
    ]);
  });

  it('tells virtual nodes from participants', () => {
    const { graph } = readFbp(VIRTUAL + REAL, { path: 'x.fbp' });
    expect(participantNodes(graph).map(({ role }) => role)).to.deep.equal(['a', 'b', 'c', 'd']);
    expect(graph.nodes.filter(isVirtual)).to.have.length(4);
  });
});
