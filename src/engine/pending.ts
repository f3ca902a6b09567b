import type { NewRecord } from '../log/index.js';
import type { EngineOutput, Outcome, Submission } from './engine.js';
import type { Line } from './line.js';

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
  write(records: readonly NewRecord[]): Promise<unknown>;
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
export class Pending implements Submission {
  readonly batch: Batch;
  /** Grows in the order of submission; given by who carries it out. */
  ticket = 0;
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

  /** It cannot be withdrawn any more until `written` is called: it is over then, or was not written after all. */
  write(records: readonly NewRecord[]): Promise<unknown> {
    this.leaveLine();
    this.#isWriting = true;
    return this.batch.write(records);
  }

  written(): void {
    this.#isWriting = false;
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
