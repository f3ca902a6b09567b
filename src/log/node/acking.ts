import type { CommitResult, NewRecord, Receipt } from '../store/store.js';
import type { Fanout } from './fanout.js';
import type { OpenClaim, Proc } from './proc.js';
import type { ProcTable } from './proc-table.js';
import type { TopicEntry } from './topic-entry.js';

export interface AckingParts {
  readonly table: ProcTable;
  readonly fanout: Fanout;
  /** Told after every ack. */
  readonly onAcked?: (topic: TopicEntry) => void;
  /** The claim is out as before. */
  reopened(claim: OpenClaim): void;
  /** The store had let an ack wait while one before it was lost: what it stored of the position went too far. */
  restate(proc: Proc): void;
}

/** An ack, with what was made, on its way to the store. */
export class Acking implements Receipt {
  readonly #parts: AckingParts;
  readonly #proc: Proc;
  readonly #claim: OpenClaim;
  readonly #records: readonly NewRecord[];
  readonly #shown: readonly NewRecord[];
  readonly #receipt: Receipt;
  readonly #reached: number;
  readonly #lostAcks: number;

  /**
   * To be made when the proc has noted the ack.
   * @param records those that are stored with it
   * @param shown those that listeners are told of
   */
  constructor(
    parts: AckingParts,
    [proc, claim]: readonly [Proc, OpenClaim],
    records: readonly NewRecord[],
    shown: readonly NewRecord[],
    receipt: Receipt,
  ) {
    this.#parts = parts;
    this.#proc = proc;
    this.#claim = claim;
    this.#records = records;
    this.#shown = shown;
    this.#receipt = receipt;
    this.#reached = proc.position;
    this.#lostAcks = proc.lostAcks;
    proc.acksInFlight++;
  }

  stored(result: CommitResult): void {
    const { table, fanout, onAcked, restate } = this.#parts;
    const proc = this.#proc;
    proc.acksInFlight--;
    proc.acked += this.#claim.last - this.#claim.first + 1;
    table.committed(this.#records, result);
    fanout.tell(this.#shown);
    table.wakeups.proc(proc);
    if (this.#lostAcks !== proc.lostAcks) restate(proc);
    else if (this.#reached > proc.safePosition) proc.safePosition = this.#reached;
    onAcked?.(proc.topic);
    this.#receipt.stored(result);
  }

  refused(error: Error): void {
    this.#proc.acksInFlight--;
    this.#proc.unack(this.#claim);
    this.#parts.reopened(this.#claim);
    this.#receipt.refused(error);
  }
}
