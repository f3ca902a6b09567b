import type { Logger } from '../support/index.js';
import type { Broker } from '../transport/index.js';
import { Canary } from './dead-canary.js';
import { RedriveJournal } from './dead-journal.js';
import type { LetterFacts, LetterPlace } from './dead-letter.js';
import { Pace } from './dead-rate.js';
import { RedriveRound } from './dead-round.js';
import type { LetterTest } from './dead-selection.js';

export interface RedriveOptions {
  readonly isMeant: LetterTest;
  /** Most letters, over all inqueues. */
  readonly limit: number;
  /** Between two letters, in ms. */
  readonly everyMs: number;
  /** How many of each inqueue go first. */
  readonly canaries: number;
  readonly canaryWaitMs: number;
  /** What becomes of a letter that may have been sent before a crash. */
  readonly unsure: 'skip' | 'send' | 'drop';
  readonly isDryRun: boolean;
  /** In place of the one it has. */
  readonly payload?: Buffer;
}

/** What a redrive works with. */
export interface RedriveParts {
  readonly broker: Broker;
  readonly address: string;
  /** Where the journal is kept. */
  readonly dir: string;
  readonly signal: AbortSignal;
  readonly log: Logger;
  tell(action: 'sent' | 'would-send' | 'unsure' | 'dropped', letter: LetterFacts): void;
}

/** What was done so far, over all inqueues. */
export interface Tally {
  sent: number;
  unsure: number;
  dropped: number;
  left: number;
  isInterrupted: boolean;
}

/**
 * Sends dead letters back to their inqueues, one after another. Each is noted in the journal, sent and confirmed, and only
 * then removed: killed at any point, nothing is lost, and what may have been sent is told by the next run.
 */
export class Redrive {
  readonly tally: Tally;
  readonly #parts: RedriveParts;
  readonly #options: RedriveOptions;
  readonly #pace: Pace;

  constructor(parts: RedriveParts, options: RedriveOptions) {
    this.#parts = parts;
    this.#options = options;
    this.#pace = new Pace(options.everyMs);
    this.tally = { sent: 0, unsure: 0, dropped: 0, left: options.limit, isInterrupted: false };
  }

  /** One inqueue. @throws {RedriveStoppedError} and what the broker says; the rest stays where it is */
  async run(place: LetterPlace): Promise<void> {
    const { broker, address, dir } = this.#parts;
    const { canaries, isDryRun } = this.#options;
    if (this.tally.left === 0 || this.tally.isInterrupted) return;
    const journal = await RedriveJournal.read({ dir, broker: address, queue: place.queue });
    const canary = canaries > 0 && !isDryRun ? await Canary.watch(broker, place.queue) : undefined;
    const { tally } = this;
    const round = new RedriveRound({
      ...this.#parts,
      ...this.#options,
      place,
      journal,
      canary,
      pace: this.#pace,
      tally,
    });
    try {
      await broker.visitDeadLetters(place.queue, (letter) => round.visit(letter));
      // All that was begun has been removed.
      if (!isDryRun) await journal.end((entry) => round.isSettled(entry));
      await round.end();
    } finally {
      await Promise.all([journal.close(), canary?.close()]);
    }
  }
}
