import { type Claim, type StoredRecord, splitSource } from '../log/index.js';
import { asQueueName } from '../names.js';
import type { EngineDelivery } from './engine.js';
import type { Pending } from './pending.js';

/** A delivery in the hand of a consumer. */
export interface Held {
  readonly tag: number;
  /** Names the claim. */
  readonly token: string;
  readonly bytes: number;
  /** Where it stands in its queue. */
  readonly sequence: number;
  /** Its settlement, while that is on its way: it cannot be settled a second time. */
  settling: Pending | undefined;
}

/** Deliveries that one consumer holds. */
export class Window {
  readonly held = new Map<number, Held>();
  readonly #prefetch: number;
  readonly #deliver: (delivery: EngineDelivery) => void;
  #tags = 0;

  constructor(prefetch: number, deliver: (delivery: EngineDelivery) => void) {
    this.#prefetch = prefetch;
    this.#deliver = deliver;
  }

  get room(): number {
    return this.#prefetch - this.held.size;
  }

  hand({ token, isRepeated }: Claim, { sequence, body, headers: written }: StoredRecord): void {
    this.#tags += 1;
    const tag = this.#tags;
    this.held.set(tag, { tag, token, bytes: body.length, sequence, settling: undefined });
    const { headers, source } = splitSource(written);
    const delivery = { tag, body, headers, redelivered: isRepeated };
    this.#deliver(source === undefined ? delivery : { ...delivery, source: asQueueName(source) });
  }
}
