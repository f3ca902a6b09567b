import { ID_KIND, newToken, Stamps } from '../index.js';
import type { Report } from './credit.js';
import { Fifo } from './fifo.js';
import type { FlowTarget } from './flow-target.js';

interface Waiting {
  readonly resolve: (number: number) => void;
  readonly reject: (error: Error) => void;
}

/**
 * What is sent to one outqueue, numbered: at most so much of it is unsettled at each target as the target has room for,
 * and who sends more waits for its number. Numbers go out in the order in which they were asked for.
 */
export class Flow {
  readonly #stamps = new Stamps(newToken(), ID_KIND.flow);
  #targets: readonly FlowTarget[] = [];
  readonly #waiting = new Fifo<Waiting>();
  #last = 0;
  #confirmed = 0;
  #startedMs: number | undefined;
  #ended: Error | undefined;

  /** Takers tell under it what they have settled. */
  get token(): string {
    return this.#stamps.token;
  }

  get targets(): readonly FlowTarget[] {
    return this.#targets;
  }

  set targets(targets: readonly FlowTarget[]) {
    this.#targets = targets;
    this.pump();
  }

  /** The highest number that the broker has. */
  get confirmedUpTo(): number {
    return this.#confirmed;
  }

  /** False while it flows to nobody: then messages need no number. */
  get isWanted(): boolean {
    return this.#targets.length > 0 || this.#waiting.size > 0;
  }

  get isQuiet(): boolean {
    return this.#waiting.size === 0 && this.#targets.every(({ unsettled }) => unsettled === 0);
  }

  /** Milliseconds since the first message. */
  get ageMs(): number {
    return this.#startedMs === undefined ? 0 : performance.now() - this.#startedMs;
  }

  /** The number of the next message; a promise of it while some target has no room. */
  take(): number | Promise<number> {
    if (this.#ended) return Promise.reject(this.#ended);
    if (this.#waiting.size === 0 && this.#hasRoom) return this.#next();
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  /** The id of the message that has this number, which is sent now for the first time. */
  idOf(number: number): string {
    return this.#stamps.messageId(number);
  }

  /** The broker has it. They are confirmed in order. */
  confirmed(number: number): void {
    if (number > this.#confirmed) this.#confirmed = number;
  }

  /** Nobody has it. */
  dropped(number: number): void {
    for (const target of this.#targets) target.remove(number);
    this.pump();
  }

  hear(report: Report): void {
    for (const target of this.#targets) if (target.inqueue === report.inqueue) target.take(report);
    this.pump();
  }

  /** Lets go what there is room for. */
  pump(): void {
    while (this.#waiting.size > 0 && this.#hasRoom) this.#waiting.shift()?.resolve(this.#next());
  }

  /** Nobody waits any longer, now or later. */
  end(error: Error): void {
    this.#ended = error;
    for (const { reject } of this.#waiting.drain()) reject(error);
  }

  get #hasRoom(): boolean {
    for (const target of this.#targets) if (!target.hasRoom) return false;
    return true;
  }

  #next(): number {
    this.#startedMs ??= performance.now();
    this.#last += 1;
    for (const target of this.#targets) target.add(this.#last);
    return this.#last;
  }
}
