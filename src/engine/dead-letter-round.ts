import { type LogNode, splitSource } from '../log/index.js';
import type { EngineLetter, EngineRound } from './engine.js';
import type { Inqueue } from './inqueue.js';

interface Shown {
  readonly token: string;
}

/** One look at the dead letters that an inqueue holds: the one that is shown is nobody else's meanwhile. */
export class DeadLetterRound implements EngineRound {
  readonly #node: LogNode;
  readonly #queue: Inqueue | undefined;
  /** What comes during the round is left out, so that it ends. */
  readonly #end: number;
  #next = 0;
  #shown: Shown | undefined;
  #isOver = false;

  /** @param queue where the letters are kept; undefined when there is no such place */
  constructor(node: LogNode, queue: Inqueue | undefined) {
    this.#node = node;
    this.#queue = queue;
    this.#end = (queue && node.backlog(queue.proc)?.taken) ?? 0;
  }

  async next(): Promise<EngineLetter | undefined> {
    await this.settle('keep');
    const queue = this.#queue;
    if (this.#isOver || !queue || queue.isGone) return undefined;
    const claim = await this.#node.claimWithin(queue.proc, this.#next, this.#end - 1);
    const record = claim?.records[0];
    if (!claim || !record) return undefined;
    if (this.#isOver) this.#node.release(queue.proc, claim.token);
    if (this.#isOver) return undefined;
    this.#next = record.sequence + 1;
    this.#shown = { token: claim.token };
    return { key: String(record.sequence), body: record.body, headers: splitSource(record.headers).headers };
  }

  async settle(fate: 'keep' | 'remove'): Promise<void> {
    const shown = this.#shown;
    const queue = this.#queue;
    this.#shown = undefined;
    if (!shown || !queue || queue.isGone) return;
    if (fate === 'keep') this.#node.release(queue.proc, shown.token);
    else await this.#remove(queue.proc, shown);
  }

  async #remove(proc: string, shown: Shown): Promise<void> {
    try {
      await this.#node.ack(proc, shown.token);
    } catch (error) {
      this.#node.release(proc, shown.token); // it is still there, for others too
      throw error;
    }
  }

  end(): void {
    this.#isOver = true;
    void this.settle('keep');
  }
}
