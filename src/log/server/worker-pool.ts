import { setMaxListeners } from 'node:events';
import { messageOf } from '../../errors.js';
import { Backoff, type Logger, Semaphore, within } from '../../support/index.js';
import type { Claim } from '../node/log-claims.js';
import type { LogNode } from '../node/log-node.js';
import type { ProcessorDefinition } from '../node/log-processors.js';
import type { ProcOptions } from '../node/log-procs.js';
import { procsOf } from '../node/processors.js';
import { DiskFullError } from '../store/errors.js';
import type { NewRecord } from '../store/store.js';
import { encodeRecords } from './encode-records.js';
import { Worker } from './worker.js';

const RETRY_MIN_MS = 10;
const RETRY_MAX_MS = 3000;
const STOP_MS = 2000;

export interface WorkerPoolOptions {
  /** Processes. */
  readonly workers: number;
  /** Jobs that each has in hand at once, at most. */
  readonly concurrency: number;
  /** Jobs after which a worker is replaced; 0: never. */
  readonly restartAfter: number;
  readonly logger: Logger;
}

interface SystemProc {
  readonly topic: string;
  options: ProcOptions;
  definition: ProcessorDefinition;
  /** After a failure it rests. */
  readonly backoff: Backoff;
  isResting: boolean;
  /** One record after another, so that results come in order; acknowledging may go on behind. */
  isRunning: boolean;
}

/** Runs the processors of a node in processes of its own: claims, has them worked on, commits what comes out. */
export class WorkerPool {
  readonly #node: LogNode;
  readonly #options: WorkerPoolOptions;
  readonly #procs = new Map<string, SystemProc>();
  readonly #rests = new Set<NodeJS.Timeout>();
  readonly #loops: Promise<void>[] = [];
  readonly #claiming = new Semaphore(1);
  readonly #settling = new Set<Promise<void>>();
  readonly #forget: readonly (() => void)[];
  /** Aborted and made anew when there is something else to wait for. */
  #change = manyListeners();
  #isStopped = false;
  #workers: Worker[] = [];

  constructor(node: LogNode, options: WorkerPoolOptions) {
    this.#node = node;
    this.#options = options;
    for (const definition of node.processors()) this.#define(definition);
    this.#forget = [
      node.onProcessor((definition) => this.#define(definition)),
      node.onProcessorRemoved((definition) => this.#remove(definition)),
    ];
    const ready = this.#takeBack();
    for (let slot = 0; slot < options.workers; slot += 1)
      for (let lane = 0; lane < options.concurrency; lane += 1) this.#loops.push(ready.then(() => this.#loop(slot)));
  }

  /** What workers had in hand when the node was killed: nobody can acknowledge it any more. */
  async #takeBack(): Promise<void> {
    if (this.#options.workers === 0) return;
    for (const name of this.#procs.keys())
      try {
        while (this.#node.inspectProc(name).unacked > 0)
          await this.#node.reclaim(name, undefined, 'the node was restarted');
      } catch (error) {
        // It comes back by its time limit.
        this.#options.logger.debug(`processor '${name}': ${messageOf(error)}`);
      }
  }

  /** Claims no more, and gives what is in hand a little time. What is not done is given back. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    for (const forget of this.#forget) forget();
    this.#wake();
    for (const rest of this.#rests) clearTimeout(rest);
    await within(Promise.all(this.#loops), STOP_MS);
    for (const worker of this.#workers) worker.kill();
    await Promise.all(this.#loops);
    await Promise.all(this.#settling);
  }

  /** One that is defined anew may be running, and may read from fewer topics than before. */
  #define(definition: ProcessorDefinition): void {
    const procs = new Map(procsOf(definition));
    for (const [name, proc] of this.#procs)
      if (proc.definition.name === definition.name && !procs.has(name)) this.#procs.delete(name);
    for (const [name, topic] of procs) {
      const options = { ...definition.options, name };
      const known = this.#procs.get(name);
      if (known) {
        known.options = options;
        known.definition = definition;
      } else {
        const backoff = new Backoff(RETRY_MIN_MS, RETRY_MAX_MS);
        this.#procs.set(name, { topic, options, definition, backoff, isResting: false, isRunning: false });
      }
    }
    this.#wake();
  }

  #remove(definition: ProcessorDefinition): void {
    for (const [name] of procsOf(definition)) this.#procs.delete(name);
    this.#wake();
  }

  #wake(): void {
    const change = this.#change;
    this.#change = manyListeners();
    change.abort();
  }

  /** One job after another. */
  async #loop(slot: number): Promise<void> {
    const backoff = new Backoff(RETRY_MIN_MS, RETRY_MAX_MS);
    while (!this.#isStopped) {
      const changed = this.#change.signal;
      try {
        const claim = await this.#claim(changed);
        if (claim) await this.#work(slot, claim);
        backoff.reset();
      } catch (error) {
        this.#options.logger.warnOnce(messageOf(error), `processors: ${messageOf(error)}`);
        await backoff.wait(changed).catch(() => undefined);
      }
    }
  }

