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

/** So many things of a kind are told apart: strangers make up as many as they like. */
const MAX_TOLD_APART = 20;

/** Counts what happens at the door, and says the first of each kind: a flood is no reason to fill the log. */
export class Tally {
  readonly #log: Logger;
  readonly #toldApart = new Set<string>();
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

  /** `about` tells apart what is to be said once each, within a kind; beyond 20 of them the rest is only counted. */
  count(kind: keyof Refusals, text: string, about = ''): void {
    this.#counts[kind] += 1;
    const key = `door: ${kind} ${about}`;
    if (about !== '') {
      if (!this.#toldApart.has(key) && this.#toldApart.size >= MAX_TOLD_APART) return;
      this.#toldApart.add(key);
    }
    this.#log.warnOnce(key, text);
  }

  get counts(): Refusals {
    return { ...this.#counts };
  }
}
