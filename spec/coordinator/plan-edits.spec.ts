import { expect } from 'chai';
import { outportsHash } from '../../src/coordinator/departing.js';
import { plan } from '../../src/coordinator/plan.js';
import type { Move } from '../../src/coordinator/state.js';
import { asPortName, asQueueName, asRole } from '../../src/names.js';
import { inShort } from './in-short.js';
import { aRole, type NetworkFixture, network } from './network-fixture.js';

/** Steps of one kind, in short. */
function steps({ desired, observed, records }: NetworkFixture, ...kinds: readonly string[]): readonly string[] {
  return plan(desired, observed, records)
    .filter((step) => kinds.includes(step.do))
    .map(inShort);
}

const a = aRole('a').hasOnly('out');
const b = aRole('b').hasOnly('in');
const c = aRole('c').hasOnly('in');
const toB = 'pubsub a.OUT -> b.IN';
const recorded = { 'a.out -> b.in': toB };

/** What `a` was told while its outport was in this state. */
const told = (state: string): ReadonlyMap<string, string> => new Map([[`was ${state}`, outportsHash({ out: state })]]);

describe('plan of an edit', () => {
  describe('an edge is taken away', () => {
    const before = { participants: [a.wiredAs('was ready'), b], recorded, bound: [toB] };

    it('tells its source first, and leaves the binding until the source has heard', () => {
      const given = network(before).withTold(told('ready'));
      expect(steps(given, 'wire', 'unbind')).to.deep.equal(['wire a {"out":"unconnected"}', 'wire b {}']);
    });

    it('unbinds when the source has heard', () => {
      const given = network({ ...before, participants: [a.wiredAs('was unconnected'), b] });
      const heard = given.withTold(new Map([...told('ready'), ...told('unconnected')]));
      expect(steps(heard, 'unbind')).to.deep.equal([`unbind ${toB}`]);
    });

    it('waits for all instances of the source, but not for one that is lost', () => {
      const heard = a.wiredAs('was unconnected');
      const deaf = a.instance(2).wiredAs('was ready');
      const hashes = new Map([...told('ready'), ...told('unconnected')]);
      const given = (second: typeof a) => network({ ...before, participants: [heard, second, b] }).withTold(hashes);
      expect(steps(given(deaf), 'unbind')).to.deep.equal([]);
      expect(steps(given(deaf.lost()), 'unbind')).to.deep.equal([`unbind ${toB}`]);
    });

    it('goes on without a source that has not answered for long', () => {
      const given = network(before).withTold(
        new Map([...told('ready'), ['now', outportsHash({ out: 'unconnected' })]]),
      );
      const published = (atMs: number) => given.publishedAs(asRole('a'), { hash: 'now', atMs });
      expect(steps(published(5000), 'unbind')).to.deep.equal([]);
      expect(steps(published(-4001), 'unbind')).to.deep.equal([`unbind ${toB}`]);
    });

    it('does not wait for one that knows no wiring, or whom another coordinator told', () => {
      expect(steps(network({ ...before, participants: [a.old(), b] }), 'unbind')).to.deep.equal([`unbind ${toB}`]);
      expect(steps(network({ ...before }), 'unbind')).to.deep.equal([`unbind ${toB}`]);
    });
  });

  describe('an edge is led elsewhere', () => {
    const moved = { edges: ['a.out -> c.in'], recorded, bound: [toB], launches: ['c'] };

    it('keeps the old way while the new target is on its way', () => {
      const given = network({ ...moved, participants: [a.old(), b], processes: { c: 'starting' } });
      expect(steps(given, 'bind', 'unbind')).to.deep.equal([]);
    });

    it('keeps the old way in the pass that makes the new one', () => {
      const given = network({ ...moved, participants: [a.old(), b, c], processes: { c: 'running' } });
      expect(steps(given, 'bind', 'unbind')).to.deep.equal(['bind pubsub a.OUT -> c.IN']);
    });

    it('takes the old way away when the new one is there', () => {
      const bound = [toB, 'pubsub a.OUT -> c.IN'];
      const given = network({ ...moved, bound, participants: [a.old(), b, c], processes: { c: 'running' } });
      expect(steps(given, 'bind', 'unbind')).to.deep.equal([`unbind ${toB}`]);
    });

    it('does not keep it for a target that will not come', () => {
      const given = network({ ...moved, launches: [], participants: [a.old(), b] });
      expect(steps(given, 'unbind')).to.deep.equal([`unbind ${toB}`]);
    });

    it('where the broker cannot bind: the old target listens until the new one does', () => {
      const listening = b.listensTo('a.OUT');
      const given = (target: typeof c) =>
        network({
          ...moved,
          recorded: {},
          binds: false,
          processes: { c: 'running' },
          participants: [a.old(), listening, target],
        });
      expect(steps(given(c), 'wire')).to.have.members(['wire b {"in":["a.OUT"]}', 'wire c {"in":["a.OUT"]}']);
      expect(steps(given(c.listensTo('a.OUT')), 'wire')).to.have.members(['wire b {}', 'wire c {"in":["a.OUT"]}']);
    });
  });

  describe('taps', () => {
    const edges = ['a.out -> b.in'];
    const participants = [a, b];

    it('come for the outports that somebody looks at, and go when nobody does', () => {
      const outport = { role: asRole('a'), port: asPortName('out') };
      expect(steps(network({ edges, participants, taps: { outports: [outport] } }), 'tap')).to.deep.equal([
        'tap a.OUT',
      ]);
      expect(steps(network({ edges, participants, taps: { outports: 'all' } }), 'tap')).to.deep.equal(['tap a.OUT']);
      expect(steps(network({ edges, participants, tapped: ['a.OUT'] }), 'tap', 'untap')).to.deep.equal(['untap a.OUT']);
    });

    it('are made before a source is told to begin', () => {
      const given = network({ edges, participants, bound: [toB], taps: { outports: 'all' } });
      const kinds = plan(given.desired, given.observed, given.records).map((step) => step.do);
      expect(kinds.indexOf('tap')).to.be.within(0, kinds.indexOf('wire') - 1);
    });

    it('show dead letters of all roles of the graph', () => {
      expect(steps(network({ edges, participants, taps: { deadLetters: true } }), 'tap')).to.deep.equal([
        'tap dead-b.IN',
      ]);
    });

    it('show what leaves by the dead letters of an inport', () => {
      const given = { edges: ['b.DEAD_IN -> c.in'], participants: [b, c] };
      const from = { role: asRole('b'), port: asPortName('dead_in') };
      expect(steps(network({ ...given, taps: { outports: [from] } }), 'tap')).to.deep.equal(['tap dead-b.IN']);
      expect(steps(network({ ...given, taps: { outports: 'all' } }), 'tap')).to.deep.equal(['tap dead-b.IN']);
      const exported = network({ participants: [b], exported: ['b.dead_in'], taps: { exported: true } });
      expect(steps(exported, 'tap', 'wire')).to.deep.equal(['tap dead-b.IN', 'wire b {}']);
    });

    it('show exported outports, which send although no edge takes what they send', () => {
      const given = network({ participants: [a], exported: ['a.out'], taps: { exported: true } });
      expect(steps(given, 'tap', 'wire')).to.deep.equal(['tap a.OUT', 'wire a {"out":"exported"}']);
    });
  });

  describe('a role is renamed', () => {
    const move: Move = {
      from: asRole('old'),
      to: asRole('b'),
      queues: { [asPortName('in')]: asQueueName('old.IN') },
      sources: {},
      slots: ['old.1'],
    };
    const given = { moves: [move], edges: ['a.out -> b.in'], participants: [a, b], bound: [toB] };

    it('moves what waits when all that leads to the new name is made', () => {
      expect(steps(network(given), 'move')).to.deep.equal(['move old.IN -> b.IN, slots old.1']);
      expect(steps(network({ ...given, bound: [] }), 'move')).to.deep.equal([]);
    });

    it('waits until the processes of the old name have ended', () => {
      expect(steps(network({ ...given, processes: { old: 'stopping' } }), 'move')).to.deep.equal([]);
      const stillThere = aRole('old').hasOnly('in');
      expect(steps(network({ ...given, participants: [a, b, stillThere] }), 'move')).to.deep.equal([]);
    });

    it('waits until nothing comes to the old name any more', () => {
      const still = { 'a.out -> old.in': 'pubsub a.OUT -> old.IN' };
      expect(steps(network({ ...given, recorded: still }), 'move')).to.deep.equal([]);
    });

    it('waits for the new name', () => {
      expect(steps(network({ ...given, participants: [a] }), 'move')).to.deep.equal([]);
    });

    it('has it hold what it makes until it is known what the latest of its names leads to', () => {
      for (const to of ['c', 'old']) {
        const given = {
          moves: [{ ...move, to: asRole(to) }],
          edges: ['a.out -> b.in'],
          participants: [a, aRole('old')],
          roles: ['a', 'b'],
          wiredRoles: ['old'],
        };
        expect(steps(network(given), 'wire')).to.include('wire old {"out":"waiting"}');
      }
    });

    it('has the old name hold what it makes of the messages in its hand, where the new one is connected', () => {
      const after = aRole('c').hasOnly('in');
      const roles = ['a', 'b', 'c'];
      const participants = [a, b, aRole('old'), after];
      const edges = ['a.out -> b.in', 'b.out -> c.in'];
      const wired = steps(network({ ...given, edges, roles, participants, wiredRoles: ['old'] }), 'wire');
      expect(wired).to.include('wire old {"out":"waiting"}');
      const loose = steps(network({ ...given, roles, participants, wiredRoles: ['old'] }), 'wire');
      expect(loose).to.include('wire old {"out":"unconnected"}');
    });
  });

  it('starts again what runs an older program', () => {
    const given = { launches: ['a'], processes: { a: 'running' as const }, outdated: ['a'] };
    expect(steps(network(given), 'start', 'restart')).to.deep.equal(['restart a']);
  });

  it('clears the wiring of a role that left the graph when nobody of it is there', () => {
    expect(steps(network({ wiredRoles: ['z'], roles: [] }), 'unwire')).to.deep.equal(['unwire z']);
    expect(steps(network({ wiredRoles: ['z'], roles: ['z'] }), 'unwire')).to.deep.equal([]);
    expect(steps(network({ wiredRoles: ['z'], roles: [], participants: [aRole('z').lost()] }), 'unwire')).to.deep.equal(
      [],
    );
  });
});
