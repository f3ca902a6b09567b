import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { MsgfloError, TimeoutError } from '../errors.js';
import { HEADER, type KeptLetter, type LetterFate, type Message } from '../transport/index.js';
import type { Canary, CanaryVerdict } from './dead-canary.js';
import { type Entry, isSame, type RedriveJournal } from './dead-journal.js';
import { factsOf, type LetterFacts, type LetterPlace, ownHeaders, placeName } from './dead-letter.js';
import type { Pace } from './dead-rate.js';
import type { RedriveOptions, RedriveParts, Tally } from './dead-redrive.js';
import { shownDuration } from './duration.js';
import { oneLine } from './terminal-text.js';

export interface RoundParts extends RedriveParts, RedriveOptions {
  readonly place: LetterPlace;
  readonly journal: RedriveJournal;
  readonly canary: Canary | undefined;
  readonly pace: Pace;
  readonly tally: Tally;
}

/** Nobody takes what is sent back, or it dies again as before: the rest stays. */
export class RedriveStoppedError extends MsgfloError {
  readonly code = 'MSGFLO_REDRIVE_STOPPED';
}

/** A full queue takes nothing; after so long the letter in hand is given up, in ms. */
const SEND_WITHIN_MS = 30_000;
/** Who interrupts waits so long for the letter in hand, in ms. */
const END_WITHIN_MS = 2000;

/** One look at the dead letters of one inqueue, in which those that are meant are sent back. */
export class RedriveRound {
  readonly #parts: RoundParts;
  /** Letters that may have been sent before a crash: those left for later, and those that were decided on. */
  readonly #skipped: LetterFacts[] = [];
  readonly #decided: LetterFacts[] = [];
  /** What was sent back, as it would be found if it died again: that is for another run. */
  readonly #again = new Set<string>();
  #isWhole = true;
  #sent = 0;
  #isCanaryHeard: boolean;
  #failure: Error | undefined;

  constructor(parts: RoundParts) {
    this.#parts = parts;
    this.#isCanaryHeard = parts.canary === undefined;
  }

