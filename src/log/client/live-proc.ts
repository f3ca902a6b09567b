import { randomUUID } from 'node:crypto';
import { messageOf } from '../../errors.js';
import { Backoff } from '../../support/index.js';
import type { ProcState } from '../node/log-procs.js';
import { LIVE_PROC } from '../wire/index.js';
import { LogCallError } from './errors.js';
import type { NodeLine } from './node-line.js';
import type { AckCommitted, LiveProc, LiveProcOptions, NewLog, OnChanges, PipeProcClient, Rec } from './pipe-proc.js';
import { readClaim } from './read-data.js';

/** The node answers when there is something; then, or after so long, it is asked again. */
const WAIT_MS = 30_000;
const RETRY_MIN_MS = 10;
const RETRY_MAX_MS = 3000;

/**
 * A live proc: a proc of its own, whose next claim is asked for when the last one was dealt with. The node keeps the question
 * until there is an answer, so a record comes at once also after a long silence.
 */
export class TopicFollower implements LiveProc {
  readonly #client: PipeProcClient;
  readonly #line: () => NodeLine;
  readonly #options: LiveProcOptions;
  readonly #name = `${LIVE_PROC}${randomUUID()}`;
  readonly #stop = new AbortController();
  #claim: string | undefined;
  #isFollowing = false;

  /** @param line the connection of now; throws when there is none any more */
  constructor(client: PipeProcClient, line: () => NodeLine, options: LiveProcOptions) {
    this.#client = client;
    this.#line = line;
    this.#options = options;
  }

  changes(callback: OnChanges): LiveProc {
    if (this.#isFollowing) throw new LogCallError('live_proc_already_followed');
    this.#isFollowing = true;
    void this.#follow(callback);
    return this;
  }

  async inspect(): Promise<ProcState> {
    return await this.#client.inspectProc(this.#name);
  }

  async destroy(): Promise<ProcState> {
    return await this.#client.destroyProc(this.#name);
  }

  async disable(): Promise<ProcState> {
    return await this.#client.disableProc(this.#name);
  }

  async resume(): Promise<ProcState> {
    return await this.#client.resumeProc(this.#name);
  }

  async reclaim(): Promise<string> {
    return await this.#client.reclaim(this.#name, this.#claim);
  }

  async ack(): Promise<string> {
    return await this.#client.ack(this.#name, this.#claim);
  }

  async ackCommit<R extends NewLog | readonly NewLog[]>(record: R): Promise<AckCommitted<R>> {
    return await this.#client.ackCommit(this.#name, record, this.#claim);
  }

  async cancel(): Promise<void> {
    this.#stop.abort();
    try {
      await this.destroy();
    } catch (error) {
      if (!(error instanceof LogCallError && error.code === 'invalid_proc')) throw error; // it never began
    }
  }

  async #follow(callback: OnChanges): Promise<void> {
    const backoff = new Backoff(RETRY_MIN_MS, RETRY_MAX_MS);
    while (!this.#stop.signal.aborted) {
      let isTold = false;
      try {
        const log = await this.#next();
        isTold = true;
        if (log && !this.#stop.signal.aborted) await this.#tell(callback, null, log);
        backoff.reset();
      } catch (error) {
        if (this.#stop.signal.aborted || isOver(error)) return;
        await this.#failed(callback, error, isTold);
        await backoff.wait(this.#stop.signal).catch(() => undefined);
      }
    }
  }

  async #next(): Promise<Rec | Rec[] | undefined> {
    const { topic, mode, count } = this.#options;
    const proc = {
      topic,
      name: this.#name,
      offset: mode === 'live' ? '$>' : '>',
      count,
      onMaxReclaimsReached: 'continue',
    };
    const claim = readClaim(await this.#line().await('proc', { proc, waitMs: WAIT_MS }));
    this.#claim = claim?.token;
    return claim?.log;
  }

  /** Resolves when the callback wants more, by `next` or by its promise. */
  async #tell(callback: OnChanges, error: Error | null, log: Rec | Rec[] | null): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const result = callback.call(this, error, log, resolve);
      if (result instanceof Promise) result.then(() => resolve(), reject);
    });
  }

  /** What the callback threw gives its records back; it is told of all else, and decides. */
  async #failed(callback: OnChanges, error: unknown, isTold: boolean): Promise<void> {
    const isOurs = error instanceof LogCallError;
    const isLost = isOurs && error.code === 'connection_lost';
    // A node that was killed still has it as claimed when it is back, unless the ack had come.
    if (this.#claim !== undefined && (isTold || !isLost)) await this.reclaim().catch(() => undefined);
    if (isLost) return; // the next question waits for the node
    const reason = error instanceof Error ? error : new Error(messageOf(error));
    if (isOurs) await this.#tell(callback, reason, null).catch(() => undefined);
  }
}

/** The client was shut down. */
function isOver(error: unknown): boolean {
  return error instanceof LogCallError && error.code === 'no_active_node';
}
