import type { NewRecord } from '../log/index.js';
import type { EngineOutput, Outcome, Submission } from './engine.js';
import type { Inqueue } from './inqueue.js';
import type { Line } from './line.js';

const NO_ROOM: readonly Reserved[] = [];

/** Told when something was written, or why it was not: one of both, once, and never within the call. */
export interface Written {
  stored(): void;
  refused(error: Error): void;
}

/** Who carries out submissions. */
export interface Carrier {
  written(pending: Pending): void;
  notWritten(pending: Pending, error: Error): void;
}

/** Room that is kept in a queue for what is on its way there. */
export interface Reserved {
  readonly queue: Inqueue;
  readonly bytes: number;
}

/** What a submission asks for. */
export interface Batch {
  readonly outputs: readonly EngineOutput[];
  /** Those of all outputs together. */
  readonly bytes: number;
  readonly hold: boolean;
  /** False once the delivery is not held any more. */
  isAlive(): boolean;
  /** Copies what it has of others' memory: it may wait for long. */
  own(): void;
  /** Writes the outputs, and the verdict in the same step. */
  write(records: readonly NewRecord[], written: Written): void;
  /** Called once, unless it is withdrawn. */
  ended(outcome: Outcome): void;
}

/** Copies, so that what is kept does not keep the whole block that it came in. */
export function owned(outputs: readonly EngineOutput[]): readonly EngineOutput[] {
  return outputs.map((output) => ({ ...output, body: Buffer.from(output.body), headers: Buffer.from(output.headers) }));
}

export function bytesOf(outputs: readonly EngineOutput[]): number {
  let bytes = 0;
  for (const { body } of outputs) bytes += body.length;
  return bytes;
}

/** A submission: it waits in at most one line, then it is being written, then it is over. */
export class Pending implements Submission, Written {
  readonly batch: Batch;
  /** Grows in the order of submission; given by who carries it out. */
  ticket = 0;
  /** While it is being written. */
  reserved: readonly Reserved[] = NO_ROOM;
  #carrier: Carrier | undefined;
  #line: Line | undefined;
  #waitsFor: Submission['waitsFor'] = 'nothing';
  #isWriting = false;
  #isOwn = false;
  #over = false;

  constructor(batch: Batch) {
    this.batch = batch;
  }

  get waitsFor(): Submission['waitsFor'] {
    return this.#waitsFor;
  }

  get line(): Line | undefined {
    return this.#line;
  }

  /** It was withdrawn, or is over. */
  get isWithdrawn(): boolean {
    return this.#over;
  }

  get isWriting(): boolean {
    return this.#isWriting;
  }

  waitIn(line: Line, waitsFor: 'room' | 'route'): void {
    this.leaveLine();
    if (!this.#isOwn) this.batch.own();
    this.#isOwn = true;
    line.add(this);
    this.#line = line;
    this.#waitsFor = waitsFor;
  }

  leaveLine(): void {
    const line = this.#line;
    if (!line) return;
    this.#line = undefined;
    this.#waitsFor = 'nothing';
    line.left();
  }

  /** It cannot be withdrawn any more until the carrier is told: it is over then, or was not written after all. */
  write(records: readonly NewRecord[], reserved: readonly Reserved[], carrier: Carrier): void {
    this.leaveLine();
    this.#isWriting = true;
    this.reserved = reserved;
    this.#carrier = carrier;
    this.batch.write(records, this);
  }

  stored(): void {
    this.#isWriting = false;
    this.#carrier?.written(this);
  }

  refused(error: Error): void {
    this.#isWriting = false;
    this.#carrier?.notWritten(this, error);
  }

  finish(outcome: Outcome): void {
    if (this.#over || this.#isWriting) return;
    this.#over = true;
    this.leaveLine();
    this.batch.ended(outcome);
  }

  cancel(): void {
    if (this.#isWriting) return;
    this.#over = true;
    this.leaveLine();
  }
}
