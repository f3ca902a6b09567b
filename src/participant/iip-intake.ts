import type { WiredIip } from '../discovery/index.js';
import type { Logger } from '../support/index.js';
import type { Inport } from './inport.js';
import type { Invoker } from './invoker.js';

/** Hands each IIP over once, known by its key, however often a wiring or the command line names it. */
export class IipIntake {
  readonly #inports: ReadonlyMap<string, Inport>;
  readonly #invoker: Invoker;
  readonly #log: Logger;
  readonly #taken = new Set<string>();

  constructor(inports: ReadonlyMap<string, Inport>, invoker: Invoker, log: Logger) {
    this.#inports = inports;
    this.#invoker = invoker;
    this.#log = log;
  }

  take(iips: readonly WiredIip[]): void {
    for (const { port, data, key } of iips) {
      if (this.#taken.has(key)) continue;
      const inport = this.#inports.get(port);
      if (inport) {
        this.#taken.add(key);
        this.#invoker.iip(inport, data);
      } else {
        this.#log.warnOnce(`iip ${port}`, `there is no inport '${port}': its IIP is ignored`);
      }
    }
  }
}
