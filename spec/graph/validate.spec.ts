import { expect } from 'chai';
import { assertValid, checkPorts, GraphInvalidError, readFbp, readJson, validateGraph } from '../../src/graph/index.js';

const messages = (text: string): string[] => {
  const { graph, positions } = readFbp(text, { path: 'g.fbp' });
  return validateGraph(graph, positions).map(({ message }) => message);
};

describe('validateGraph', () => {
  it('has nothing to say against a sound graph', () => {
    expect(messages("INPORT=a.IN:X\na(A) OUT -> IN b(B)\na(A) OUT2 -> IN b\n'x' -> IN a")).to.deep.equal([]);
  });

  const rows: readonly (readonly [text: string, messages: string[]])[] = [
    ['a(A)\n\nb(B), a(C)', ["g.fbp:3:7: node 'a' is declared twice, as A and as C"]],
    ['a(A)\na OUT -> IN b', ["g.fbp:2:1: edge a.out -> b.in names node 'b', which the graph does not have"]],
    ["'x' -> IN a", ["g.fbp:1:1: IIP for a.in names node 'a', which the graph does not have"]],
    ['INPORT=a.IN:FILE', ["g.fbp:1:1: exported port 'file' names node 'a', which the graph does not have"]],
    ['a(A) OUT -> IN b(B)\na OUT -> IN b', ['g.fbp:2:1: edge a.out -> b.in stands twice, once is enough']],
    ['OUTPORT=a.X:O\nOUTPORT=a.Y:P\na(A), OUTPORT=a.Z:O', ["g.fbp:3:7: port 'o' is exported twice"]],
    [
      'rr(msgflo/RoundRobin) FOO -> IN a(A)\na OUT -> DEADLETTER rr',
      [
        "g.fbp:1:1: role 'rr' has no outport 'foo'; it has: out, deadletter",
        "g.fbp:2:1: role 'rr' has no inport 'deadletter'; it has: in",
      ],
    ],
    ['a(msgflo/PubSub) DEADLETTER -> IN b(B)', ["g.fbp:1:1: role 'a' has no outport 'deadletter'; it has: out"]],
    ['\na(msgflo/PubSub) -> a', ['g.fbp:2:1: pass-through nodes form a cycle: a -> a']],
    [
      '# @group {"name":"g","nodes":["gone"]}',
      ["g.fbp:1:1: group 'g' names node 'gone', which the graph does not have"],
    ],
  ];
  for (const [text, expected] of rows) {
    it(`says ${expected[0]}`, () => {
      expect(messages(text)).to.deep.equal(expected);
    });
  }

  it('names places in JSON, and none where it is not given any', () => {
    const { graph, positions } = readJson('{"connections": [\n  {"data": 1, "tgt": {"process": "x", "port": "in"}}]}', {
      path: 'g.json',
    });
    expect(validateGraph(graph, positions)[0]).to.deep.include({
      position: { line: 2, column: 3 },
      kind: 'unknown-node',
    });
    expect(validateGraph(graph)[0]?.message).to.equal("IIP for x.in names node 'x', which the graph does not have");
    expect(validateGraph({ ...graph, iips: graph.iips.map((iip) => ({ ...iip })) }, positions)[0]?.message).to.match(
      /^g.json: IIP/,
    );
  });
});

describe('names of nodes', () => {
  for (const role of ['', 'a\nb', 'tab\there', 'nul\u0000', 'c1\u0085']) {
    it(`${JSON.stringify(role)} is refused: brokers would cut it short, or cut off who uses it`, () => {
      const { graph } = readJson(JSON.stringify({ processes: { [role]: { component: 'A' } } }), { path: 'g.json' });
      expect(validateGraph(graph).map(({ kind }) => kind)).to.deep.equal(['unfit-name']);
      expect(() => assertValid(validateGraph(graph))).to.throw(GraphInvalidError, JSON.stringify(role));
    });
  }

  it('that are ports of the whole graph are refused when empty', () => {
    const ports = { outports: { '': { process: 'a', port: 'out' } }, processes: { a: { component: 'A' } } };
    const { graph, positions } = readJson(JSON.stringify(ports), { path: 'g.json' });
    expect(validateGraph(graph, positions).map(({ message }) => message)).to.deep.equal([
      'g.json:1:14: an exported port has an empty name',
    ]);
  });

  it('may hold anything else', () => {
    for (const role of ['with space', 'a/b+c#', 'semi;\'"', 'üñí-日本語-😀', '..', '$x']) {
      const { graph } = readJson(JSON.stringify({ processes: { [role]: { component: 'A' } } }), { path: 'g.json' });
      expect(validateGraph(graph), role).to.deep.equal([]);
    }
  });
});

