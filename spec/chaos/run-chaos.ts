import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Faults } from './faults.js';
import { figuresOf, type Report } from './figures.js';
import { Ledger } from './ledger.js';
import { seededRandom } from './random.js';
import { type BrokerName, type ChaosServer, startServer } from './servers.js';
import { SLOTS } from './slots.js';
import { Stage } from './stage.js';

export interface ChaosOptions {
  readonly broker: BrokerName;
  /** How long faults happen, one a second. */
  readonly seconds: number;
  /** Messages a second. */
  readonly rate: number;
  readonly seed: number;
  /** Called with each fault and each step, in one line. */
  readonly progress?: (line: string) => void;
}

const WARM_MS = 30_000;
const RECOVERY_MS = 40_000;
const QUIET_MS = 40_000;
/** Without an arrival, it is quiet. */
const CALM_MS = 1500;

/**
 * Three stages under load while something is killed or cut every second; then looks for what was lost. Always ends what
 * it started. When messages were lost, the folder of the run with its ledgers is kept, and named in the report.
 * @throws {Error} when the network does not come up, or a broker does not come back
 */
export async function runChaos(options: ChaosOptions): Promise<Report> {
  const server = await startServer(options.broker);
  let stage: Stage | undefined;
  let isTrailKept = true;
  try {
    stage = await Stage.start(server, options.rate);
    const run = new ChaosRun(stage, server, options);
    await run.load();
    const report = await run.judge();
    isTrailKept = report.lost.length > 0 || report.faulty.length > 0;
    return isTrailKept ? { ...report, folder: stage.folder } : report;
  } catch (error) {
    if (stage) throw new Error(`${stage.network.output}\n(trail in ${stage.folder})`, { cause: error });
    throw error;
  } finally {
    await stage?.end();
    if (stage && isTrailKept) writeFileSync(join(stage.folder, 'output.log'), stage.network.output);
    else stage?.remove();
    await server.stop();
  }
}

/** One run over a stage that has been started. */
class ChaosRun {
  readonly #stage: Stage;
  readonly #server: ChaosServer;
  readonly #options: ChaosOptions;
  readonly #ledger: Ledger;
  readonly #faults: Faults;
  readonly #faulty: string[] = [];
  #start = { memory: { keeper: 0, coordinator: 0 }, stateBytes: 0, atMs: 0 };
  #endMs = 0;

  constructor(stage: Stage, server: ChaosServer, options: ChaosOptions) {
    this.#stage = stage;
    this.#server = server;
    this.#options = options;
    this.#ledger = new Ledger(stage.folder);
    this.#faults = new Faults(stage, server, seededRandom(options.seed));
  }

  /** Warms up, does harm once a second, and keeps up the load until all has recovered. */
  async load(): Promise<void> {
    const { seconds } = this.#options;
    if (!(await this.#within(WARM_MS, () => this.#allSlotsSeen()))) throw new Error('the network did not come up');
    this.#start = { memory: this.#stage.memory(), stateBytes: this.#stage.stateBytes(), atMs: Date.now() };
    for (let second = 1; second <= seconds; second += 1) {
      const dueMs = this.#start.atMs + second * 1000;
      await delay(Math.max(0, dueMs - Date.now()));
      const harm = this.#faults.strike();
      this.#ledger.read();
      this.#tell(`${String(second).padStart(3)} s: ${harm}`);
    }
    await this.#faults.repaired();
    const hasRecovered = () => this.#faults.recoveriesMs(this.#ledger).every(({ ms }) => ms !== undefined);
    if (!(await this.#within(RECOVERY_MS, hasRecovered))) {
      const late = this.#faults.happened.filter(({ isRecovered }) => !this.#ledger.firstArrivalMs(isRecovered));
      this.#faulty.push(...late.map(({ kind, slot = '' }) => `nothing came through after: ${kind} ${slot}`));
    }
    this.#endMs = Date.now();
    writeFileSync(join(this.#stage.folder, 'stop'), '');
  }

  /** Waits until all is quiet, ends the network and reports. */
  async judge(): Promise<Report> {
    this.#tell('faults are over, waiting until all is quiet');
    await this.#quiet();
    const { memory, stateBytes, atMs } = this.#start;
    const end = { memory: this.#stage.memory(), stateBytes: this.#stage.stateBytes() };
    const notes = this.#stage.attemptNotes();
    if (notes > 0) this.#faulty.push(`${notes} notes of attempts are left in .msgflo`);
    await this.#within(3000, () => this.#stage.strays().length === 0);
    const strays = this.#stage.strays();
    const left = await this.#stage.end();
    const remains = await this.#server.remains();
    this.#ledger.read();
    return figuresOf(this.#ledger, {
      options: this.#options,
      recoveries: this.#faults.recoveriesMs(this.#ledger),
      loadMs: [atMs, this.#endMs],
      remains,
      memory: { start: memory, end: end.memory },
      stateBytes: { start: stateBytes, end: end.stateBytes },
      faulty: [...this.#faulty, ...strays, ...left],
      isLossTold: this.#server.fault === 'SIGKILL' && this.#server.hasRouter,
    });
  }

  /** Until nothing is missing and nothing has arrived for a while, or the time is over. */
  async #quiet(): Promise<void> {
    let arrived = -1;
    let sinceMs = 0;
    await this.#within(QUIET_MS, () => {
      const { length } = this.#ledger.arrivals;
      if (length !== arrived) sinceMs = Date.now();
      arrived = length;
      return this.#ledger.missing().length === 0 && Date.now() - sinceMs >= CALM_MS;
    });
  }

  #allSlotsSeen(): boolean {
    const seen = new Set(this.#ledger.arrivals.flatMap(({ hops }) => hops.map(({ slot }) => slot)));
    return SLOTS.every((slot) => seen.has(slot));
  }

  /** Reads on until the condition holds. @returns whether it came to hold in time */
  async #within(limitMs: number, condition: () => boolean): Promise<boolean> {
    for (const lateMs = Date.now() + limitMs; Date.now() < lateMs; await delay(50)) {
      this.#ledger.read();
      if (condition()) return true;
      if (this.#stage.network.keeper.exitCode !== null) throw new Error('msgflo ended by itself');
    }
    return false;
  }

  #tell(what: string): void {
    const { begun, confirmed, arrivals, duplicates } = this.#ledger;
    const counts = `${begun.size} sent, ${confirmed.size} confirmed, ${arrivals.length - duplicates} arrived`;
    this.#options.progress?.(`${what.padEnd(40)} ${counts}, ${duplicates} twice`);
  }
}

/** How far lost messages came, by what the workers wrote down: one line each. */
export function trailOf(folder: string, lost: readonly number[]): readonly string[] {
  const trails = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.trail')) : [];
  const lines = trails.flatMap((name) =>
    readFileSync(join(folder, name), 'utf8')
      .split('\n')
      .map((line) => ({ slot: name.replace('.trail', ''), line })),
  );
  return lost.map((n) => {
    const steps = lines.filter(({ line }) => line.startsWith(`${n} `)).map(({ slot, line }) => `${slot}: ${line}`);
    return `${n} ${steps.length === 0 ? 'reached no worker' : steps.join(', ')}`;
  });
}
