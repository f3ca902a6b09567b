import type { Put } from '../store/store.js';
import type { ReclaimStrategy } from './log-procs.js';

/** What a node keeps beside the records, and how it is written. Names have no control characters, so NUL divides. */
export const PROC = 'proc/';
const POSITION = 'pos/';
export const AHEAD = 'ahead/';
export const CLAIM = 'claim/';

const NO_PUTS: readonly Put[] = [];
const NO_DELETES: readonly string[] = [];

/** Facts of one batch, as they come up. Mostly it is one, or none: no room is made for more. */
export class Facts {
  #puts: Put[] | undefined;
  #deletes: string[] | undefined;

  get puts(): readonly Put[] {
    return this.#puts ?? NO_PUTS;
  }

  get deletes(): readonly string[] {
    return this.#deletes ?? NO_DELETES;
  }

  get isEmpty(): boolean {
    return this.puts.length + this.deletes.length === 0;
  }

  put(key: string, value: string): void {
    if (this.#puts) this.#puts.push({ key, value });
    else this.#puts = [{ key, value }];
  }

  delete(key: string): void {
    if (this.#deletes) this.#deletes.push(key);
    else this.#deletes = [key];
  }
}

/** A proc as it was made, and what may be changed of it. */
export interface ProcDefinition {
  readonly topic: string;
  readonly offset: string;
  /** Sequence where it began. */
  readonly start: number;
  readonly status: 'active' | 'disabled';
  readonly createdAt: number;
  readonly count: number;
  readonly maxReclaims: number;
  readonly reclaimTimeout: number;
  readonly onMaxReclaimsReached: ReclaimStrategy;
  readonly deadletter: string;
  readonly maxClaims: number;
  /** @default true */
  readonly trail?: boolean;
}

export interface StoredPosition {
  readonly position: number;
  readonly lastClaimedAt: number;
  readonly lastAckedAt: number;
  readonly lastAckedRange: string;
  readonly previousClaimedRange: string;
  readonly lastClaimedRange: string;
}

/** A claim that is out, or, without a token, one that came back. */
export interface StoredClaim {
  readonly first: number;
  readonly last: number;
  readonly reclaims: number;
  readonly token: string;
  readonly claimedAtMs: number;
  readonly range: string;
}

export function procKey(name: string): string {
  return PROC + name;
}

export function positionKey(name: string): string {
  return POSITION + name;
}

export function aheadKey(name: string, first: number): string {
  return `${AHEAD}${name}\0${first}`;
}

export function claimKey(name: string, first: number): string {
  return `${CLAIM}${name}\0${first}`;
}

/** Of everything that one proc has in the two families with many keys. */
export function familiesOf(name: string): readonly [ahead: string, claims: string] {
  return [`${AHEAD}${name}\0`, `${CLAIM}${name}\0`];
}

export function positionValue(facts: StoredPosition): string {
  const { position, lastClaimedAt, lastAckedAt, lastAckedRange, previousClaimedRange, lastClaimedRange } = facts;
  const last = lastClaimedRange === lastAckedRange ? '=' : lastClaimedRange;
  return `${position} ${lastClaimedAt} ${lastAckedAt} ${lastAckedRange} ${previousClaimedRange} ${last}`;
}

export function parsePosition(value: string): StoredPosition {
  const [position, claimedAt, ackedAt, lastAckedRange = '', previousClaimedRange = '', last = ''] = value.split(' ');
  return {
    position: Number(position),
    lastClaimedAt: Number(claimedAt ?? 0),
    lastAckedAt: Number(ackedAt ?? 0),
    lastAckedRange,
    previousClaimedRange,
    lastClaimedRange: last === '=' ? lastAckedRange : last,
  };
}

export function claimValue({ last, reclaims, token, claimedAtMs, range }: StoredClaim): string {
  return `${last} ${reclaims} ${token} ${claimedAtMs} ${range}`;
}

export function parseClaim(key: string, value: string): StoredClaim {
  const [last, reclaims, token = '', claimedAt, range = ''] = value.split(' ');
  return {
    first: sequenceIn(key),
    last: Number(last),
    reclaims: Number(reclaims),
    token,
    claimedAtMs: Number(claimedAt),
    range,
  };
}

/** The sequence at the end of a key of `ahead/` or `claim/`. */
export function sequenceIn(key: string): number {
  return Number(key.slice(key.lastIndexOf('\0') + 1));
}

/** Sequence of the first record of `<id>..<id>`. */
export function firstOf(range: string): number | undefined {
  if (range === '') return undefined;
  const dash = range.indexOf('-');
  return Number(range.slice(dash + 1, range.indexOf('..')));
}
