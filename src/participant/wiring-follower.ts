import { readWiring, type Wiring } from '../discovery/index.js';
import { messageOf } from '../errors.js';
import { Backoff, type Logger } from '../support/index.js';

export interface WiringFollowerOptions {
  /** Only wirings of this run are carried out; undefined: all. */
  readonly run: string | undefined;
  readonly log: Logger;
  readonly signal: AbortSignal;
  /** Makes it so. Never called twice at a time; called again when it rejects, unless there is a newer wiring. */
  carryOut(wiring: Wiring): Promise<void>;
}

/** Carries out the wirings of a role one after another. Of those that came meanwhile the newest wins. */
export class WiringFollower {
  readonly #options: WiringFollowerOptions;
  #next: Wiring | undefined;
  #current: string | undefined;
  #busy = false;

  constructor(options: WiringFollowerOptions) {
    this.#options = options;
  }

  /** Takes a wiring message as it comes. What cannot be read is logged once and changes nothing. */
  receive(body: Buffer): void {
    if (body.length === 0) return;
    const { run, log } = this.#options;
    const read = readWiring(body);
    if (read.kind === 'invalid') {
      log.warnOnce(read.reason, `ignored: ${read.reason}`);
    } else if (run !== undefined && read.wiring.run !== run) {
      log.debug(`ignored: a wiring of another run, ${read.wiring.run}`);
    } else {
      this.#next = read.wiring;
    }
    if (!this.#busy) void this.#follow();
  }

  async #follow(): Promise<void> {
    const { signal, log, carryOut } = this.#options;
    const backoff = new Backoff(50, 5000);
    this.#busy = true;
    while (this.#next && !signal.aborted) {
      const wiring = this.#next;
      this.#next = undefined;
      if (wiring.hash === this.#current) continue;
      try {
        await carryOut(wiring);
        this.#current = wiring.hash;
        backoff.reset();
      } catch (error) {
        log.debug(`wiring ${wiring.hash} could not be carried out: ${messageOf(error)}`);
        this.#next ??= wiring;
        await backoff.wait(signal).catch(() => undefined);
      }
    }
    this.#busy = false;
  }
}
