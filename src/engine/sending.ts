import type { LogNode, NewRecord } from '../log/index.js';
import type { EngineOutput, Outcome } from './engine.js';
import { type Batch, owned, type Written } from './pending.js';

/** The client that sends. */
export interface Sender {
  readonly node: LogNode;
  readonly hasEnded: boolean;
  answered(sending: Sending): void;
}

/** One message that a client sends. */
export class Sending implements Batch {
  outputs: readonly EngineOutput[];
  readonly bytes: number;
  readonly hold = false;
  readonly #sender: Sender;
  readonly #done: (outcome: Outcome) => void;

  constructor(sender: Sender, output: EngineOutput, done: (outcome: Outcome) => void) {
    this.outputs = [output];
    this.bytes = output.body.length;
    this.#sender = sender;
    this.#done = done;
  }

  isAlive(): boolean {
    return !this.#sender.hasEnded;
  }

  own(): void {
    this.outputs = owned(this.outputs);
  }

  write(records: readonly NewRecord[], written: Written): void {
    this.#sender.node.submit(records, written);
  }

  ended(outcome: Outcome): void {
    this.#sender.answered(this);
    this.#done(outcome);
  }
}
