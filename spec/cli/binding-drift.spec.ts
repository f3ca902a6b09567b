import { expect } from 'chai';
import { compareBindings } from '../../src/cli/binding-drift.js';
import type { BindingRow, Seen } from '../../src/cli/bindings-report.js';
import { bindingsTable } from '../../src/cli/bindings-table.js';
import { type Definition, LAPSE_MS, ParticipantTable } from '../../src/discovery/index.js';
import { readFbp } from '../../src/graph/index.js';
import { asParticipantId, asPortName, asQueueName, asRole } from '../../src/names.js';
import type { Binding } from '../../src/transport/index.js';

const graphOf = (text: string) => readFbp(text, { path: 'main.fbp' }).graph;

/** A participant of `role` with the ports `in`, `out` and `error`. @param sources what `in` is subscribed to */
function aDefinition(role: string, sources?: readonly string[]): Definition {
  const port = (id: string) => ({ id: asPortName(id), queue: asQueueName(`${role}.${id.toUpperCase()}`) });
  return {
    id: asParticipantId(`${role}-1`),
    role: asRole(role),
    component: 'Any',
    inports: [{ ...port('in'), ...(sources ? { sources: sources.map(asQueueName) } : {}) }],
    outports: [port('out'), port('error')],
  };
}

const bind = (text: string, kind: Binding['kind'] = 'pubsub'): Binding => {
  const [source = '', target = ''] = text.split(' -> ');
  return { kind, source: asQueueName(source), target: asQueueName(target) };
};

function seen(definitions: readonly Definition[], bindings: readonly Binding[] = [], more: Partial<Seen> = {}): Seen {
  const participants = new ParticipantTable(LAPSE_MS);
  for (const definition of definitions) participants.announce(definition);
  return { binds: true, tellsAll: true, hasRouter: false, bindings, participants, ...more };
}

const short = (rows: readonly BindingRow[]): string[] => {
  return rows.map(({ state, source, target, via }) => [state, source ?? '?', target ?? '?', via ?? '-'].join(' '));
};

const A_TO_B = graphOf('a(Any) OUT -> IN b(Any)');
const BOTH = [aDefinition('a'), aDefinition('b')];

