import { plan } from '../../src/coordinator/plan.js';
import {
  bindingKey,
  type Desired,
  type Move,
  NO_TAPS,
  type Observed,
  type PublishedWiring,
  type Records,
  type TapWish,
  type WantedEdge,
} from '../../src/coordinator/state.js';
import type { Definition, KnownParticipant } from '../../src/discovery/index.js';
import { asParticipantId, asPortName, asQueueName, asRole, type PortRef, type Role } from '../../src/names.js';
import type { ProcessSpec, ProcessState } from '../../src/process/index.js';
import { groupBy } from '../../src/support/index.js';
import type { Binding } from '../../src/transport/index.js';

/** A participant with an inport `in` (queue `<role>.IN`) and an outport `out`, of ours unless `old()`. */
export class RoleFixture implements KnownParticipant {
  readonly definition: Definition;
  readonly status: KnownParticipant['status'];

  constructor(definition: Definition, status: KnownParticipant['status'] = 'live') {
    this.definition = definition;
    this.status = status;
  }

  old(): RoleFixture {
    const { wiring, ...definition } = this.definition;
    return new RoleFixture(definition, this.status);
  }
  instance(n: number): RoleFixture {
    return this.#with({ id: asParticipantId(`${this.definition.role}-${n}`) });
  }
  hasOnly(port: 'in' | 'out'): RoleFixture {
    return this.#with(port === 'in' ? { outports: [] } : { inports: [] });
  }
  in(queue: string): RoleFixture {
    return this.#with({ inports: [{ id: asPortName('in'), queue: asQueueName(queue) }] });
  }
  out(queue: string): RoleFixture {
    return this.#with({ outports: [{ id: asPortName('out'), queue: asQueueName(queue) }] });
  }
  alsoOut(port: string, queue: string): RoleFixture {
    const more = { id: asPortName(port), queue: asQueueName(queue) };
    return this.#with({ outports: [...this.definition.outports, more] });
  }
  listensTo(source: string): RoleFixture {
    return this.#with({
      inports: this.definition.inports.map((port) => ({ ...port, sources: [asQueueName(source)] })),
    });
  }
  wiredAs(wired: string): RoleFixture {
    return this.#with({ wired });
  }
  lost(): RoleFixture {
    return new RoleFixture(this.definition, 'lost');
  }

  #with(change: Partial<Definition>): RoleFixture {
    return new RoleFixture({ ...this.definition, ...change }, this.status);
  }
}

export function aRole(name: string): RoleFixture {
  return new RoleFixture({
    id: asParticipantId(`${name}-1`),
    role: asRole(name),
    component: 'Any',
    inports: [{ id: asPortName('in'), queue: asQueueName(`${name}.IN`) }],
    outports: [{ id: asPortName('out'), queue: asQueueName(`${name}.OUT`) }],
    wiring: 1,
  });
}

interface Given {
  readonly binds?: boolean;
  readonly credits?: boolean;
  readonly caseSensitive?: boolean;
  readonly isStarted?: boolean;
  readonly router?: boolean;
  readonly isSettling?: boolean;
  /** `a.out -> b.in`, `a.out => b.in` (round robin), `dead b.in -> c.in` */
  readonly edges?: readonly string[];
  readonly iips?: Readonly<Record<string, readonly unknown[]>>;
  /** Roles named by the graph; without: those of edges, IIPs and participants. */
  readonly roles?: readonly string[];
  readonly launches?: readonly string[];
  readonly takesIips?: readonly string[];
  readonly participants?: readonly RoleFixture[];
  readonly processes?: Readonly<Record<string, ProcessState['status']>>;
  readonly startedOtherwise?: readonly string[];
  /** `pubsub a.OUT -> b.IN` */
  readonly bound?: readonly string[];
  readonly suspect?: readonly string[];
  /** Edge to binding. */
  readonly recorded?: Readonly<Record<string, string>>;
  readonly wiredRoles?: readonly string[];
  /** Exported outports: `a.out`. */
  readonly exported?: readonly string[];
  readonly taps?: Partial<TapWish>;
  readonly tapped?: readonly string[];
  readonly outdated?: readonly string[];
  readonly overdue?: readonly string[];
  readonly moves?: readonly Move[];
}

/** Desired, observed and records from a few words, and what happened afterwards as methods. */
export class NetworkFixture {
  readonly desired: Desired;
  readonly observed: Observed;
  readonly records: Records;

  constructor(desired: Desired, observed: Observed, records: Records) {
    this.desired = desired;
    this.observed = observed;
    this.records = records;
  }

