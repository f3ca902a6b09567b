import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks';
import type { Instruments, NetworkFigures, NetworkReport } from '../coordinator/index.js';
import type { MetricFamilies } from './metric-families.js';

/** Whose figures are told; the coordinator satisfies it. */
export interface MetricsSource {
  readonly instruments: Pick<Instruments, 'network' | 'lostMessages'>;
  report(): NetworkReport;
  readonly rejectedAnnouncements: number;
}

/** Who asks again within this time is given the same, in ms: figures cost the broker something. */
const SHARED_MS = 1000;

/** In and out each; a port of ours makes some 40 lines. */
const MAX_PORTS = 1000;

/** How often the event loop is looked at, in ms. */
const LAG_EVERY_MS = 100;

/** The network in the text format of Prometheus. Costs nothing before somebody asks. */
export class Metrics {
  readonly #source: MetricsSource;
  readonly #nowMs: () => number;
  #families: Promise<MetricFamilies> | undefined;
  #lag: IntervalHistogram | undefined;
  #latest: { readonly atMs: number; readonly text: Promise<string> } | undefined;
  #isClosed = false;

  constructor(source: MetricsSource, nowMs: () => number = () => performance.now()) {
    this.#source = source;
    this.#nowMs = nowMs;
  }

  /** Version 0.0.4 of the format. Those who ask within a second share one collection. */
  text(): Promise<string> {
    const atMs = this.#nowMs();
    if (!this.#latest || atMs - this.#latest.atMs >= SHARED_MS) {
      const text = this.#collect();
      this.#latest = { atMs, text };
      text.catch(() => {
        this.#latest = undefined;
      });
    }
    return this.#latest.text;
  }

  /** Idempotent. */
  close(): void {
    this.#isClosed = true;
    this.#lag?.disable();
  }

  async #collect(): Promise<string> {
    // Loaded only where it is used: it costs every start some milliseconds.
    this.#families ??= import('./metric-families.js').then(({ metricFamilies }) => metricFamilies());
    const families = await this.#families;
    const figures = await this.#source.instruments.network(MAX_PORTS);
    families.registry.resetMetrics();
    fillPorts(families, figures);
    fillQueues(families, figures);
    this.#fillWhole(families, figures);
    this.#fillProcess(families);
    return families.registry.metrics();
  }

  #fillWhole(families: MetricFamilies, { roles, leftOut }: NetworkFigures): void {
    for (const { role, participants, reconnects } of roles) {
      for (const [status, count] of Object.entries(participants)) families.participants.set({ role, status }, count);
      families.reconnects.inc({ role }, reconnects);
    }
    const { edges } = this.#source.report();
    const live = edges.filter(({ state }) => state === 'live').length;
    families.edges.set({ state: 'live' }, live);
    families.edges.set({ state: 'pending' }, edges.length - live);
    families.lost.inc(this.#source.instruments.lostMessages);
    families.rejected.inc(this.#source.rejectedAnnouncements);
    families.leftOut.set(leftOut);
  }

  #fillProcess({ memory, cpu, startTime, lag }: MetricFamilies): void {
    const { user, system } = process.cpuUsage();
    memory.set(process.memoryUsage.rss());
    cpu.inc((user + system) / 1e6);
    startTime.set(performance.timeOrigin / 1000);
    if (!this.#lag && !this.#isClosed) {
      this.#lag = monitorEventLoopDelay({ resolution: LAG_EVERY_MS });
      this.#lag.enable();
    }
    // Measured from one look to the next, so that the time between them is part of it.
    const longestMs = (this.#lag?.max ?? 0) / 1e6 - LAG_EVERY_MS;
    lag.set(Math.max(0, longestMs) / 1000);
    this.#lag?.reset();
  }
}

function fillPorts(families: MetricFamilies, { inports, outports }: NetworkFigures): void {
  for (const { role, port, counts } of inports) {
    if (!counts) continue;
    const labels = { role, port };
    families.taken.inc(labels, counts.taken);
    families.settled.inc(labels, counts.settled);
    families.dead.inc(labels, counts.dead);
    families.retried.inc(labels, counts.retried);
    if (counts.waiting) families.waiting.put(labels, counts.waiting);
    if (counts.working) families.working.put(labels, counts.working);
  }
  for (const { role, port, counts } of outports) {
    if (!counts) continue;
    families.sent.inc({ role, port }, counts.sent);
    families.dropped.inc({ role, port }, counts.dropped);
  }
}

function fillQueues(families: MetricFamilies, { inports }: NetworkFigures): void {
  const { ready, unacked, consumers, inPerSecond, outPerSecond } = families;
  const gauges = { ready, unacked, consumers, inPerSecond, outPerSecond };
  for (const figures of inports) {
    const { queue, role, port, damage } = figures;
    if (damage !== undefined) families.damaged.set({ queue, role, port }, 1);
    for (const name of ['ready', 'unacked', 'consumers', 'inPerSecond', 'outPerSecond'] as const) {
      const value = figures[name];
      if (value !== undefined) gauges[name].set({ queue, role, port }, value);
    }
  }
}
