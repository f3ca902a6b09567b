import { aheadKey, type Facts } from './proc-facts.js';
import { type Span, SpanSet } from './span-set.js';

/** How far a proc is: where everything before is acknowledged, and what is acknowledged beyond. */
export class Progress {
  readonly #proc: string;
  readonly #ahead = new SpanSet();
  #position: number;

  /** @param start sequence of its first record */
  constructor(proc: string, start: number) {
    this.#proc = proc;
    this.#position = start;
  }

  /** First sequence that is not acknowledged. */
  get position(): number {
    return this.#position;
  }

  /** Acknowledged beyond the position. */
  get ahead(): readonly Span[] {
    return this.#ahead.spans;
  }

  /** Of the facts that say what is acknowledged beyond. */
  get keys(): readonly string[] {
    return this.ahead.map(({ first }) => aheadKey(this.#proc, first));
  }

  /** Takes over what was stored. */
  restore(position: number, ahead: readonly Span[]): void {
    this.#position = position;
    for (const { first, last } of ahead) if (first > position) this.#ahead.add(first, last);
  }

  /** These are acknowledged too. @returns whether the position has changed, and has to be stored with the facts */
  advance({ first, last }: Span, facts: Facts): boolean {
    if (first > this.#position) {
      const { span, gone } = this.#ahead.add(first, last);
      facts.put(aheadKey(this.#proc, span.first), String(span.last));
      for (const one of gone) facts.delete(aheadKey(this.#proc, one));
      return false;
    }
    this.#position = last + 1;
    const next = this.#ahead.takeLowest(this.#position);
    if (!next) return true;
    this.#position = next.last + 1;
    facts.delete(aheadKey(this.#proc, next.first));
    return true;
  }

  /** These are not acknowledged after all. */
  retreat({ first, last }: Span): void {
    if (last >= this.#position) {
      this.#ahead.remove(first, last);
      return;
    }
    if (last + 1 < this.#position) this.#ahead.add(last + 1, this.#position - 1);
    this.#position = first;
  }

  /** All that is acknowledged beyond the position, once more. */
  restate(facts: Facts): void {
    for (const { first, last } of this.ahead) facts.put(aheadKey(this.#proc, first), String(last));
  }
}