  /** All wanted wirings (or only that of `role`) have been carried out. */
  wired(role?: string): NetworkFixture {
    const hashes = new Map(this.#wirings().map(({ role: of, hash }) => [of, hash]));
    const participants = [...this.observed.participants.values()].flat().map((known) => {
      const hash = hashes.get(known.definition.role);
      if (hash === undefined || (role !== undefined && known.definition.role !== role)) return known;
      return { ...known, definition: { ...known.definition, wired: hash } };
    });
    return this.#with({ participants: byRole(participants) });
  }

  /** They have been told, and nobody has spoken since. */
  published(): NetworkFixture {
    return this.#with({ published: new Map(this.#wirings().map(({ role, hash }) => [role, { hash, atMs: 100 }])) });
  }

  withTold(toldOutports: ReadonlyMap<string, string>): NetworkFixture {
    return this.#with({ toldOutports });
  }

  publishedAs(role: Role, wiring: PublishedWiring): NetworkFixture {
    return this.#with({ published: new Map([[role, wiring]]) });
  }

  heardSince(id: string): NetworkFixture {
    return this.#with({ heardAtMs: new Map([[asParticipantId(id), 200]]) });
  }

  joined(participant: RoleFixture): NetworkFixture {
    return this.#with({ participants: byRole([...[...this.observed.participants.values()].flat(), participant]) });
  }

  iipsSent(): NetworkFixture {
    const sent = plan(this.desired, this.observed, this.records).flatMap((step) =>
      step.do === 'send-iip' ? [step.iip] : [],
    );
    const sentIips = new Map(
      [...groupBy(sent, (iip) => iip.participant)].map(([id, all]) => [id, new Set(all.map((i) => i.key))]),
    );
    return new NetworkFixture(this.desired, this.observed, { ...this.records, sentIips });
  }

  #wirings() {
    return plan(this.desired, this.observed, this.records).flatMap((step) => (step.do === 'wire' ? [step.wiring] : []));
  }

  #with(change: Partial<Observed>): NetworkFixture {
    return new NetworkFixture(this.desired, { ...this.observed, ...change }, this.records);
  }
}

export function network(given: Given = {}): NetworkFixture {
  const edges = (given.edges ?? []).map(edgeOf);
  const iips = Object.entries(given.iips ?? {}).flatMap(([port, all]) =>
    all.map((data) => ({ data, to: portOf(port) })),
  );
  const participants = given.participants ?? [];
  const named = [
    ...edges.flatMap(({ from, to }) => [from.role, to.role]),
    ...iips.map(({ to }) => to.role),
    ...participants.map(({ definition }) => definition.role),
  ];
  const launches = new Map(
    (given.launches ?? []).map((role) => {
      return [asRole(role), { specs: [specOf(role)], takesIips: given.takesIips?.includes(role) ?? false }];
    }),
  );
  const started = Object.keys(given.processes ?? {}).map((key): [string, ProcessSpec] => {
    const spec = specOf(key);
    return [key, given.startedOtherwise?.includes(key) ? { ...spec, argv: ['other'] } : spec];
  });
  return new NetworkFixture(
    {
      graph: 'main',
      caseSensitive: given.caseSensitive ?? false,
      roles: new Set((given.roles ?? named).map(asRole)),
      edges,
      iips,
      launches,
      exportedOutports: (given.exported ?? []).map(portOf),
      taps: { ...NO_TAPS, ...given.taps },
      started: given.isStarted ?? true,
      ...(given.router ? { router: specOf('router') } : {}),
    },
    {
      binds: given.binds ?? true,
      credits: given.credits ?? false,
      participants: byRole(participants),
      heardAtMs: new Map(),
      processes: new Map(Object.entries(given.processes ?? {}).map(([key, status]) => [key, processOf(key, status)])),
      overdue: new Set(given.overdue),
      started: new Map(started),
      bound: new Set((given.bound ?? []).map(keyOf)),
      suspect: new Set((given.suspect ?? []).map(keyOf)),
      failing: new Set(),
      published: new Map(),
      toldOutports: new Map(),
      tapped: new Set((given.tapped ?? []).map(asQueueName)),
      moving: new Set(),
      outdated: new Set(given.outdated),
      nowMs: 1000,
      isSettling: given.isSettling ?? false,
    },
    {
      bindings: new Map(
        Object.entries(given.recorded ?? {}).map(([edge, binding]) => [
          keyOf(binding),
          { binding: bindingOf(binding), edge },
        ]),
      ),
      sentIips: new Map(),
      wiredRoles: new Set((given.wiredRoles ?? []).map(asRole)),
      moves: given.moves ?? [],
    },
  );
}

function byRole(participants: readonly KnownParticipant[]) {
  return groupBy(participants, ({ definition }) => definition.role);
}

function edgeOf(text: string): WantedEdge {
  const match = /^(dead )?(\S+) (->|=>) (\S+)$/.exec(text);
  if (!match) throw new Error(`not an edge: ${text}`);
  const [, dead, from = '', arrow, to = ''] = match;
  const kind = dead ? 'deadletter' : arrow === '=>' ? 'roundrobin' : 'pubsub';
  return { key: text, kind, from: portOf(from), to: portOf(to) };
}

function portOf(text: string): PortRef {
  const [role = '', port = ''] = text.split('.');
  return { role: asRole(role), port: asPortName(port) };
}

function bindingOf(text: string): Binding {
  const [kind, source = '', , target = ''] = text.split(' ');
  return {
    kind: kind === 'roundrobin' ? 'roundrobin' : 'pubsub',
    source: asQueueName(source),
    target: asQueueName(target),
  };
}

function keyOf(text: string): string {
  return bindingKey(bindingOf(text));
}

function specOf(key: string): ProcessSpec {
  return { key, role: asRole(key), argv: ['true'] };
}

function processOf(key: string, status: ProcessState['status']): ProcessState {
  return { key, role: asRole(key), status, restarts: 0 };
}
