/** What is read, as its pace sees it. */
export interface Paced {
  /** Whether nobody is slowed by a pause just now. Asked when all that was read has been seen to. */
  mayPause(): boolean;
  pause(): void;
  /** Not called any more after `ReadPace.end()`. */
  resume(): void;
}

/** So many reads are looked at; they are quick when they take less than this. */
const LOOKED_AT = 8;
const QUICK_MS = 3.2;
/** Then so many are paced, before it looks again. */
const PACED = 32;
const PAUSE_MS = 1;
/** A paced read that brings fewer packets on average is not worth its pause, and somebody may be waiting for each. */
const WORTH_PACKETS = 6;
/** Reads without a look at them, after pauses that were not worth it. */
const REST = 1000;

/**
 * Makes fewer and larger reads of many small ones: while they come quickly one after another, reading stops for a
 * millisecond after each, and the system collects what comes meanwhile. (Mosquitto writes each packet by itself. A reader
 * that keeps up wakes for one to three of them, and waking and writing what follows from them is half of its work.)
 *
 * Every now and then it reads a few times without pauses, so that they end with the load.
 */
export class ReadPace {
  readonly #paced: Paced;
  readonly #nowMs: () => number;
  /** Until the next decision whether to pace. */
  #unpacedLeft = LOOKED_AT;
  #sinceMs: number;
  #pacedLeft = 0;
  #packets = 0;
  #isDeciding = false;
  #pause: NodeJS.Timeout | undefined;
  #isOver = false;
  readonly #decide = (): void => {
    this.#isDeciding = false;
    if (this.#isOver || this.#pause || !this.#paced.mayPause()) return;
    this.#paced.pause();
    // Not unref'd: a socket that is not read does not keep the process up.
    this.#pause = setTimeout(this.#resume, PAUSE_MS);
  };
  readonly #resume = (): void => {
    this.#pause = undefined;
    this.#paced.resume();
  };

  constructor(paced: Paced, nowMs: () => number = () => performance.now()) {
    this.#paced = paced;
    this.#nowMs = nowMs;
    this.#sinceMs = nowMs();
  }

  /** There is a pause just now. */
  get isPaused(): boolean {
    return this.#pause !== undefined;
  }

  /** To be called after each read. */
  wasRead(packets: number): void {
    if (this.#pacedLeft === 0) {
      this.#unpacedLeft -= 1;
      if (this.#unpacedLeft === 0) this.#look();
      return;
    }
    this.#pacedLeft -= 1;
    this.#packets += packets;
    if (this.#pacedLeft === 0) this.#lookAgain();
    if (this.#isDeciding) return;
    this.#isDeciding = true;
    setImmediate(this.#decide);
  }

  /** Somebody waits for what there is to be read. */
  hurry(): void {
    if (!this.#pause) return;
    clearTimeout(this.#pause);
    this.#resume();
  }

  /** There is nothing more to be read. */
  end(): void {
    this.#isOver = true;
    clearTimeout(this.#pause);
    this.#pause = undefined;
  }

  #look(): void {
    const nowMs = this.#nowMs();
    if (nowMs - this.#sinceMs < QUICK_MS) {
      this.#pacedLeft = PACED;
      this.#packets = 0;
    }
    this.#sinceMs = nowMs;
    this.#unpacedLeft = LOOKED_AT;
  }

  #lookAgain(): void {
    this.#sinceMs = this.#nowMs();
    if (this.#packets >= PACED * WORTH_PACKETS) return;
    this.#unpacedLeft = REST;
  }
}