  /** Undefined when there is something else to look at. */
  async #claim(changed: AbortSignal): Promise<Claim | undefined> {
    const claim = await this.#claiming.run(() => this.#claimNow());
    if (claim || changed.aborted) return claim;
    const names = this.#idle().map(({ options }) => options.name);
    await this.#node.nextWork(names, changed).catch((error: unknown) => {
      if (!changed.aborted) throw error;
    });
    return undefined;
  }

  /** One loop at a time: of one proc, one claim is worked on. */
  async #claimNow(): Promise<Claim | undefined> {
    const claim = await this.#node.availableProc(this.#idle());
    const proc = claim && this.#procs.get(claim.proc);
    if (proc) proc.isRunning = true;
    return claim;
  }

  #idle(): readonly SystemProc[] {
    return [...this.#procs.values()].filter(({ isResting, isRunning }) => !isResting && !isRunning);
  }

  async #work(slot: number, claim: Claim): Promise<void> {
    const proc = this.#procs.get(claim.proc);
    if (!proc || this.#isStopped) {
      this.#node.release(claim.proc, claim.token);
      return;
    }
    try {
      const limitMs = this.#node.inspectProc(claim.proc).reclaimTimeout;
      const records = encodeRecords(claim.records).toString();
      const { outputs, error } = await this.#worker(slot).run(proc.definition.processor, records, limitMs);
      if (error !== undefined) await this.#failed(proc, claim, error);
      else this.#settle(proc, claim, outputs);
    } finally {
      proc.isRunning = false;
      if (this.#loops.length > 1) this.#wake();
    }
  }

  /** The next record is worked on while this one is written: writes are carried out in the order of the calls. */
  #settle(proc: SystemProc, claim: Claim, outputs: readonly string[]): void {
    const settling = this.#commit(proc, claim, outputs).finally(() => this.#settling.delete(settling));
    this.#settling.add(settling);
  }

  async #commit(proc: SystemProc, claim: Claim, outputs: readonly string[]): Promise<void> {
    const { to } = proc.definition;
    const records = outputs.flatMap((body): NewRecord[] => to.map((topic) => ({ topic, body: Buffer.from(body) })));
    try {
      if (records.length > 0) await this.#node.ackCommit(claim.proc, records, claim.token);
      else await this.#node.ack(claim.proc, claim.token);
      proc.backoff.reset();
    } catch (failure) {
      // That the disk is full is no failure of the processor: it is not counted.
      if (failure instanceof DiskFullError) this.#putOff(proc, claim, failure.message);
      else await this.#failed(proc, claim, messageOf(failure));
    }
  }

  /** Gives the records back for another try, not at once. */
  async #failed(proc: SystemProc, claim: Claim, reason: string): Promise<void> {
    if (this.#isStopped) {
      this.#node.release(claim.proc, claim.token);
      return;
    }
    this.#rest(proc, claim, reason);
    // It may have come back by itself meanwhile.
    await this.#node.reclaim(claim.proc, claim.token, reason).catch(() => undefined);
  }

  /** The same, as if it had not been tried. */
  #putOff(proc: SystemProc, claim: Claim, reason: string): void {
    if (!this.#isStopped) this.#rest(proc, claim, reason);
    this.#node.release(claim.proc, claim.token);
  }

  #rest(proc: SystemProc, claim: Claim, reason: string): void {
    this.#options.logger.debug(`processor '${claim.proc}': ${reason}`);
    proc.isResting = true;
    const rest = setTimeout(() => {
      this.#rests.delete(rest);
      proc.isResting = false;
      this.#wake();
    }, proc.backoff.nextMs());
    this.#rests.add(rest);
  }

  /** The worker of a slot; another one when it is dead or has done enough. */
  #worker(slot: number): Worker {
    const { restartAfter } = this.#options;
    const worker = this.#workers[slot];
    if (worker && restartAfter > 0 && worker.executions >= restartAfter) worker.retire();
    if (worker?.isFit) return worker;
    const another = new Worker();
    this.#workers[slot] = another;
    return another;
  }
}

/** One listener for each loop that waits. */
function manyListeners(): AbortController {
  const controller = new AbortController();
  setMaxListeners(0, controller.signal);
  return controller;
}
