import type { EngineOutput, Outcome, Submission } from './engine.js';

/** What a submission asks for; `commit` carries out the verdict in the same step as the outputs. */
export interface Batch {
  readonly outputs: readonly EngineOutput[];
  /** Those of all outputs together. */
  readonly bytes: number;
  readonly hold: boolean;
  /** False once the delivery is not held any more. */
  isAlive(): boolean;
  commit(): void;
}

export function bytesOf(outputs: readonly EngineOutput[]): number {
  let bytes = 0;
  for (const { body } of outputs) bytes += body.length;
  return bytes;
}

/** A submission, which waits in at most one line. */
export class Pending implements Submission {
  readonly batch: Batch;
  readonly #done: (outcome: Outcome) => void;
  #line: Set<Pending> | undefined;
  #waitsFor: Submission['waitsFor'] = 'nothing';
  #over = false;
  readonly #onCancel: () => void;

  constructor(batch: Batch, done: (outcome: Outcome) => void, onCancel: () => void = () => undefined) {
    this.batch = batch;
    this.#done = done;
    this.#onCancel = onCancel;
  }

  get waitsFor(): Submission['waitsFor'] {
    return this.#waitsFor;
  }

  waitIn(line: Set<Pending>, waitsFor: 'room' | 'route'): void {
    this.leaveLine();
    line.add(this);
    this.#line = line;
    this.#waitsFor = waitsFor;
  }

  leaveLine(): void {
    this.#line?.delete(this);
    this.#line = undefined;
    this.#waitsFor = 'nothing';
  }

  finish(outcome: Outcome): void {
    if (this.#over) return;
    this.#over = true;
    this.leaveLine();
    this.#done(outcome);
  }

  cancel(): void {
    if (this.#over) return;
    this.#over = true;
    this.leaveLine();
    this.#onCancel();
  }
}
