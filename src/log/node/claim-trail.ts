import { firstOf, type StoredPosition } from './proc-facts.js';

/** What of a proc was claimed and acknowledged last, and when: for those who look, and for who may ask for it once more. */
export class ClaimTrail {
  lastClaimedAt = 0;
  lastAckedAt = 0;
  lastClaimedRange = '';
  previousClaimedRange = '';
  lastAckedRange = '';

  restore(stored: StoredPosition): void {
    this.lastClaimedAt = stored.lastClaimedAt;
    this.lastAckedAt = stored.lastAckedAt;
    this.lastAckedRange = stored.lastAckedRange;
    this.previousClaimedRange = stored.previousClaimedRange;
    this.lastClaimedRange = stored.lastClaimedRange;
  }

  claimed(range: string, atMs: number): void {
    this.previousClaimedRange = this.lastClaimedRange;
    this.lastClaimedRange = range;
    this.lastClaimedAt = atMs;
  }

  acked(range: string, atMs: number): void {
    this.lastAckedAt = atMs;
    this.lastAckedRange = range;
  }

  /** A claim came back: what was acknowledged before counts as claimed last. */
  cameBack(): void {
    this.lastClaimedRange = this.lastAckedRange;
  }

  /** Sequence of the oldest record of the last two claims. */
  get oldest(): number | undefined {
    return firstOf(this.previousClaimedRange) ?? firstOf(this.lastClaimedRange);
  }
}
