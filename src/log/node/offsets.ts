import type { LogStore } from '../store/store.js';
import { LogError } from './log-error.js';
import type { RangeOptions } from './log-records.js';
import type { Span } from './span-set.js';

/** A place in a topic as callers write it. */
type Offset =
  | { readonly kind: 'outermost' }
  | { readonly kind: 'id'; readonly timestampMs: number; readonly sequence: number }
  | { readonly kind: 'time'; readonly timestampMs: number }
  | { readonly kind: 'sequence'; readonly sequence: number };

const DIGITS = /^(\d{1,15})$/;
const ID = /^(\d{1,15})-(\d{1,15})$/;
const SEQUENCE = /^:(\d{1,15})$/;

function parseOffset(text: string): Offset {
  if (text === '') return { kind: 'outermost' };
  const id = ID.exec(text);
  if (id) return { kind: 'id', timestampMs: Number(id[1]), sequence: Number(id[2]) };
  if (DIGITS.test(text)) return { kind: 'time', timestampMs: Number(text) };
  const sequence = SEQUENCE.exec(text)?.[1];
  if (sequence) return { kind: 'sequence', sequence: Number(sequence) };
  throw new LogError('invalid_range_offset', `'${text}' is no id, time or :sequence`);
}

/** Finds the sequences that bounds mean. Ids need not exist: they lie between those that do, by time and sequence. */
export class Offsets {
  readonly #store: LogStore;

  constructor(store: LogStore) {
    this.#store = store;
  }

  /** First and last sequence of a range, oldest first whatever the direction; undefined when it is empty. */
  async span(topic: string, options: RangeOptions, reverse = false): Promise<Span | undefined> {
    const { exclusive = false } = options;
    const [low = '', high = ''] = reverse ? [options.end, options.start] : [options.start, options.end];
    const [from, to] = [parseOffset(low), parseOffset(high)];
    const first = await this.#first(topic, from, exclusive);
    const last = await this.#last(topic, to, exclusive);
    return first <= last ? { first, last } : undefined;
  }

  /** Sequence of the first record after an offset. */
  async after(topic: string, text: string): Promise<number> {
    const offset = parseOffset(text);
    return offset.kind === 'outermost' ? 0 : (await this.#last(topic, offset, false)) + 1;
  }

  async #first(topic: string, offset: Offset, exclusive: boolean): Promise<number> {
    const { firstSequence } = this.#bounds(topic);
    if (offset.kind === 'outermost') return firstSequence;
    if (offset.kind === 'time') return await this.#store.sequenceAt(topic, offset.timestampMs);
    if (offset.kind === 'sequence') return this.#existing(topic, offset.sequence) + (exclusive ? 1 : 0);
    return await this.#countBelow(topic, offset.timestampMs, offset.sequence + (exclusive ? 1 : 0));
  }

  async #last(topic: string, offset: Offset, exclusive: boolean): Promise<number> {
    const { lastSequence } = this.#bounds(topic);
    if (offset.kind === 'outermost') return lastSequence;
    if (offset.kind === 'time') return (await this.#store.sequenceAt(topic, offset.timestampMs + 1)) - 1;
    if (offset.kind === 'sequence') return this.#existing(topic, offset.sequence) - (exclusive ? 1 : 0);
    return (await this.#countBelow(topic, offset.timestampMs, offset.sequence + (exclusive ? 0 : 1))) - 1;
  }

  /** Sequence of the first record that is not below the id. */
  async #countBelow(topic: string, timestampMs: number, sequence: number): Promise<number> {
    const from = await this.#store.sequenceAt(topic, timestampMs);
    const behind = await this.#store.sequenceAt(topic, timestampMs + 1);
    return Math.min(Math.max(sequence, from), behind);
  }

  #existing(topic: string, sequence: number): number {
    const { firstSequence, lastSequence } = this.#bounds(topic);
    if (sequence < firstSequence || sequence > lastSequence)
      throw new LogError('invalid_tone_id_search', `there is no :${sequence} in '${topic}'`);
    return sequence;
  }

  #bounds(topic: string): { readonly firstSequence: number; readonly lastSequence: number } {
    return this.#store.topic(topic) ?? { firstSequence: 0, lastSequence: -1 };
  }
}
