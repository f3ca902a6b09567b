import type { Delivery } from '../transport/index.js';
import type { Inport } from './inport.js';

/** Headers that go with every output of one call of process(). */
export interface TraceContext {
  readonly headers: Readonly<Record<string, string>>;
}

/** Looks on at a participant's messages. Called for every one: what is off is not there. Must not throw. */
export interface Instruments {
  /** A message has come; it waits for its turn. */
  taken(inport: Inport, delivery: Delivery): void;
  /** Process() is about to be called. What it gives goes with the outputs. */
  trace(inport: Inport, delivery: Delivery): TraceContext | undefined;
  /** Process() has ended, in whatever way. @param startMs when it was called, of performance.now() */
  worked(inport: Inport, startMs: number): void;
}
