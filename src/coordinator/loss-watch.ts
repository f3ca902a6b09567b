import type { Logger } from '../support/index.js';
import type { Broker, Subscription } from '../transport/index.js';

export interface LossWatchOptions {
  readonly broker: Broker;
  readonly log: Logger;
  /** Called with each line that is logged. */
  readonly tell: (message: string) => void;
  /** No more than one line in this time. @default 60000 */
  readonly periodMs?: number;
}

/**
 * Says loudly that the broker dropped messages: the first time at once, and then, while it goes on, once a minute with
 * what has come together.
 */
export class LossWatch {
  readonly #options: LossWatchOptions;
  #subscription: Subscription | undefined;
  #timer: NodeJS.Timeout | undefined;
  #messages = 0;
  #reports = 0;
  /** Not said yet. */
  #unsaid = 0;

  constructor(options: LossWatchOptions) {
    this.#options = options;
  }

  /** Messages that the broker dropped since the start; a report that does not say how many counts as one. */
  get messages(): number {
    return this.#messages;
  }

  async start(): Promise<void> {
    this.#subscription = await this.#options.broker.losses((text, messages = 1) => this.#take(text, messages));
  }

  /** Says nothing afterwards. Idempotent. */
  async stop(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    await this.#subscription?.cancel();
  }

  #take(text: string, messages: number): void {
    this.#messages += messages;
    if (this.#timer) {
      this.#unsaid += messages;
      this.#reports += 1;
    } else {
      this.#say(text);
    }
  }

  #say(text: string): void {
    const { log, tell, periodMs = 60_000 } = this.#options;
    log.warn(text);
    tell(text);
    this.#timer = setTimeout(() => this.#sum(), periodMs);
    this.#timer.unref();
  }

  #sum(): void {
    this.#timer = undefined;
    const [messages, reports] = [this.#unsaid, this.#reports];
    this.#unsaid = 0;
    this.#reports = 0;
    if (reports > 0)
      this.#say(`the broker dropped ${messages} more messages (told ${reports} times); ${this.#messages} so far`);
  }
}
