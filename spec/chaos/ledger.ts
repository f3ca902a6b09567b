import { closeSync, existsSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';

/** One participant that a message went through: its slot and process, and when, in ms since 1970. */
export interface Hop {
  readonly slot: string;
  readonly pid: number;
  readonly atMs: number;
}

/** One arrival at the sink; the first hop is the source, the last the sink. */
export interface Arrival {
  readonly n: number;
  readonly hops: readonly Hop[];
}

/** What source and sink of a run have written down so far; call `read()` to look again. */
export class Ledger {
  /** Numbers whose send was begun, and those for which it was confirmed. */
  readonly begun = new Set<number>();
  readonly confirmed = new Set<number>();
  /** In the order in which they were written. */
  readonly arrivals: Arrival[] = [];
  readonly #times = new Map<number, number>();
  readonly #sent: Lines;
  readonly #arrived: Lines;

  /** @param folder in which source and sink run */
  constructor(folder: string) {
    this.#sent = new Lines(join(folder, 'sent.ledger'));
    this.#arrived = new Lines(join(folder, 'arrived.ledger'));
  }

  read(): void {
    // Arrivals first: what was confirmed meanwhile is then missing for a moment, never the other way round.
    for (const line of this.#arrived.more()) {
      const arrival = arrivalOf(line);
      if (!arrival) continue;
      this.arrivals.push(arrival);
      this.#times.set(arrival.n, (this.#times.get(arrival.n) ?? 0) + 1);
    }
    for (const line of this.#sent.more()) {
      const n = Number(line.slice(1));
      if (line.startsWith('+')) this.begun.add(n);
      if (line.startsWith('=')) this.confirmed.add(n);
    }
  }

  /** Confirmed numbers that have not arrived. */
  missing(): readonly number[] {
    return [...this.confirmed].filter((n) => !this.#times.has(n));
  }

  /** Arrivals that were not the first of their number. */
  get duplicates(): number {
    return this.arrivals.length - this.#times.size;
  }

  /** The longest time without an arrival between two moments (ms since 1970), their own ends included. */
  longestStallMs(fromMs: number, toMs: number): number {
    const times = this.arrivals.map(({ hops }) => hops.at(-1)?.atMs ?? 0).filter((at) => at >= fromMs && at <= toMs);
    const all = [fromMs, ...times.sort((a, b) => a - b), toMs];
    return all.reduce((most, at, index) => Math.max(most, at - (all[index - 1] ?? at)), 0);
  }

  /** When the first message arrived that a hop of its way fits, in ms since 1970. */
  firstArrivalMs(fits: (hop: Hop, isSource: boolean) => boolean): number | undefined {
    const through = this.arrivals.filter(({ hops }) => hops.some((hop, at) => fits(hop, at === 0)));
    const times = through.map(({ hops }) => hops.at(-1)?.atMs ?? 0);
    return times.length === 0 ? undefined : times.reduce((first, at) => Math.min(first, at));
  }
}

/** A file that others append lines to. */
class Lines {
  readonly #path: string;
  #offset = 0;
  #rest = '';

  constructor(path: string) {
    this.#path = path;
  }

  /** Those that came since the last call. The writers put the line break in front, so the last one is whole as well. */
  more(): readonly string[] {
    if (!existsSync(this.#path)) return [];
    const file = openSync(this.#path, 'r');
    const buffer = Buffer.alloc(64 * 1024);
    try {
      for (let read = -1; read !== 0; ) {
        read = readSync(file, buffer, 0, buffer.length, this.#offset);
        this.#offset += read;
        this.#rest += buffer.toString('latin1', 0, read);
      }
    } finally {
      closeSync(file);
    }
    const lines = this.#rest.split('\n');
    this.#rest = '';
    return lines.filter((line) => line !== '');
  }
}

function arrivalOf(line: string): Arrival | undefined {
  try {
    const { n, hops } = JSON.parse(line) as { n: number; hops: readonly (readonly [string, number, number])[] };
    return { n, hops: hops.map(([slot, pid, atMs]) => ({ slot, pid, atMs })) };
  } catch {
    return undefined; // broke off when the sink was killed: it did not settle that message
  }
}
