import {
  CountersFeed,
  DiscoveryFeed,
  type Feed,
  type Inlet,
  type InletFigures,
  QueueMeter,
} from '../coordinator/index.js';
import { type KnownParticipant, LAPSE_MS } from '../discovery/index.js';
import type { QueueName, Role } from '../names.js';
import { type Logger, within } from '../support/index.js';
import { type Broker, deadLetterQueue, type Subscription } from '../transport/index.js';
import { quantilesOf, type TopReport, type TopRow } from './top-report.js';

/** How long a broker may take to tell of its queues, in ms. */
const READ_WITHIN_MS = 5000;

/** What participants at a broker do and what waits for them, as it can be known without a graph and without a coordinator. */
export class TopReader {
  readonly #broker: Broker;
  readonly #discovery: DiscoveryFeed;
  readonly #counters: CountersFeed;
  readonly #meter: QueueMeter;
  readonly #losses = { messages: 0, last: undefined as string | undefined };
  #lossWatch: Subscription | undefined;
  #before: { readonly atMs: number; readonly rows: ReadonlyMap<string, Counted> } | undefined;
  #figures: readonly InletFigures[] = [];

  constructor(broker: Broker, log: Logger) {
    const nowMs = (): number => performance.now();
    this.#broker = broker;
    this.#counters = new CountersFeed(broker, log, { nowMs });
    this.#meter = new QueueMeter({ broker, counters: this.#counters, nowMs });
    this.#discovery = new DiscoveryFeed({ broker, lapseMs: LAPSE_MS, nowMs, log }, ({ kind, definition: { id } }) => {
      if (kind === 'gone') this.#counters.forget(id);
      else this.#counters.heard(id);
    });
  }

  /** Calls the roll; participants of ours answer within a second and say what they have counted. */
  async start(): Promise<void> {
    this.#lossWatch = await this.#broker.losses((text, messages = 1) => {
      this.#losses.messages += messages;
      this.#losses.last = text;
    });
    await this.#counters.start();
    await this.#discovery.start();
  }

  async stop(): Promise<void> {
    await this.#discovery.stop();
    await this.#counters.stop();
    await this.#lossWatch?.cancel();
  }

  /** How all stands now; rates are the change since the reading before. Never rejects for a broker that is away. */
  async read(): Promise<TopReport> {
    const { table } = this.#discovery;
    const hasAnswered = await this.#readQueues();
    const atMs = performance.now();
    const counted = new Map<string, Counted>();
    const rows = this.#figures.map((figures): TopRow => {
      const key = JSON.stringify([figures.role, figures.port]);
      const counts = this.#counters.ofInport(figures.role, figures.port);
      if (counts) counted.set(key, counts);
      return { ...figures, ...this.#workOf(key, counts, atMs), instances: liveOf(table.ofRole(figures.role)).length };
    });
    this.#before = { atMs, rows: counted };
    const lost = table.all().filter(({ status }) => status === 'lost');
    const { messages, last } = this.#losses;
    return {
      time: new Date().toISOString(),
      rows,
      lost: lost.map(({ definition: { role, id, component } }) => ({ role, id, component })),
      brokerLosses: { messages, ...(last !== undefined && { last }) },
      notes: this.#notes(hasAnswered),
    };
  }

  #workOf(key: string, counts: Counted | undefined, atMs: number): Partial<TopRow> {
    if (!counts) return {};
    const { dead, retried, waiting, working } = counts;
    const before = this.#before?.rows.get(key);
    const seconds = this.#before ? (atMs - this.#before.atMs) / 1000 : 0;
    const waitMs = quantilesOf(waiting, before?.waiting);
    const workMs = quantilesOf(working, before?.working);
    return {
      dead,
      retried,
      ...(before && seconds > 0 && { deadPerSecond: Math.max(0, dead - before.dead) / seconds }),
      ...(waitMs && { waitMs }),
      ...(workMs && { workMs }),
    };
  }

  /** False: these are the figures of the reading before. */
  async #readQueues(): Promise<boolean> {
    if (this.#broker.status !== 'open') return false;
    let hasAnswered = false;
    const read = this.#inlets()
      .then((inlets) => this.#meter.read(inlets))
      .then((figures) => {
        this.#figures = figures;
        hasAnswered = true;
      });
    // What fails here fails because the broker has just gone away.
    await within(
      read.catch(() => undefined),
      READ_WITHIN_MS,
    );
    return hasAnswered;
  }

  /** The inports of all roles that somebody plays, or played. */
  async #inlets(): Promise<readonly Inlet[]> {
    const { table } = this.#discovery;
    const feeds = this.#broker.capabilities.depths ? undefined : await this.#feeds();
    return table.roles().flatMap((role) => {
      const known = table.ofRole(role);
      const definition = (known.findLast(({ status }) => status === 'live') ?? known.at(-1))?.definition;
      const isOurs = known.every(({ definition: { wiring } }) => wiring === 1);
      return (definition?.inports ?? []).map(({ id: port, queue }): Inlet => {
        if (!feeds || !isOurs) return { role, port, queue };
        const fedBy = feeds.get(queue) ?? [];
        const takers = liveOf(known).length;
        return { role, port, queue, takers, ...(fedBy !== 'unknown' && { feeds: fedBy }) };
      });
    });
  }

  /** Where the broker does not bind: what each inqueue is subscribed to, or is sent by a router. */
  async #feeds(): Promise<ReadonlyMap<QueueName, readonly Feed[] | 'unknown'>> {
    const owners = new Map<QueueName, Feed>();
    const pairs: { readonly source: QueueName; readonly target: QueueName }[] = [...(await this.#broker.bindings())];
    for (const { definition } of this.#discovery.table.all()) {
      const { role, inports, outports, wiring } = definition;
      for (const { queue, sources = [] } of inports)
        for (const source of sources) pairs.push({ source, target: queue });
      // Of others nobody knows how much they send.
      if (wiring !== 1) continue;
      for (const { id: port, queue } of outports) owners.set(queue, { role, port, isDeadLetters: false });
      for (const { id: port, queue } of inports)
        owners.set(deadLetterQueue(queue), { role, port, isDeadLetters: true });
    }
    const feeds = new Map<QueueName, Map<QueueName, Feed> | 'unknown'>();
    for (const { source, target } of pairs) {
      const owner = owners.get(source);
      const before = feeds.get(target) ?? new Map<QueueName, Feed>();
      feeds.set(target, owner === undefined || before === 'unknown' ? 'unknown' : before.set(source, owner));
    }
    return new Map([...feeds].map(([target, from]) => [target, from === 'unknown' ? from : [...from.values()]]));
  }

  #notes(hasAnswered: boolean): string[] {
    const { capabilities, status } = this.#broker;
    const isAway = status !== 'open' || !hasAnswered;
    return [
      ...(isAway ? ['the broker does not answer just now: queues are shown as they were'] : []),
      ...(capabilities.depths
        ? []
        : ['this broker does not tell what waits: ready is an estimate, from the start of this']),
    ];
  }
}

type Counted = NonNullable<ReturnType<CountersFeed['ofInport']>>;

function liveOf(known: readonly KnownParticipant[]): readonly { readonly role: Role }[] {
  return known.flatMap(({ status, definition: { role } }) => (status === 'live' ? [{ role }] : []));
}
