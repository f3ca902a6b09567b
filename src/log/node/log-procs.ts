/** What becomes of a claim that came back too often: the proc stops, goes on for ever, or gives the records to a topic. */
export type ReclaimStrategy = 'disable' | 'continue' | 'deadletter';

/** Zero or absent numbers mean the default. They count when the proc is made; later only `count` is looked at. */
export interface ProcOptions {
  /** 1 to 200 characters, none of them a control character. */
  readonly name: string;
  /** `>` from the first record, `$>` what is committed from now on, an id, `<ms>` or `:<seq>`: what comes after it. */
  readonly offset: string;
  /** Records of one claim, at most. @default 1 */
  readonly count?: number;
  /** Times that one claim may come back; below zero: no limit. @default 10 */
  readonly maxReclaims?: number;
  /** Milliseconds until a claim comes back by itself; below zero: never. @default 10000 */
  readonly reclaimTimeout?: number;
  /** @default 'disable' */
  readonly onMaxReclaimsReached?: ReclaimStrategy;
  /** Topic for the strategy `deadletter`. @default `dead-<topic>` */
  readonly deadletter?: string;
  /** Claims out at once. @default 1 */
  readonly maxClaims?: number;
  /** False: ranges and times of claims in its state stay empty, and an ack writes less; for procs of which nobody asks what came last. @default true */
  readonly trail?: boolean;
}

export interface ProcState {
  readonly name: string;
  readonly topic: string;
  readonly offset: string;
  readonly status: 'active' | 'disabled';
  /** Milliseconds since 1970, as the next two; 0 before the first. */
  readonly createdAt: number;
  readonly lastClaimedAt: number;
  readonly lastAckedAt: number;
  /** `""` or `<id>..<id>`, also for one record; as the next two. */
  readonly lastClaimedRange: string;
  readonly previousClaimedRange: string;
  readonly lastAckedRange: string;
  /** Of the claim that came back most often since it was acknowledged. */
  readonly reclaims: number;
  readonly maxReclaims: number;
  /** Milliseconds; -1: never. */
  readonly reclaimTimeout: number;
  readonly onMaxReclaimsReached: ReclaimStrategy;
  readonly count: number;
  readonly maxClaims: number;
  readonly deadletter: string;
  /** Records that nobody holds and that are not acknowledged. */
  readonly ready: number;
  /** Records that are claimed now. */
  readonly unacked: number;
  /** Sequence of the first record that is not acknowledged. */
  readonly position: number;
  /** Records acknowledged since the node was opened. */
  readonly acked: number;
}

/** What may change while a proc lives. */
export type ProcChange = Partial<
  Pick<ProcOptions, 'count' | 'maxClaims' | 'maxReclaims' | 'reclaimTimeout' | 'onMaxReclaimsReached' | 'deadletter'>
>;

/** How a proc stands, in records. */
export interface Backlog {
  /** That nobody holds and that are not acknowledged. */
  readonly ready: number;
  /** Claimed now. */
  readonly unacked: number;
  /** That ever came to its topic. */
  readonly taken: number;
  /** Acknowledged since the node was opened. */
  readonly acked: number;
}

/** Procs as those see them who look after them. */
export interface LogProcs {
  inspectProc(name: string): ProcState;
  listProcs(): readonly ProcState[];
  /** Cheaper than `inspectProc`; undefined for one that does not exist. */
  backlog(name: string): Backlog | undefined;
  /** Records that nobody holds and that are not acknowledged; 0 for a proc that does not exist. Cheap. */
  ready(name: string): number;
  /** Names of the procs of a topic. */
  readers(topic: string): readonly string[];
  isRead(topic: string): boolean;
  updateProc(name: string, change: ProcChange): Promise<ProcState>;
  disableProc(name: string): Promise<ProcState>;
  resumeProc(name: string): Promise<ProcState>;
  destroyProc(name: string): Promise<void>;
  /** Resolves when the named procs that are active, or all of them, have acknowledged all there is for them. */
  waitForProcs(names?: readonly string[], signal?: AbortSignal): Promise<void>;
}