describe('compareBindings', () => {
  it('finds an edge bound, with its ports as their participants name them', () => {
    const { bindings, complete, foreign, silent } = compareBindings(seen(BOTH, [bind('a.OUT -> b.IN')]), A_TO_B);
    expect(bindings).to.deep.equal([
      {
        state: 'bound',
        kind: 'pubsub',
        source: 'a.OUT',
        target: 'b.IN',
        from: { role: 'a', port: 'out' },
        to: { role: 'b', port: 'in' },
        via: 'broker',
      },
    ]);
    expect({ complete, foreign, silent }).to.deep.equal({ complete: true, foreign: [], silent: [] });
  });

  it('finds one missing that nobody bound, or that is bound as another kind', () => {
    expect(compareBindings(seen(BOTH), A_TO_B).bindings[0]).to.include({
      state: 'missing',
      why: 'nobody has bound it',
    });
    const shared = seen(BOTH, [bind('a.OUT -> b.IN', 'roundrobin')]);
    const { bindings } = compareBindings(shared, A_TO_B);
    expect(short(bindings)).to.deep.equal(['missing a.OUT b.IN -', 'left-over a.OUT b.IN broker']);
    expect(bindings[0]?.why).to.equal('bound as roundrobin, not as pubsub');
  });

  it('tells not known from missing: a role or port that nobody announced, a broker that does not tell', () => {
    const alone = compareBindings(seen([aDefinition('a')]), A_TO_B);
    expect(alone.bindings[0]).to.include({
      state: 'unknown',
      source: 'a.OUT',
      why: "nobody has announced the role 'b'",
    });
    expect(alone.bindings[0]).not.to.have.property('target');
    expect(alone.silent).to.deep.equal(['b']);
    const typo = compareBindings(seen(BOTH), graphOf('a(Any) OUTT -> IN b(Any)'));
    expect(typo.bindings[0]).to.include({
      state: 'unknown',
      why: "role 'a' has no outport 'outt'; it has: out, error",
    });
    const mute = compareBindings(seen(BOTH, [], { tellsAll: false }), A_TO_B);
    expect(mute.bindings[0]).to.include({ state: 'unknown', why: 'this broker does not tell what is bound' });
    expect(mute.complete).to.equal(false);
  });

  it('tells left over between roles of the graph from foreign, which has an end elsewhere', () => {
    const bindings = [bind('a.OUT -> b.IN'), bind('b.OUT -> a.IN'), bind('a.OUT -> x.IN'), bind('p -> q')];
    const report = compareBindings(seen([...BOTH, aDefinition('x')], bindings), A_TO_B);
    expect(short(report.bindings)).to.deep.equal(['bound a.OUT b.IN broker', 'left-over b.OUT a.IN broker']);
    expect(short(report.foreign)).to.deep.equal(['foreign a.OUT x.IN broker', 'foreign p q broker']);
    expect(report.foreign[0]).to.deep.include({ from: { role: 'a', port: 'out' }, to: { role: 'x', port: 'in' } });
    expect(report.foreign[1]).not.to.have.any.keys('from', 'to');
    expect(report.roles.map(({ role, inGraph }) => [role, inGraph])).to.deep.equal([
      ['a', true],
      ['b', true],
      ['x', false],
    ]);
  });

  it('looks through nodes that only bind, and at the dead letters behind them', () => {
    const graph = graphOf('a(Any) OUT -> IN rr(msgflo/RoundRobin) OUT -> IN b(Any)\nrr DEADLETTER -> IN c(Any)');
    const bindings = [bind('a.OUT -> b.IN', 'roundrobin'), bind('dead-b.IN -> c.IN')];
    const report = compareBindings(seen([...BOTH, aDefinition('c')], bindings), graph);
    expect(short(report.bindings)).to.deep.equal(['bound a.OUT b.IN broker', 'bound dead-b.IN c.IN broker']);
    expect(report.bindings.map(({ kind }) => kind)).to.deep.equal(['roundrobin', 'deadletter']);
  });

  it('knows an edge from the dead letters of an inport, however it is bound', () => {
    const graph = graphOf(
      'a(Any) OUT -> IN b(Any) DEAD_IN -> IN c(Any)\na DEAD_IN -> IN rr(msgflo/RoundRobin) OUT -> IN c\na DEAD_NONE -> IN c',
    );
    const bindings = [bind('a.OUT -> b.IN'), bind('dead-b.IN -> c.IN'), bind('dead-a.IN -> c.IN', 'roundrobin')];
    const { bindings: rows } = compareBindings(seen([...BOTH, aDefinition('c')], bindings), graph);
    expect(rows.map(({ state, kind, from }) => [state, kind, from?.role, from?.port])).to.have.deep.members([
      ['bound', 'pubsub', 'a', 'out'],
      ['bound', 'deadletter', 'b', 'in'],
      ['bound', 'deadletter', 'a', 'in'],
      ['unknown', 'pubsub', 'a', 'dead_none'],
    ]);
    expect(rows.at(-1)?.why).to.match(/^role 'a' has no outport 'dead_none'; it has: out/);
  });

  it('names ports of the graph that nothing is connected to: no edge, no data, no export, no binding', () => {
    const graph = graphOf("OUTPORT=b.OUT:RESULT\n'x' -> IN a(Any) OUT -> IN b(Any)\nc(Any) OUT -> IN b");
    const bindings = [bind('a.ERROR -> elsewhere')];
    const { unconnected } = compareBindings(seen([...BOTH, aDefinition('c'), aDefinition('x')], bindings), graph);
    expect(unconnected.map(({ role, port, direction, queue }) => [role, port, direction, queue])).to.deep.equal([
      ['b', 'error', 'out', 'b.ERROR'],
      ['c', 'in', 'in', 'c.IN'],
      ['c', 'error', 'out', 'c.ERROR'],
    ]);
  });

  it('counts two ports of one queue as bound, and the exchange of a queue with its name as nothing', () => {
    const reader = aDefinition('b');
    const shared = { ...reader, inports: [{ id: asPortName('in'), queue: asQueueName('a.OUT') }] };
    const report = compareBindings(seen([aDefinition('a'), shared], [bind('a.OUT -> a.OUT')]), A_TO_B);
    expect(short(report.bindings)).to.deep.equal(['bound a.OUT a.OUT same-queue']);
  });

  it('goes by the latest participant of a role', () => {
    const old = aDefinition('b');
    const moved = {
      ...old,
      id: asParticipantId('b-2'),
      inports: [{ id: asPortName('in'), queue: asQueueName('elsewhere') }],
    };
    const report = compareBindings(seen([aDefinition('a'), old, moved], [bind('a.OUT -> elsewhere')]), A_TO_B);
    expect(short(report.bindings)).to.deep.equal(['bound a.OUT elsewhere broker']);
    expect(report.roles.find(({ role }) => role === 'b')?.participants).to.have.members(['b-1', 'b-2']);
  });

  describe('where the broker does not bind', () => {
    const mqtt = { binds: false, tellsAll: false };

    it('goes by what participants say they are subscribed to', () => {
      const definitions = [aDefinition('a', ['b.OUT', 'x']), aDefinition('b', ['a.OUT'])];
      const report = compareBindings(seen(definitions, [], mqtt), A_TO_B);
      expect(short(report.bindings)).to.deep.equal(['bound a.OUT b.IN wiring', 'left-over b.OUT a.IN wiring']);
      expect(short(report.foreign)).to.deep.equal(['foreign x a.IN wiring']);
      expect(compareBindings(seen(BOTH, [], mqtt), A_TO_B).bindings[0]?.state).to.equal('missing');
    });

    it('goes by the routes of a router that is at work', () => {
      const routes = [bind('a.OUT -> b.IN')];
      const routed = compareBindings(seen(BOTH, routes, { ...mqtt, hasRouter: true }), A_TO_B);
      expect(short(routed.bindings)).to.deep.equal(['bound a.OUT b.IN router']);
      const idle = compareBindings(seen(BOTH, routes, mqtt), A_TO_B);
      expect(short(idle.bindings)).to.deep.equal(['missing a.OUT b.IN router']);
      expect(idle.bindings[0]?.why).to.match(/no msgflo-router is at work/);
    });

    it('takes a route for left over whose target subscribes by itself: everything would come twice', () => {
      const definitions = [aDefinition('a'), aDefinition('b', ['a.OUT'])];
      const report = compareBindings(seen(definitions, [bind('a.OUT -> b.IN')], { ...mqtt, hasRouter: true }), A_TO_B);
      expect(short(report.bindings)).to.deep.equal(['bound a.OUT b.IN wiring', 'left-over a.OUT b.IN router']);
    });
  });

  it('without a graph shows what is bound and who is there', () => {
    const report = compareBindings(seen(BOTH, [bind('a.OUT -> b.IN'), bind('p -> q')]));
    expect(short(report.bindings)).to.deep.equal(['bound a.OUT b.IN broker', 'bound p q broker']);
    expect(report.bindings[0]).to.deep.include({ from: { role: 'a', port: 'out' }, to: { role: 'b', port: 'in' } });
    expect(report).to.deep.include({ foreign: [], unconnected: [], silent: [] });
    expect(report.roles.map(({ role }) => role)).to.deep.equal(['a', 'b']);
  });
});

