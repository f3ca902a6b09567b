import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { DURATION_BOUNDS_MS, type Durations } from '../discovery/index.js';

/** Seconds, as Prometheus has it; the last class has no bound. */
const BOUNDS = [...DURATION_BOUNDS_MS.map((ms) => String(ms / 1000)), '+Inf'];

const PORT = ['role', 'port'] as const;
const QUEUE = ['queue', 'role', 'port'] as const;

type Labels = Readonly<Record<string, string>>;

/** A histogram of durations that others have counted. */
class DurationHistogram extends Histogram {
  #rows: { readonly labels: Labels; readonly durations: Durations }[] = [];

  put(labels: Labels, durations: Durations): void {
    this.#rows.push({ labels, durations });
  }

  override reset(): void {
    super.reset();
    // Also called by the constructor of the base.
    if (#rows in this) this.#rows = [];
  }

  /** What the registry asks for when it writes its text. */
  getForPromString(): object {
    const values = this.#rows.flatMap(({ labels, durations: { counts, sumMs } }) => {
      let count = 0;
      const buckets = BOUNDS.map((le, at) => {
        count += counts[at] ?? 0;
        return { metricName: `${this.#name}_bucket`, labels: { ...labels, le }, value: count };
      });
      const sum = { metricName: `${this.#name}_sum`, labels, value: sumMs / 1000 };
      return [...buckets, sum, { metricName: `${this.#name}_count`, labels, value: count }];
    });
    return { name: this.#name, help: this.#help, type: 'histogram', values };
  }

  readonly #name: string;
  readonly #help: string;

  constructor(registry: Registry, name: string, help: string) {
    super({ name, help, labelNames: PORT, registers: [registry] });
    this.#name = name;
    this.#help = help;
  }
}

/** The families of metrics that are told, without values. They belong to `registry` alone. */
export function metricFamilies() {
  const registry = new Registry();
  const registers = [registry];
  const counter = <T extends string>(name: string, help: string, labelNames: readonly T[] = []) =>
    new Counter<T>({ name, help, labelNames, registers });
  const gauge = <T extends string>(name: string, help: string, labelNames: readonly T[] = []) =>
    new Gauge<T>({ name, help, labelNames, registers });
  return {
    registry,
    taken: counter('msgflo_messages_in_total', 'Messages that participants took at an inport', PORT),
    settled: counter('msgflo_messages_settled_total', 'Messages of an inport that were settled, however', PORT),
    dead: counter('msgflo_messages_dead_total', 'Messages of an inport that became dead letters', PORT),
    retried: counter('msgflo_messages_retried_total', 'Attempts at an inport that failed and were repeated', PORT),
    sent: counter('msgflo_messages_sent_total', 'Messages of an outport that the broker confirmed', PORT),
    dropped: counter('msgflo_messages_dropped_total', 'Messages of an outport dropped for want of a taker', PORT),
    waiting: new DurationHistogram(
      registry,
      'msgflo_message_waiting_seconds',
      'From the creation of a message until a participant took it',
    ),
    working: new DurationHistogram(
      registry,
      'msgflo_message_working_seconds',
      'How long process() took, each attempt for itself',
    ),
    ready: gauge('msgflo_queue_ready', 'Messages waiting in an inqueue; on MQTT an estimate', QUEUE),
    unacked: gauge('msgflo_queue_unacked', 'Messages handed over from an inqueue and not settled', QUEUE),
    consumers: gauge('msgflo_queue_consumers', 'Consumers of an inqueue', QUEUE),
    inPerSecond: gauge('msgflo_queue_in_per_second', 'Messages a second that came to an inqueue', QUEUE),
    outPerSecond: gauge('msgflo_queue_out_per_second', 'Messages a second that left an inqueue', QUEUE),
    damaged: gauge('msgflo_queue_damaged', '1 for an inqueue that stands still: the log is damaged there', QUEUE),
    participants: gauge('msgflo_participants', 'Participants of a role: live, lost, or known from before', [
      'role',
      'status',
    ]),
    reconnects: counter('msgflo_participant_reconnects_total', 'Connections of participants that came back', ['role']),
    lost: counter('msgflo_broker_lost_messages_total', 'Messages that the broker says it dropped'),
    edges: gauge('msgflo_edges', 'Edges of the graph that messages can go over, and that they cannot yet', ['state']),
    rejected: counter('msgflo_coordinator_rejected_announcements_total', 'Discovery messages that cannot be read'),
    leftOut: gauge('msgflo_coordinator_ports_left_out', 'Ports beyond the limit, of which nothing is told here'),
    memory: gauge('msgflo_coordinator_resident_memory_bytes', 'Memory of the coordinator'),
    cpu: counter('msgflo_coordinator_cpu_seconds_total', 'Processor time that the coordinator took'),
    startTime: gauge('msgflo_coordinator_start_time_seconds', 'When the coordinator started, in seconds since 1970'),
    lag: gauge('msgflo_coordinator_event_loop_lag_seconds', 'Longest delay of its event loop since it was asked last'),
  };
}

export type MetricFamilies = ReturnType<typeof metricFamilies>;
