import type { TopicEntry } from './topic-entry.js';

/** Records that nobody holds, to be given out as one. */
export interface Piece {
  readonly first: number;
  readonly last: number;
  readonly reclaims: number;
  /** The log knows of it, as claimed or as come back. */
  readonly isStored: boolean;
}

/** What a proc has not given out, or was given back: all of it in order, oldest first. */
export class FreeRecords {
  readonly #topic: TopicEntry;
  /** First sequence that was never given out. */
  #next: number;
  /** Below `next`, in order: came back, or was left open by a restart. */
  readonly #returned: Piece[] = [];
  /** Records in them. */
  #returnedSize = 0;

  constructor(topic: TopicEntry, start: number) {
    this.#topic = topic;
    this.#next = start;
  }

  get isEmpty(): boolean {
    return this.#next > this.#topic.last && this.#returned.length === 0;
  }

  get returned(): readonly Piece[] {
    return this.#returned;
  }

  /** How many records. */
  get size(): number {
    return this.#returnedSize + Math.max(0, this.#topic.last + 1 - Math.max(this.#next, this.#topic.first));
  }

  /** Begins at a position, with what lies in others' hands or is done, in order; `back` says of what came back. */
  restore(position: number, taken: readonly { readonly first: number; readonly last: number; back?: Piece }[]): void {
    this.#next = position;
    for (const { first, last, back } of taken) {
      if (first > this.#next) this.#returned.push({ first: this.#next, last: first - 1, reclaims: 0, isStored: false });
      if (back) this.#returned.push(back);
      this.#next = last + 1;
    }
    for (const piece of this.#returned) this.#returnedSize += sizeOf(piece);
  }

  /** A piece of up to `count` records; one that came back goes first, as it was. */
  take(count: number): Piece | undefined {
    const back = this.#returned.shift();
    if (back) this.#returnedSize -= sizeOf(back);
    if (back && (back.reclaims > 0 || back.last - back.first < count)) return back;
    if (back) {
      this.#returnedSize += sizeOf(back) - count;
      this.#returned.unshift({ ...back, first: back.first + count, isStored: false });
      return { ...back, last: back.first + count - 1 };
    }
    // What was dropped unread is passed over with the piece behind it.
    const last = Math.min(Math.max(this.#next, this.#topic.first) + count - 1, this.#topic.last);
    if (last < this.#next) return undefined;
    const piece = { first: this.#next, last, reclaims: 0, isStored: false };
    this.#next = last + 1;
    return piece;
  }

  /** First sequence that was never given out, as far as is known. */
  get nextFresh(): number {
    return this.#next;
  }

  /** Sequence of the first of them. */
  get first(): number | undefined {
    if (this.isEmpty) return undefined;
    return this.#returned[0]?.first ?? Math.max(this.#next, this.#topic.first);
  }

  /** The first single record from one sequence to another; those before it stay as they are. For claims of one record. */
  takeWithin(from: number, to: number): Piece | undefined {
    const at = this.#returned.findIndex(({ last }) => last >= from);
    const back = this.#returned[at];
    if (!back) return this.#takeFresh(Math.max(from, this.#next, this.#topic.first), to);
    const first = Math.max(from, back.first);
    if (first > to) return undefined;
    const rest = [
      { ...back, last: first - 1 },
      { ...back, first: first + 1, isStored: false },
    ].filter((piece) => piece.first <= piece.last);
    this.#returned.splice(at, 1, ...rest);
    this.#returnedSize -= 1;
    return { ...back, first, last: first };
  }

  /** Takes one that was never given out; what is before it becomes a piece of its own. */
  #takeFresh(sequence: number, to: number): Piece | undefined {
    if (sequence > Math.min(to, this.#topic.last)) return undefined;
    this.#passOver(Math.max(this.#next, this.#topic.first), sequence - 1);
    this.#next = sequence + 1;
    return { first: sequence, last: sequence, reclaims: 0, isStored: false };
  }

  #passOver(first: number, last: number): void {
    if (first > last) return;
    this.#returnedSize += last - first + 1;
    const before = this.#returned.at(-1);
    const isOne = before && before.last + 1 === first && before.reclaims === 0 && !before.isStored;
    if (isOne) this.#returned[this.#returned.length - 1] = { ...before, last };
    else this.#returned.push({ first, last, reclaims: 0, isStored: false });
  }

  /** In order. */
  putBack(pieces: readonly Piece[]): void {
    for (let at = pieces.length - 1; at >= 0; at--) {
      const piece = pieces[at];
      if (!piece) continue;
      if (piece.last + 1 === this.#next && piece.reclaims === 0 && !piece.isStored) this.#next = piece.first;
      else {
        const before = this.#returned.findLastIndex(({ first }) => first < piece.first);
        this.#returned.splice(before + 1, 0, piece);
        this.#returnedSize += sizeOf(piece);
      }
    }
  }

  /** What came back counts as new. */
  forgetReclaims(): void {
    for (const [at, piece] of this.#returned.entries()) this.#returned[at] = { ...piece, reclaims: 0, isStored: false };
  }
}

function sizeOf({ first, last }: Piece): number {
  return last - first + 1;
}
