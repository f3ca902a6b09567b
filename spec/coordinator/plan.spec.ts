import { expect } from 'chai';
import { plan } from '../../src/coordinator/plan.js';
import { inShort } from './in-short.js';
import { aRole, network } from './network-fixture.js';

interface Row {
  readonly when: string;
  readonly given: ReturnType<typeof network>;
  readonly expected: readonly string[];
}

const edge = 'a.out -> b.in';
const bound = ['pubsub a.OUT -> b.IN'];

const rows: readonly Row[] = [
  { when: 'nothing is wanted and nothing is there', given: network(), expected: [] },
  { when: 'a role to start has no process', given: network({ launches: ['a'] }), expected: ['start a'] },
  {
    when: 'its process runs as wanted',
    given: network({ launches: ['a'], processes: { a: 'running' } }),
    expected: [],
  },
  {
    when: 'its process runs with another command',
    given: network({ launches: ['a'], processes: { a: 'running' }, startedOtherwise: ['a'] }),
    expected: ['start a'],
  },
  {
    when: 'its process failed for good: the supervisor has given up, and so does the plan',
    given: network({ launches: ['a'], processes: { a: 'failed' } }),
    expected: [],
  },
  {
    when: 'a process belongs to no wanted role',
    given: network({ processes: { z: 'running' } }),
    expected: ['stop z'],
  },
  {
    when: 'a process that nobody wants is stopping already',
    given: network({ processes: { z: 'stopping' } }),
    expected: [],
  },
  {
    when: 'the network is stopped',
    given: network({ launches: ['a'], processes: { a: 'running' }, isStarted: false }),
    expected: ['stop a'],
  },
  {
    when: 'both ends of an edge are old participants',
    given: network({ edges: [edge], participants: [aRole('a').old(), aRole('b').old()] }),
    expected: ['bind pubsub a.OUT -> b.IN'],
  },
  {
    when: 'the edge is bound',
    given: network({ edges: [edge], participants: [aRole('a').old(), aRole('b').old()], bound }),
    expected: [],
  },
  {
    when: 'one end announced itself anew',
    given: network({ edges: [edge], participants: [aRole('a').old(), aRole('b').old()], bound, suspect: bound }),
    expected: ['bind pubsub a.OUT -> b.IN'],
  },
  {
    when: 'the dead letters of an inport are led on, and its other outports are told of none of it',
    given: network({ edges: ['b.DEAD_IN -> c.in'], participants: [aRole('b'), aRole('c')] }),
    expected: ['bind pubsub dead-b.IN -> c.IN', 'wire b {"out":"unconnected"}', 'wire c {"out":"unconnected"}'],
  },
  {
    when: 'dead letters are led on where the broker cannot bind',
    given: network({ binds: false, edges: ['b.dead_in -> c.in'], participants: [aRole('b'), aRole('c')] }),
    expected: ['wire b {"out":"unconnected"}', 'wire c {"in":["dead-b.IN"],"out":"unconnected"}'],
  },
  {
    when: 'dead letters are shared among those behind',
    given: network({ edges: ['b.dead_in => c.in'], participants: [aRole('b').old(), aRole('c').old()] }),
    expected: ['bind roundrobin dead-b.IN -> c.IN'],
  },
  {
    when: 'dead letters are led on no more',
    given: network({
      participants: [aRole('b').old(), aRole('c').old()],
      recorded: { 'b.dead_in -> c.in': 'pubsub dead-b.IN -> c.IN' },
      bound: ['pubsub dead-b.IN -> c.IN'],
    }),
    expected: ['unbind pubsub dead-b.IN -> c.IN'],
  },
  {
    when: 'the participant has an outport of its own that is called as if it were for dead letters',
    given: network({
      edges: ['b.dead_in -> c.in'],
      participants: [aRole('b').old().alsoOut('dead_in', 'b.OWN'), aRole('c').old()],
    }),
    expected: ['bind pubsub b.OWN -> c.IN'],
  },
  {
    when: 'what takes the dead letters is on its way: the source waits, so that it misses none',
    given: network({
      edges: ['b.dead_in -> z.in', 'a.out -> b.in'],
      iips: { 'b.in': [1] },
      launches: ['z'],
      processes: { z: 'starting' },
      participants: [aRole('a'), aRole('b').old()],
      bound: ['pubsub a.OUT -> b.IN'],
    }),
    expected: ['wire a {"out":"waiting"}', 'iip 1 to b.IN for b-1'],
  },
  {
    when: 'nobody starts what is to take the dead letters: they are kept, and nobody waits',
    given: network({
      edges: ['b.dead_in -> z.in', 'a.out -> b.in'],
      isSettling: true,
      participants: [aRole('a'), aRole('b')],
      bound: ['pubsub a.OUT -> b.IN'],
    }),
    expected: ['wire b {"out":"unconnected"}', 'wire a {"out":"ready"}'],
  },
  {
    when: 'the source is missing',
    given: network({ edges: [edge], participants: [aRole('b').old()] }),
    expected: [],
  },
  {
    when: 'the target has no such port',
    given: network({ edges: ['a.out -> b.nosuch'], participants: [aRole('a').old(), aRole('b').old()] }),
    expected: [],
  },
  {
    when: 'the graph writes a port in another case than the participant',
    given: network({ edges: ['a.OUT -> b.In'], participants: [aRole('a').old(), aRole('b').old()] }),
    expected: ['bind pubsub a.OUT -> b.IN'],
  },
  {
    when: 'the case of ports counts',
    given: network({
      edges: ['a.OUT -> b.In'],
      participants: [aRole('a').old(), aRole('b').old()],
      caseSensitive: true,
    }),
    expected: [],
  },
  {
    when: 'the target is lost: it stays bound, its queue holds what comes',
    given: network({ edges: [edge], participants: [aRole('a').old(), aRole('b').old().lost()], bound }),
    expected: [],
  },
  {
    when: 'source and target share one queue',
    given: network({ edges: [edge], participants: [aRole('a').old().out('x'), aRole('b').old().in('x')] }),
    expected: [],
  },
  {
    when: 'an edge is round robin, with dead letters wired',
    given: network({
      edges: ['a.out => b.in', 'dead b.in -> c.in'],
      participants: [aRole('a').old(), aRole('b').old(), aRole('c').old()],
    }),
    expected: ['bind roundrobin a.OUT -> b.IN', 'bind pubsub dead-b.IN -> c.IN'],
  },
  {
    when: 'an edge left the graph',
    given: network({ participants: [aRole('a').old(), aRole('b').old()], bound, recorded: { [edge]: bound[0] ?? '' } }),
    expected: ['unbind pubsub a.OUT -> b.IN'],
  },
  {
    when: 'a binding was made by somebody else',
    given: network({ participants: [aRole('a').old(), aRole('b').old()], bound }),
    expected: [],
  },
  {
    when: 'the queue of a port changed: the new binding first, the old one stays',
    given: network({
      edges: [edge],
      participants: [aRole('a').old(), aRole('b').old().in('new')],
      recorded: { [edge]: bound[0] ?? '' },
      bound,
    }),
    expected: ['bind pubsub a.OUT -> new'],
  },
  {
    when: 'the queue of a port changed and the new binding is there',
    given: network({
      edges: [edge],
      participants: [aRole('a').old(), aRole('b').old().in('new')],
      recorded: { [edge]: bound[0] ?? '' },
      bound: [...bound, 'pubsub a.OUT -> new'],
    }),
    expected: ['unbind pubsub a.OUT -> b.IN'],
  },
  {
    when: 'the ends of a recorded edge are not known yet, after a restart of the coordinator',
    given: network({ edges: [edge], recorded: { [edge]: bound[0] ?? '' } }),
    expected: [],
  },
  {
    when: 'both ends are ours and not bound yet: the source is told to wait',
    given: network({ edges: [edge], participants: [aRole('a'), aRole('b')] }),
    expected: ['bind pubsub a.OUT -> b.IN', 'wire a {"out":"waiting"}', 'wire b {"out":"unconnected"}'],
  },
  {
    when: 'both ends are ours and bound',
    given: network({ edges: [edge], participants: [aRole('a'), aRole('b')], bound }),
    expected: ['wire a {"out":"ready"}', 'wire b {"out":"unconnected"}'],
  },
  {
    when: 'they have carried it out',
    given: network({ edges: [edge], participants: [aRole('a'), aRole('b')], bound }).wired(),
    expected: [],
  },
  {
    when: 'a second instance of a role has not',
    given: network({ edges: [edge], participants: [aRole('a'), aRole('b')], bound })
      .wired()
      .joined(aRole('b').instance(2)),
    expected: ['wire b {"out":"unconnected"}'],
  },
  {
    when: 'it was told, and has not answered yet',
    given: network({ edges: [edge], participants: [aRole('a'), aRole('b')], bound }).published(),
    expected: [],
  },
  {
    when: 'it was told, and announced itself since without having heard',
    given: network({ edges: [edge], participants: [aRole('a'), aRole('b')], bound })
      .published()
      .heardSince('b-1'),
    expected: ['wire b {"out":"unconnected"}'],
  },
  {
    when: 'one of two targets is on its way: the source waits for both',
    given: network({
      edges: [edge, 'a.out -> c.in'],
      participants: [aRole('a').hasOnly('out'), aRole('b').hasOnly('in')],
      bound,
      launches: ['c'],
      processes: { c: 'starting' },
    }).wired('b'),
    expected: ['wire a {"out":"waiting"}'],
  },
  {
    when: 'one of two targets failed to start: the other is served',
    given: network({
      edges: [edge, 'a.out -> c.in'],
      participants: [aRole('a').hasOnly('out'), aRole('b').hasOnly('in')],
      bound,
      launches: ['c'],
      processes: { c: 'failed' },
    }).wired('b'),
    expected: ['wire a {"out":"ready"}'],
  },
  {
    when: 'one of two targets runs for long and says nothing: the other is served',
    given: network({
      edges: [edge, 'a.out -> c.in'],
      participants: [aRole('a').hasOnly('out'), aRole('b').hasOnly('in')],
      bound,
      launches: ['c'],
      processes: { c: 'running' },
      overdue: ['c'],
    }).wired('b'),
    expected: ['wire a {"out":"ready"}'],
  },
  {
    when: 'the only target is nowhere: nothing is thrown away',
    given: network({ edges: [edge], participants: [aRole('a').hasOnly('out')] }),
    expected: ['wire a {"out":"waiting"}'],
  },
  {
    when: 'a target holds nothing back, and its own target is on its way: the source waits',
    given: network({
      edges: [edge, 'b.out -> c.in', 'c.out -> d.in'],
      participants: [aRole('a').hasOnly('out'), aRole('b').old(), aRole('c').old()],
      bound: [...bound, 'pubsub b.OUT -> c.IN'],
      launches: ['d'],
      processes: { d: 'starting' },
    }),
    expected: ['wire a {"out":"waiting"}'],
  },
  {
    when: 'a target holds nothing back, and nobody here starts its own target: it is served',
    given: network({
      edges: [edge, 'b.out -> c.in'],
      participants: [aRole('a').hasOnly('out'), aRole('b').old()],
      bound,
    }),
    expected: ['wire a {"out":"ready"}'],
  },
  {
    when: 'a target holds nothing back, and its own target may come, since the network is just being started',
    given: network({
      isSettling: true,
      edges: [edge, 'b.out -> c.in'],
      participants: [aRole('a').hasOnly('out'), aRole('b').old()],
      bound,
    }),
    expected: ['wire a {"out":"waiting"}'],
  },
  {
    when: 'a target is ours, and its own target is on its way: it holds back by itself',
    given: network({
      edges: [edge, 'b.out -> c.in'],
      participants: [aRole('a').hasOnly('out'), aRole('b')],
      bound,
      launches: ['c'],
      processes: { c: 'starting' },
    }).wired('b'),
    expected: ['wire a {"out":"ready"}'],
  },
  {
    when: 'IIPs are for a role of ours, falsy ones among them',
    given: network({ iips: { 'b.in': [0, false, '', null] }, participants: [aRole('b').hasOnly('in')] }),
    expected: ['wire b {"iips":[0,false,"",null]}'],
  },
  {
    when: 'IIPs are for an old participant',
    given: network({ iips: { 'b.in': [0, 0] }, participants: [aRole('b').old()] }),
    expected: ['iip 0 to b.IN for b-1', 'iip 0 to b.IN for b-1'],
  },
  {
    when: 'IIPs are for an old participant whose only target is nowhere: it would send into the void',
    given: network({ edges: [edge], iips: { 'a.in': [0] }, participants: [aRole('a').old()] }),
    expected: [],
  },
  {
    when: 'IIPs are for an old participant that is bound to one of its targets, and nobody here starts the other',
    given: network({
      edges: [edge, 'a.out -> c.in'],
      iips: { 'a.in': [0] },
      participants: [aRole('a').old(), aRole('b').old()],
      bound,
    }),
    expected: ['iip 0 to a.IN for a-1'],
  },
  {
    when: 'IIPs are for an old participant that is bound to one of its targets, and the other is on its way',
    given: network({
      edges: [edge, 'a.out -> c.in'],
      iips: { 'a.in': [0] },
      participants: [aRole('a').old(), aRole('b').old()],
      bound,
      launches: ['c'],
      processes: { c: 'starting' },
    }),
    expected: [],
  },
  {
    when: 'the old participant has had them',
    given: network({ iips: { 'b.in': [0] }, participants: [aRole('b').old()] }).iipsSent(),
    expected: [],
  },
  {
    when: 'another instance of it comes',
    given: network({ iips: { 'b.in': [0] }, participants: [aRole('b').old()] })
      .iipsSent()
      .joined(aRole('b').old().instance(2)),
    expected: ['iip 0 to b.IN for b-2'],
  },
  {
    when: 'the old participant was given them on its command line',
    given: network({ iips: { 'b.in': [0] }, participants: [aRole('b').old()], launches: ['b'], takesIips: ['b'] }),
    expected: ['start b'],
  },
  {
    when: 'the broker cannot bind and the target is ours: it is told its source, and the source waits',
    given: network({
      binds: false,
      edges: [edge],
      participants: [aRole('a').hasOnly('out'), aRole('b').hasOnly('in')],
    }),
    expected: ['wire a {"out":"waiting"}', 'wire b {"in":["a.OUT"]}'],
  },
  {
    when: 'the broker cannot bind and the target listens',
    given: network({
      binds: false,
      edges: [edge],
      participants: [aRole('a').hasOnly('out'), aRole('b').hasOnly('in').listensTo('a.OUT')],
    }),
    expected: ['wire a {"out":"ready"}', 'wire b {"in":["a.OUT"]}'],
  },
  {
    when: 'the broker drops what slow readers leave: the source is told which targets of ours it has, and no others',
    given: network({
      binds: false,
      credits: true,
      edges: ['a.OUT -> b.in', 'a.out -> c.in', 'a.out -> d.in'],
      participants: [
        aRole('a').hasOnly('out'),
        aRole('c').hasOnly('in').listensTo('a.OUT'),
        aRole('b').hasOnly('in').listensTo('a.OUT'),
        aRole('d').old(),
      ],
      bound: ['pubsub a.OUT -> d.IN'],
    })
      .wired('b')
      .wired('c'),
    expected: ['wire a {"out":"ready","targets":{"out":["b.IN","c.IN"]}}'],
  },
  {
    when: 'the broker drops what slow readers leave, and the only target does not listen yet',
    given: network({
      binds: false,
      credits: true,
      edges: [edge],
      participants: [aRole('a').hasOnly('out'), aRole('b').hasOnly('in')],
    }),
    expected: ['wire a {"out":"waiting"}', 'wire b {"in":["a.OUT"]}'],
  },
  {
    when: 'the broker cannot bind and the target is an old participant: a route',
    given: network({ binds: false, edges: [edge], participants: [aRole('a').old(), aRole('b').old()] }),
    expected: ['bind pubsub a.OUT -> b.IN'],
  },
  {
    when: 'the route needs a router and there is none',
    given: network({ binds: false, router: true, edges: [edge], participants: [aRole('a').old(), aRole('b').old()] }),
    expected: ['start router', 'bind pubsub a.OUT -> b.IN'],
  },
  {
    when: 'the router runs, is not needed any more, and the network is stopped: it is kept',
    given: network({ binds: false, router: true, processes: { router: 'running' }, isStarted: false }),
    expected: [],
  },
  {
    when: 'the broker cannot bind, and a role has several instances: one that dies may leave its slot to the router',
    given: network({
      binds: false,
      router: true,
      participants: [aRole('a').hasOnly('in'), aRole('a').hasOnly('in').instance(2)],
    }).wired(),
    expected: ['start router'],
  },
  {
    when: 'nothing needs a router',
    given: network({ binds: false, router: true, edges: [edge], participants: [aRole('a').old()] }),
    expected: [],
  },
  {
    when: 'the broker cannot bind and the target changed from an old participant to one of ours that listens',
    given: network({
      binds: false,
      edges: [edge],
      participants: [aRole('a').old(), aRole('b').hasOnly('in').listensTo('a.OUT')],
      recorded: { [edge]: bound[0] ?? '' },
      bound,
    }).wired('b'),
    expected: ['unbind pubsub a.OUT -> b.IN'],
  },
  {
    when: 'a role that was wired left the graph',
    given: network({ participants: [aRole('b').hasOnly('in').wiredAs('before')], wiredRoles: ['b'], roles: [] }),
    expected: ['wire b {}'],
  },
];

describe('plan', () => {
  for (const { when, given, expected: steps } of rows) {
    it(when, () => expect(plan(given.desired, given.observed, given.records).map(inShort)).to.deep.equal(steps));
  }

  it('grows linearly with the number of edges', () => {
    const timeOf = (count: number): number => {
      const edges = Array.from({ length: count }, (_, n) => `s${n}.out -> t${n}.in`);
      const participants = edges.flatMap((_, n) => [aRole(`s${n}`), aRole(`t${n}`)]);
      const { desired, observed, records } = network({ edges, participants });
      const begin = performance.now();
      expect(plan(desired, observed, records)).to.have.length(3 * count);
      return performance.now() - begin;
    };
    timeOf(500);
    const small = Math.min(timeOf(500), timeOf(500), timeOf(500));
    const large = Math.min(timeOf(5000), timeOf(5000), timeOf(5000));
    expect(large / small).to.be.below(40);
  });
});
