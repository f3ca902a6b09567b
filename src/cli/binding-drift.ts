import { bindingKey, deadLettersBehind, portNamed } from '../coordinator/index.js';
import type { KnownParticipant, ParticipantTable, PortDefinition } from '../discovery/index.js';
import { type Graph, participantNodes, resolveEdges } from '../graph/index.js';
import type { PortName, PortRef, QueueName, Role } from '../names.js';
import { type Binding, type BindingKind, deadLetterQueue } from '../transport/index.js';
import type { BindingRow, BindingsReport, RoleSeen, Seen, UnconnectedPort, Via } from './bindings-report.js';

/** Compares what is bound with what a graph wants. Pure. O(bindings + edges + ports). @throws {GraphCycleError} */
export function compareBindings(seen: Seen, graph?: Graph): BindingsReport {
  return new Comparison(seen, graph).report();
}

interface Carried extends Binding {
  readonly via: Via;
}

interface Wanted {
  readonly kind: BindingRow['kind'];
  /** How it is to be bound. */
  readonly by: BindingKind;
  readonly from: PortRef;
  readonly to: PortRef;
}

class Comparison {
  readonly #seen: Seen;
  readonly #graph: Graph | undefined;
  readonly #roles: ReadonlySet<Role>;
  /** What is there, by its ends. */
  readonly #carried = new Map<string, Carried[]>();
  readonly #used = new Set<Carried>();
  /** Whose queues they are, `deadletter` those that dead letters leave by. */
  readonly #sources = new Map<QueueName, PortRef & { readonly isDead: boolean }>();
  readonly #targets = new Map<QueueName, PortRef>();

  constructor(seen: Seen, graph: Graph | undefined) {
    this.#seen = seen;
    this.#graph = graph;
    this.#roles = new Set(graph ? participantNodes(graph).map(({ role }) => role) : []);
    for (const { definition } of seen.participants.all()) this.#list(definition);
    for (const binding of seen.bindings) this.#carry({ ...binding, via: seen.binds ? 'broker' : 'router' });
  }

  report(): BindingsReport {
    const wanted = this.#graph ? wantedOf(this.#graph).map((edge) => this.#toldApart(edge)) : [];
    const rows = wanted.map((edge) => this.#rowOf(edge));
    const others = [...this.#carried.values()].flat().filter((one) => !this.#used.has(one));
    const rest = others.map((one) => this.#restRow(one));
    const live = groupRoles(this.#seen.participants);
    return {
      bindings: [...rows, ...rest.filter(({ state }) => state !== 'foreign')],
      foreign: rest.filter(({ state }) => state === 'foreign'),
      unconnected: this.#graph ? this.#unconnected(this.#graph, wanted) : [],
      roles: this.#graph ? live.map((one) => ({ ...one, inGraph: this.#roles.has(one.role) })) : live,
      silent: [...this.#roles].filter((role) => !live.some((one) => one.role === role)),
      complete: this.#seen.tellsAll,
    };
  }

  #list({ role, inports, outports }: KnownParticipant['definition']): void {
    for (const { id: port, queue } of outports) this.#own(this.#sources, queue, { role, port, isDead: false });
    for (const { id: port, queue, sources = [] } of inports) {
      this.#own(this.#sources, deadLetterQueue(queue), { role, port, isDead: true });
      this.#own(this.#targets, queue, { role, port });
      for (const source of sources) this.#carry({ kind: 'pubsub', source, target: queue, via: 'wiring' });
    }
  }

  /** Of several owners one of the graph counts. */
  #own<T extends PortRef>(owners: Map<QueueName, T>, queue: QueueName, owner: T): void {
    if (!owners.has(queue) || this.#roles.has(owner.role)) owners.set(queue, owner);
  }

  /** Each once. What only feeds a queue from the exchange of its own name is no binding of anybody's. */
  #carry(one: Carried): void {
    if (one.source === one.target) return;
    const there = this.#carried.get(endsKey(one)) ?? [];
    if (there.some(({ kind, via }) => kind === one.kind && via === one.via)) return;
    this.#carried.set(endsKey(one), [...there, one]);
  }

  /** An edge from `dead_in` is one from the dead letters of `in`, unless the participant has a port of that name. */
  #toldApart(edge: Wanted): Wanted {
    const { role, port } = edge.from;
    const ports = edge.kind === 'deadletter' ? undefined : this.#definitionOf(role);
    const inport = ports && deadLettersBehind(ports, port, this.#graph?.caseSensitive ?? false);
    return inport ? { ...edge, kind: 'deadletter', from: { role, port: inport.id } } : edge;
  }

  #rowOf({ kind, by, from, to }: Wanted): BindingRow {
    const source = this.#queueOf(from, kind === 'deadletter' ? 'inports' : 'outports');
    const target = this.#queueOf(to, 'inports');
    const queues = {
      ...(source.queue === undefined
        ? {}
        : { source: kind === 'deadletter' ? deadLetterQueue(source.queue) : source.queue }),
      ...(target.queue === undefined ? {} : { target: target.queue }),
    };
    const edge = { kind, from: source.ref, to: target.ref, ...queues };
    const why = source.why ?? target.why;
    if (queues.source === undefined || queues.target === undefined) {
      return { state: 'unknown', ...edge, ...(why === undefined ? {} : { why }) };
    }
    return { ...edge, ...this.#carriedAs(by, { source: queues.source, target: queues.target }) };
  }

  /** How a wanted edge stands whose two queues are known. */
  #carriedAs(asked: BindingKind, ends: Omit<Binding, 'kind'>): Pick<BindingRow, 'state' | 'via' | 'why'> {
    const { binds, tellsAll, hasRouter } = this.#seen;
    if (ends.source === ends.target) return { state: 'bound', via: 'same-queue' };
    const there = this.#carried.get(endsKey(ends)) ?? [];
    // Who subscribes by itself knows no kinds.
    const carrier = there.find(({ via }) => via === 'wiring') ?? there.find((one) => one.kind === asked);
    if (carrier) this.#used.add(carrier);
    if (carrier?.via === 'router' && !hasRouter) {
      return {
        state: 'missing',
        via: 'router',
        why: 'its route is kept at the broker, but no msgflo-router is at work',
      };
    }
    if (carrier) return { state: 'bound', via: carrier.via };
    if (binds && !tellsAll) return { state: 'unknown', why: 'this broker does not tell what is bound' };
    const [other] = there;
    return { state: 'missing', why: other ? `bound as ${other.kind}, not as ${asked}` : 'nobody has bound it' };
  }

  #restRow({ kind, source, target, via }: Carried): BindingRow {
    const owner = this.#sources.get(source);
    const to = this.#targets.get(target);
    const isOfGraph =
      owner !== undefined && to !== undefined && this.#roles.has(owner.role) && this.#roles.has(to.role);
    return {
      state: this.#graph === undefined ? 'bound' : isOfGraph ? 'left-over' : 'foreign',
      kind: owner?.isDead ? 'deadletter' : kind,
      source,
      target,
      ...(owner ? { from: bare(owner) } : {}),
      ...(to ? { to } : {}),
      via,
    };
  }

  /** A port by the name that its participant gave it, or why it is not known. */
  #queueOf(ref: PortRef, side: 'inports' | 'outports'): { ref: PortRef; queue?: QueueName; why?: string } {
    const ports = this.#portsOf(ref.role, side);
    if (!ports) return { ref, why: `nobody has announced the role '${ref.role}'` };
    const port = portNamed(ports, ref.port, this.#graph?.caseSensitive ?? false);
    if (port) return { ref: { role: ref.role, port: port.id }, queue: port.queue };
    const names = ports.map(({ id }) => id).join(', ') || 'none';
    return { ref, why: `role '${ref.role}' has no ${side.slice(0, -1)} '${ref.port}'; it has: ${names}` };
  }

  #portsOf(role: Role, side: 'inports' | 'outports'): readonly PortDefinition[] | undefined {
    return this.#definitionOf(role)?.[side];
  }

