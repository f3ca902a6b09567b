import { setTimeout as delay } from 'node:timers/promises';
import { COUNTERS_NOTICE, readCounters } from '../discovery/index.js';
import type { QueueName } from '../names.js';
import { type Broker, deadLetterQueue, HEADER, type Subscription } from '../transport/index.js';
import type { LetterFacts } from './dead-letter.js';

/** A message that was sent first, to see what becomes of it. */
type Sent = Pick<LetterFacts, 'reason' | 'error' | 'role' | 'port'> & { readonly id: string };

export interface Death {
  readonly id: string;
  readonly reason: string;
  /** Of the same as before. */
  readonly isSame: boolean;
}

/** `quiet`: none died, and nobody told that they were settled. */
export type CanaryVerdict =
  | { readonly kind: 'died'; readonly deaths: readonly Death[] }
  | { readonly kind: 'settled'; readonly afterMs: number }
  | { readonly kind: 'quiet' };

const LOOK_EVERY_MS = 50;
/** Participants tell what they have taken within 250 ms; before this time their silence means nothing, in ms. */
const TOLD_WITHIN_MS = 600;
/** So long after the last of them told something the copy of a dead letter must be here, in ms. */
const QUIET_MS = 300;

/**
 * Watches what becomes of the first messages that are sent back: whether they die again, by the dead letters of their
 * queue, and whether the participants behind it are at rest again, by their counters. The latter is a sign, no proof: who
 * counts does not say of which message.
 */
export class Canary {
  readonly #broker: Broker;
  readonly #queue: QueueName;
  readonly #sent = new Map<string, Sent>();
  readonly #deaths = new Map<string, Death>();
  /** Whether they have something in hand, by participant; of those that told something since the first was sent. */
  readonly #busy = new Map<string, boolean>();
  readonly #watched: Subscription[] = [];
  #sentAtMs = 0;
  #toldAtMs = 0;

  private constructor(broker: Broker, queue: QueueName) {
    this.#broker = broker;
    this.#queue = queue;
  }

  static async watch(broker: Broker, queue: QueueName): Promise<Canary> {
    const canary = new Canary(broker, queue);
    const onDeath = ({ headers }: { readonly headers: Readonly<Record<string, string>> }): void => {
      canary.#died(headers);
    };
    canary.#watched.push(await broker.tap(deadLetterQueue(queue), onDeath));
    canary.#watched.push(await broker.watch(COUNTERS_NOTICE, (body) => canary.#counted(body)));
    return canary;
  }

  /** One is about to be sent. */
  sends(one: Sent): void {
    this.#sent.set(one.id, one);
    this.#sentAtMs = performance.now();
    this.#busy.clear();
  }

  /** Resolves as soon as it can be told, at the latest after `withinMs`. Ends early when the signal aborts. */
  async verdict(withinMs: number, signal: AbortSignal): Promise<CanaryVerdict> {
    const untilMs = this.#sentAtMs + withinMs;
    while (this.#deaths.size < this.#sent.size && performance.now() < untilMs && !signal.aborted) {
      if (this.#deaths.size === 0 && (await this.#isAtRest())) {
        return { kind: 'settled', afterMs: performance.now() - this.#sentAtMs };
      }
      if ([...this.#deaths.values()].some(({ isSame }) => isSame)) break;
      await delay(LOOK_EVERY_MS, undefined, { signal }).catch(() => undefined);
    }
    return this.#deaths.size > 0 ? { kind: 'died', deaths: [...this.#deaths.values()] } : { kind: 'quiet' };
  }

  async close(): Promise<void> {
    await Promise.all(this.#watched.map((one) => one.cancel()));
  }

  #died(headers: Readonly<Record<string, string>>): void {
    const sent = this.#sent.get(headers[HEADER.messageId] ?? '');
    if (!sent) return;
    const reason = headers[HEADER.deadReason] ?? '';
    const error = headers[HEADER.deadError];
    const isSame = reason === (sent.reason ?? '') || (error !== undefined && error === sent.error);
    this.#deaths.set(sent.id, { id: sent.id, reason, isSame });
  }

  #counted(body: Buffer): void {
    const read = readCounters(body);
    if (read.kind !== 'counters') return;
    const { id, role, inports } = read.counters;
    for (const { role: of, port } of this.#sent.values()) {
      const counts = of === role && port !== undefined ? inports[port] : undefined;
      if (!counts) continue;
      this.#busy.set(id, counts.taken > counts.settled);
      this.#toldAtMs = performance.now();
    }
  }

  async #isAtRest(): Promise<boolean> {
    const nowMs = performance.now();
    if (this.#busy.size === 0 || nowMs < this.#sentAtMs + TOLD_WITHIN_MS || nowMs < this.#toldAtMs + QUIET_MS)
      return false;
    if ([...this.#busy.values()].some((isBusy) => isBusy)) return false;
    if (!this.#broker.capabilities.depths) return true;
    const [depth] = await this.#broker.depths([this.#queue]);
    return depth === undefined || depth.ready + (depth.unacked ?? 0) === 0;
  }
}
