/** What a walk over a log found at one place. */
export interface Finding {
  /**
   * Damages: `bytes` that are no frame, or not what was written; `missing` frames, records or segments; `order` of
   * sequences or times; `content` of a frame that makes no sense. Notes, which are none: `torn` end of the last segment;
   * `index` and `checkpoint` that are not there and can be made again.
   */
  readonly kind: 'bytes' | 'missing' | 'order' | 'content' | 'torn' | 'index' | 'checkpoint';
  readonly file: string;
  /** In the file. */
  readonly offset: number;
  /** How many of them, where that is known. */
  readonly bytes?: number;
  readonly text: string;
}

/** A log that is full of damage is not to fill the memory as well. */
const MAX_LISTED = 1000;

/** Collects what was found, in order. */
export class Findings {
  readonly damages: Finding[] = [];
  readonly notes: Finding[] = [];
  moreDamages = 0;

  damage(finding: Finding): void {
    if (this.damages.length < MAX_LISTED) this.damages.push(finding);
    else this.moreDamages += 1;
  }

  note(finding: Finding): void {
    this.notes.push(finding);
  }
}