  async visit(letter: KeptLetter): Promise<LetterFate> {
    const facts = factsOf(this.#parts.place, letter);
    const fate = await this.#fateOf(facts, letter);
    const isUnsure = this.#parts.journal.isUnsure(facts);
    if (isUnsure) (fate === 'remove' ? this.#decided : this.#skipped).push(facts);
    if (fate === 'stop') this.#isWhole = false;
    return fate;
  }

  /** Nobody has to be told of this entry any more: it was decided on, or its letter is not there. */
  isSettled(entry: Entry): boolean {
    if (this.#decided.some((letter) => isSame(entry, letter))) return true;
    return this.#isWhole && !this.#skipped.some((letter) => isSame(entry, letter));
  }

  /** Says what became of the canary, where that is not known yet. @throws why the round stopped */
  async end(): Promise<void> {
    if (!this.#failure && this.#sent > 0 && !this.#isCanaryHeard) await this.#hearCanary();
    if (this.#failure) throw this.#failure;
  }

  async #fateOf(facts: LetterFacts, letter: KeptLetter): Promise<LetterFate> {
    const { isMeant, journal, unsure, isDryRun, pace, signal, canaries, tally, tell } = this.#parts;
    if (this.#failure || this.#isInterrupted()) return 'stop';
    if (!isMeant(facts) || this.#again.has(nameOf(facts))) return 'keep';
    if (tally.left === 0) return 'stop';
    if (!this.#isCanaryHeard && this.#sent === canaries) await this.#hearCanary();
    if (this.#failure || this.#isInterrupted()) return 'stop';
    const isUnsure = journal.isUnsure(facts);
    if (isUnsure && unsure === 'skip') {
      tally.unsure += 1;
      tell('unsure', facts);
      return 'keep';
    }
    tally.left -= 1;
    if (isDryRun) {
      tally.sent += 1;
      tell('would-send', facts);
      return 'keep';
    }
    if (isUnsure && unsure === 'drop') {
      tally.dropped += 1;
      tell('dropped', facts);
      return 'remove';
    }
    if (!(await pace.next(signal))) {
      this.#isInterrupted();
      return 'stop';
    }
    return this.#send(facts, letter);
  }

  async #send(facts: LetterFacts, letter: KeptLetter): Promise<LetterFate> {
    const { broker, journal, canary, place, payload, tally, tell, log } = this.#parts;
    const id = facts.id ?? randomUUID();
    const message = messageOf({ facts, letter, id, payload });
    await journal.begin(facts);
    if (!this.#isCanaryHeard) canary?.sends({ ...facts, id });
    try {
      await this.#confirmed(broker.send('inqueue', place.queue, message, { mandatory: true }));
    } catch (error) {
      const why = refusalOf(error);
      if (why === undefined) {
        if (this.#isInterrupted())
          log.warn(`${id} may have been sent: the broker has not confirmed it; its letter stays`);
        throw error;
      }
      // It was not sent for certain: nothing is unsure, and the next would fare no better.
      const text = `'${place.queue}' does not take what is sent back: ${why}; the dead letters stay`;
      this.#failure = new RedriveStoppedError(text, { cause: error });
      return 'stop';
    }
    this.#again.add(nameOf({ id, redriven: facts.redriven + 1 }));
    this.#sent += 1;
    tally.sent += 1;
    tell('sent', facts);
    return 'remove';
  }

  /** @throws {TimeoutError} when the broker does not confirm; whether it was sent is not known then */
  async #confirmed(sending: Promise<void>): Promise<void> {
    const { signal, place } = this.#parts;
    const over = new AbortController();
    const late = async (ms: number): Promise<never> => {
      await delay(ms, undefined, { signal: over.signal });
      const text = `'${place.queue}' has not taken a message for ${shownDuration(ms)}: it may be full; its dead letter stays`;
      throw new TimeoutError(text);
    };
    const interrupted = async (): Promise<never> => {
      const once = { once: true, signal: over.signal };
      if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, once));
      return late(END_WITHIN_MS);
    };
    sending.catch(() => undefined);
    const limits = [late(SEND_WITHIN_MS), interrupted()];
    for (const limit of limits) limit.catch(() => undefined);
    try {
      await Promise.race([sending, ...limits]);
    } finally {
      over.abort();
    }
  }

  async #hearCanary(): Promise<void> {
    const { canary, canaryWaitMs, signal, log } = this.#parts;
    this.#isCanaryHeard = true;
    if (!canary) return;
    const verdict = await canary.verdict(canaryWaitMs, signal);
    const words = this.#wordsOf(verdict);
    if (verdict.kind === 'died' && verdict.deaths.some(({ isSame: isAsBefore }) => isAsBefore)) {
      this.#failure = new RedriveStoppedError(`${words}; the rest is not sent`);
    } else if (verdict.kind === 'died') log.warn(words);
    else log.info(words);
  }

  #wordsOf(verdict: CanaryVerdict): string {
    const { place, canaryWaitMs } = this.#parts;
    const what = `canary of ${placeName({ queue: place.queue, ...place.owner })}`;
    switch (verdict.kind) {
      case 'died': {
        const death = verdict.deaths.find(({ isSame: isAsBefore }) => isAsBefore) ?? verdict.deaths[0];
        const how = death?.isSame ? 'of the same' : 'of something else';
        return `${what}: ${death?.id} died again, ${how}: ${oneLine(death?.reason ?? '')}`;
      }
      case 'settled':
        return `${what}: settled within ${shownDuration(verdict.afterMs)}, as its participants count; no death seen`;
      case 'quiet':
        return `${what}: no death seen in ${shownDuration(canaryWaitMs)}`;
    }
  }

  #isInterrupted(): boolean {
    if (this.#parts.signal.aborted) this.#parts.tally.isInterrupted = true;
    return this.#parts.signal.aborted;
  }
}

const nameOf = ({ id, redriven }: Pick<LetterFacts, 'id' | 'redriven'>): string => `${redriven} ${id}`;

/** Why a message was not sent for certain; `undefined` where it may have been. */
function refusalOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  if (error.code === 'MSGFLO_UNROUTED') return 'no queue takes it';
  return error.code === 'MSGFLO_REFUSED' ? error.message : undefined;
}

interface Revived {
  readonly facts: LetterFacts;
  readonly letter: KeptLetter;
  readonly id: string;
  readonly payload: Buffer | undefined;
}

/** The message that died, with its id and trace. It is created anew, or a limit to its age would end it at once. */
function messageOf({ facts, letter, id, payload }: Revived): Message {
  const { [HEADER.createdAt]: createdAt, ...headers } = ownHeaders(letter.headers);
  const firstAt = headers[HEADER.firstCreatedAt] ?? createdAt;
  const isOtherType = payload !== undefined && headers[HEADER.contentType] !== undefined;
  return {
    data: payload ?? letter.body,
    headers: {
      ...headers,
      [HEADER.messageId]: id,
      [HEADER.createdAt]: String(Date.now()),
      ...(firstAt === undefined ? {} : { [HEADER.firstCreatedAt]: firstAt }),
      ...(isOtherType ? { [HEADER.contentType]: 'application/json' } : {}),
      [HEADER.redriven]: String(facts.redriven + 1),
    },
  };
}
