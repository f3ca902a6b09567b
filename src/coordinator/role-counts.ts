import { type Counters, DURATION_BOUNDS_MS, type Durations } from '../discovery/index.js';
import type { PortName, Role } from '../names.js';

/** What the participants of a role have done at an inport. */
export interface InportCounts {
  readonly taken: number;
  readonly settled: number;
  readonly dead: number;
  readonly retried: number;
  /** Taken and not settled by those that are there now. */
  readonly inHand: number;
  /** Absent while nobody measures it. */
  readonly waiting?: Durations;
  readonly working?: Durations;
}

/** What they have sent from an outport. */
export interface OutportCounts {
  readonly sent: number;
  readonly dropped: number;
}

/** What one participant told last: numbers side by side, since there may be thousands of participants. */
export interface Told {
  readonly counts: RoleCounts;
  numbers: readonly number[];
  inHand: number;
  /** Since when it has told less than before; see `RoleCounts.take`. */
  lowerSinceMs: number | undefined;
}

/** A kind of row, and how many numbers it has. */
const WIDTHS = {
  /** taken, settled, dead, retried */
  in: 4,
  waiting: DURATION_BOUNDS_MS.length + 2,
  working: DURATION_BOUNDS_MS.length + 2,
  /** sent, dropped */
  out: 2,
  /** of the participant */
  reconnects: 1,
} as const;
type Row = keyof typeof WIDTHS;

/** Rows of a role; who announces more ports is not counted there. */
const MAX_ROWS = 200;

/** Less than was told before is an old message that comes again, unless it stays so for so long: then a new beginning. */
const STALE_MS = 5000;

/**
 * The counts of a role: totals that never go down, whoever of its participants comes and goes, since what each tells is
 * added as the difference to what it told before.
 */
export class RoleCounts {
  readonly role: Role;
  readonly members = new Set<Told>();
  /** Where a row begins among the numbers of each participant, and among the totals. */
  readonly #rows = new Map<string, number>();
  readonly #totals: number[] = [];

  constructor(role: Role) {
    this.role = role;
  }

  /** How often participants of the role lost their connection and found it again. */
  get reconnects(): number {
    return this.#total('reconnects', '', 0) ?? 0;
  }

  /** One more participant, of which nothing is known yet. */
  join(): Told {
    const told: Told = { counts: this, numbers: [], inHand: 0, lowerSinceMs: undefined };
    this.members.add(told);
    return told;
  }

  /** Adds what is new. @param isBaseline what it tells was done before anybody counted: only what follows is added */
  take(told: Told, counters: Counters, { isBaseline, nowMs }: { isBaseline: boolean; nowMs: number }): void {
    const now = this.#numbersOf(counters);
    if (now.some((value, at) => value < (told.numbers[at] ?? 0))) {
      told.lowerSinceMs ??= nowMs;
      if (nowMs - told.lowerSinceMs < STALE_MS) return;
      told.numbers = [];
    }
    told.lowerSinceMs = undefined;
    told.inHand = counters.inHand;
    if (!isBaseline) {
      for (const [at, value] of now.entries()) {
        this.#totals[at] = (this.#totals[at] ?? 0) + value - (told.numbers[at] ?? 0);
      }
    }
    // A copy has no more room than it needs.
    told.numbers = [...now, ...told.numbers.slice(now.length)];
  }

  inport(port: PortName): InportCounts | undefined {
    const first = this.#rows.get(key('in', port));
    if (first === undefined) return undefined;
    const [taken = 0, settled = 0, dead = 0, retried = 0] = this.#totals.slice(first, first + WIDTHS.in);
    let inHand = 0;
    for (const { numbers } of this.members) inHand += Math.max(0, (numbers[first] ?? 0) - (numbers[first + 1] ?? 0));
    const waiting = this.#durations('waiting', port);
    const working = this.#durations('working', port);
    return { taken, settled, dead, retried, inHand, ...(waiting && { waiting }), ...(working && { working }) };
  }

  outport(port: PortName): OutportCounts | undefined {
    const sent = this.#total('out', port, 0);
    return sent === undefined ? undefined : { sent, dropped: this.#total('out', port, 1) ?? 0 };
  }

  #numbersOf({ inports, outports, reconnects }: Counters): number[] {
    const numbers: number[] = [];
    for (const [name, { taken, settled, dead = 0, retried = 0, waiting, working }] of Object.entries(inports)) {
      this.#put(numbers, 'in', name, [taken, settled, dead, retried]);
      if (waiting) this.#put(numbers, 'waiting', name, [...waiting.counts, waiting.sumMs]);
      if (working) this.#put(numbers, 'working', name, [...working.counts, working.sumMs]);
    }
    for (const [name, { sent, dropped }] of Object.entries(outports)) {
      this.#put(numbers, 'out', name, [sent, dropped]);
    }
    if (reconnects !== undefined) this.#put(numbers, 'reconnects', '', [reconnects]);
    return numbers;
  }

  #put(numbers: number[], row: Row, port: string, values: readonly number[]): void {
    const first = this.#rowOf(row, port);
    if (first === undefined) return;
    while (numbers.length < first) numbers.push(0);
    for (const [at, value] of values.entries()) numbers[first + at] = value;
  }

  #rowOf(row: Row, port: string): number | undefined {
    const name = key(row, port);
    const known = this.#rows.get(name);
    if (known !== undefined || this.#rows.size >= MAX_ROWS) return known;
    const first = this.#totals.length;
    this.#rows.set(name, first);
    for (let at = 0; at < WIDTHS[row]; at += 1) this.#totals.push(0);
    return first;
  }

  #total(row: Row, port: string, at: number): number | undefined {
    const first = this.#rows.get(key(row, port));
    return first === undefined ? undefined : this.#totals[first + at];
  }

  #durations(row: 'waiting' | 'working', port: PortName): Durations | undefined {
    const first = this.#rows.get(key(row, port));
    if (first === undefined) return undefined;
    const last = first + WIDTHS[row] - 1;
    return { counts: this.#totals.slice(first, last), sumMs: this.#totals[last] ?? 0 };
  }
}

const key = (row: Row, port: string): string => `${row} ${port}`;
