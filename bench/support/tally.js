import { renameSync, writeFileSync } from 'node:fs';
import { nowMs } from './message.js';
import { resultFile, warmFile } from './plan.js';

/**
 * @typedef {object} Result
 * @property {number} perSecond messages a second, from the sending of the first measured one to the arrival of the last
 * @property {number} duplicates
 * @property {number} p50Ms latency from source to sink; means something only where messages were sent at a given rate
 * @property {number} p99Ms
 */

/** The sink's part of a plan: counts messages, each once, and writes down what came out when all have arrived. */
export class Tally {
  /** @param {import('./plan.js').Plan} plan */
  constructor(plan) {
    this.plan = plan;
    this.seen = new Uint8Array(plan.warmUp + plan.count);
    this.arrived = 0;
    this.duplicates = 0;
    this.startedMs = 0;
    /** @type {number[]} */
    this.latencies = [];
  }

  /** @param {unknown} message */
  take(message) {
    const { run, n, atMs } = /** @type {import('./message.js').Message} */ (message);
    const { warmUp } = this.plan;
    if (run !== this.plan.run) return;
    if (this.seen[n] === 1) {
      this.duplicates += 1;
      return;
    }
    this.seen[n] = 1;
    this.arrived += 1;
    if (n === warmUp) this.startedMs = atMs;
    if (n >= warmUp) this.latencies.push(nowMs() - atMs);
    if (this.arrived === warmUp) writeFileSync(warmFile(this.plan), '');
    if (this.arrived === this.seen.length) this.finish();
  }

  finish() {
    const { count } = this.plan;
    const sorted = this.latencies.sort((a, b) => a - b);
    const at = (/** @type {number} */ share) => sorted[Math.floor(share * (sorted.length - 1))] ?? 0;
    /** @type {Result} */
    const result = {
      perSecond: (count * 1000) / Math.max(1, nowMs() - this.startedMs),
      duplicates: this.duplicates,
      p50Ms: at(0.5),
      p99Ms: at(0.99),
    };
    const path = resultFile(this.plan);
    writeFileSync(`${path}.part`, JSON.stringify(result));
    renameSync(`${path}.part`, path);
  }
}