  /** As the latest of the role announced it that has not left. */
  #definitionOf(role: Role): KnownParticipant['definition'] | undefined {
    const known = this.#seen.participants.ofRole(role);
    return (known.findLast(({ status }) => status === 'live') ?? known.at(-1))?.definition;
  }

  #unconnected(graph: Graph, wanted: readonly Wanted[]): UnconnectedPort[] {
    const { iips, inports, outports } = resolveEdges(graph);
    const key = ({ role, port }: PortRef): string =>
      JSON.stringify([role, graph.caseSensitive ? port : port.toLowerCase()]);
    const fed = new Set([...wanted, ...iips, ...inports].map(({ to }) => key(to)));
    const read = new Set(
      [...wanted.filter(({ kind }) => kind !== 'deadletter'), ...outports].map(({ from }) => key(from)),
    );
    const all = [...this.#carried.values()].flat();
    const ends = { in: new Set(all.map(({ target }) => target)), out: new Set(all.map(({ source }) => source)) };
    return [...this.#roles].flatMap((role) =>
      (['in', 'out'] as const).flatMap((direction) => {
        const connected = direction === 'in' ? fed : read;
        const ports = this.#portsOf(role, `${direction}ports`) ?? [];
        return ports.flatMap(({ id: port, queue, hidden = false }) => {
          const isConnected = hidden || connected.has(key({ role, port })) || ends[direction].has(queue);
          return isConnected ? [] : [{ role, port, direction, queue }];
        });
      }),
    );
  }
}

function wantedOf(graph: Graph): Wanted[] {
  const { edges, deadLetters } = resolveEdges(graph);
  return [
    ...edges.map(({ kind, from, to }) => ({ kind, by: kind, from, to })),
    ...deadLetters.map(({ deadLettersOf: from, to }) => {
      return { kind: 'deadletter' as const, by: 'pubsub' as const, from, to };
    }),
  ];
}

function groupRoles(table: ParticipantTable): RoleSeen[] {
  return table.roles().flatMap((role) => {
    const live = table.ofRole(role).filter(({ status }) => status === 'live');
    const component = live.at(-1)?.definition.component;
    return component === undefined
      ? []
      : [{ role, component, participants: live.map(({ definition }) => definition.id) }];
  });
}

const bare = ({ role, port }: { readonly role: Role; readonly port: PortName }): PortRef => ({ role, port });

const endsKey = ({ source, target }: Omit<Binding, 'kind'>): string => bindingKey({ kind: 'pubsub', source, target });