describe('assertValid', () => {
  it('throws all errors as one, a line each, and lets warnings pass', () => {
    const warnings = validateGraph(readFbp('a(A) -> a\na -> a', { path: 'x' }).graph);
    expect(warnings).to.have.length(1);
    expect(() => assertValid(warnings)).not.to.throw();
    const problems = validateGraph(readFbp('a -> b', { path: 'x' }).graph);
    expect(() => assertValid([...warnings, ...problems]))
      .to.throw(GraphInvalidError, /^edge .*'a'.*\nedge .*'b'[^\n]*$/)
      .with.property('code', 'MSGFLO_GRAPH_INVALID');
  });
});

describe('checkPorts', () => {
  const known = { a: { inports: ['in'], outports: ['newValue', 'err'] }, b: { inports: [], outports: ['out'] } };
  const ports = (role: string) => new Map(Object.entries(known)).get(role);
  const check = (text: string, path = 'g.fbp') => {
    const { graph, positions } = readFbp(text, { path });
    return checkPorts(graph, ports, positions);
  };

  it('names role, port, what there is, and the place', () => {
    const problems = check("# c\na(A) OUT -> IN b(B)\n'x' -> IM a\nINPORT=b.IN:X\nOUTPORT=a.OUT:Y");
    expect(problems.map(({ message }) => message)).to.deep.equal([
      "g.fbp:2:1: role 'a' has no outport 'out'; it has: newValue, err",
      "g.fbp:2:1: role 'b' has no inport 'in'; it has: none",
      "g.fbp:3:1: role 'a' has no inport 'im'; it has: in",
      "g.fbp:4:1: role 'b' has no inport 'in'; it has: none",
      "g.fbp:5:1: role 'a' has no outport 'out'; it has: newValue, err",
    ]);
    expect(problems[0]).to.deep.include({ kind: 'unknown-port', severity: 'error', ref: { role: 'a', port: 'out' } });
  });

  it('passes over roles it knows nothing of, and virtual nodes', () => {
    expect(check('x(X) FOO -> BAR y(Y)')).to.deep.equal([]);
    const { graph } = readFbp('a(msgflo/RoundRobin) DEADLETTER -> IN x(X)', { path: 'g' });
    expect(checkPorts(graph, ports)).to.deep.equal([]);
  });

  it('takes the dead letters of an inport for an outport, where the participant has that inport', () => {
    expect(check('a(A) DEAD_IN -> IN a\nOUTPORT=a.DEAD_IN:FAILED')).to.deep.equal([]);
    const wrong = check('a(A) DEAD_OUT -> IN a, a DEAD_ -> IN a, b(B) DEAD_IN -> IN a').map(({ message }) => message);
    expect(wrong).to.deep.equal([
      "g.fbp:1:1: role 'a' has no outport 'dead_out'; it has: newValue, err; for dead letters: dead_in",
      "g.fbp:1:24: role 'a' has no outport 'dead_'; it has: newValue, err; for dead letters: dead_in",
      wrong[2],
    ]);
    expect(wrong[2]).to.match(/role 'b' has no outport 'dead_in'/);
    expect(check('# @caseSensitive true\na(A) DEAD_in -> in a')).to.have.length(1);
    expect(check('# @caseSensitive true\na(A) dead_in -> in a')).to.have.length(0);
  });

  it('knows no such port of a node that is no participant', () => {
    expect(messages('a(msgflo/PubSub) DEAD_IN -> IN b(B)')).to.deep.equal([
      "g.fbp:1:1: role 'a' has no outport 'dead_in'; it has: out",
    ]);
  });

  it('takes upper and lower case for one unless the graph is case-sensitive', () => {
    expect(check('a(A) NEWVALUE -> IN a')).to.deep.equal([]);
    expect(check('# @caseSensitive true\na(A) NEWVALUE -> in a')).to.have.length(1);
    expect(check('# @caseSensitive true\na(A) newValue -> in a')).to.have.length(0);
  });
});