describe('bindingsTable', () => {
  it('has one line for each binding, in columns, then what is not connected and who else is there', () => {
    const bindings = [bind('a.OUT -> b.IN'), bind('dead-a.IN -> x.IN')];
    const report = compareBindings(
      seen([...BOTH, aDefinition('x')], bindings),
      graphOf('a(Any) OUT -> IN b(Any)\nb OUT -> IN d(Any)'),
    );
    expect(bindingsTable(report, { caseSensitive: false })).to.deep.equal([
      'STATE    KIND        QUEUES             EDGE',
      'bound    pubsub      a.OUT -> b.IN      a OUT -> IN b',
      "unknown  pubsub      b.OUT -> ?         b OUT -> IN d                 nobody has announced the role 'd'",
      'foreign  deadletter  dead-a.IN -> x.IN  dead letters of a IN -> IN x',
      'unconnected inport: a IN (a.IN)',
      'unconnected outport: a ERROR (a.ERROR)',
      'unconnected outport: b ERROR (b.ERROR)',
      'nobody has announced: d',
      'not in the graph: x (Any)',
    ]);
  });

  it('says so where nothing is known, and lets no name move the cursor', () => {
    const wild = { ...aDefinition('a'), role: asRole('a\u001b[2J\n') };
    const report = compareBindings(seen([wild]));
    expect(bindingsTable(report, { caseSensitive: true })).to.deep.equal([
      'no binding is known',
      'there: a?[2J? (Any)',
    ]);
  });
});
