/** Sequences from `first` to `last`, both included. */
export interface Span {
  readonly first: number;
  readonly last: number;
}

/** Sequences as few spans as will do: neighbours are one. */
export class SpanSet {
  /** In order, apart from each other. */
  readonly #spans: Span[] = [];
  /** How many sequences. */
  size = 0;

  get spans(): readonly Span[] {
    return this.#spans;
  }

  /** Adds what is not in it yet. @returns the span it is part of now, and where spans began that are part of it as well */
  add(first: number, last: number): { readonly span: Span; readonly gone: readonly number[] } {
    const at = this.#from(first - 1);
    let end = at;
    let span = { first, last };
    for (let other = this.#spans[end]; other && other.first <= last + 1; other = this.#spans[++end]) {
      span = { first: Math.min(span.first, other.first), last: Math.max(span.last, other.last) };
      this.size -= other.last - other.first + 1;
    }
    const merged = this.#spans.splice(at, end - at, span);
    this.size += span.last - span.first + 1;
    return { span, gone: merged.filter((one) => one.first !== span.first).map((one) => one.first) };
  }

  remove(first: number, last: number): void {
    const at = this.#from(first);
    let end = at;
    const rest: Span[] = [];
    for (let other = this.#spans[end]; other && other.first <= last; other = this.#spans[++end]) {
      this.size -= other.last - other.first + 1;
      if (other.first < first) rest.push({ first: other.first, last: first - 1 });
      if (other.last > last) rest.push({ first: last + 1, last: other.last });
    }
    for (const span of rest) this.size += span.last - span.first + 1;
    this.#spans.splice(at, end - at, ...rest);
  }

  /** Takes out the span that begins at a sequence, if one does. It has to be the lowest. */
  takeLowest(first: number): Span | undefined {
    const lowest = this.#spans[0];
    if (lowest?.first !== first) return undefined;
    this.#spans.shift();
    this.size -= lowest.last - lowest.first + 1;
    return lowest;
  }

  /** Index of the first span that ends at `sequence` or later. */
  #from(sequence: number): number {
    let low = 0;
    let high = this.#spans.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#spans[middle]?.last ?? 0) < sequence) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
