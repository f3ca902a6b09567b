import type { Logger } from '../support/index.js';

/** What is refused, cut off or left out at the door. */
export interface Refusals {
  /** Clients beyond the limit. */
  readonly tooMany: number;
  /** Browser pages that may not connect. */
  readonly wrongOrigin: number;
  /** Clients closed because they read too slowly. */
  readonly tooSlow: number;
  /** Clients closed because of a message above the limit. */
  readonly tooBig: number;
  /** Clients closed because they broke the rules of WebSocket. */
  readonly malformed: number;
  /** Clients that answered no ping. */
  readonly dead: number;
  /** Connections that brought no proper request, upgrade or TLS handshake, or not in time. */
  readonly badRequests: number;
  /** Connections beyond the limit. */
  readonly turnedAway: number;
  /** Copies of data left out for clients that read too slowly. */
  readonly dropped: number;
}

/** Counts what happens at the door, and says the first of each kind: a flood is no reason to fill the log. */
export class Tally {
  readonly #log: Logger;
  readonly #counts = {
    tooMany: 0,
    wrongOrigin: 0,
    tooSlow: 0,
    tooBig: 0,
    malformed: 0,
    dead: 0,
    badRequests: 0,
    turnedAway: 0,
    dropped: 0,
  };

  constructor(log: Logger) {
    this.#log = log;
  }

  /** `about` tells apart what is to be said once each, within a kind. */
  count(kind: keyof Refusals, text: string, about = ''): void {
    this.#counts[kind] += 1;
    this.#log.warnOnce(`door: ${kind} ${about}`, text);
  }

  get counts(): Refusals {
    return { ...this.#counts };
  }
}
