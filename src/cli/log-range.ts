import { UsageError } from '../errors.js';
import type { LogView } from '../log/index.js';

/** A place in a topic as people write it. */
export type Bound =
  | { readonly kind: 'id'; readonly timestampMs: number; readonly sequence: number }
  | { readonly kind: 'time'; readonly timestampMs: number }
  | { readonly kind: 'sequence'; readonly sequence: number };

/** Reads `1795351795990-7`, `1795351795990` or `:7`. @throws {UsageError} naming the flag */
export function parseBound(flag: `--${string}`): (text: string) => Bound {
  return (text) => {
    const [, ms, sequence, bare] = /^(\d{1,15})(?:-(\d{1,15}))?$|^:(\d{1,15})$/.exec(text) ?? [];
    if (bare !== undefined) return { kind: 'sequence', sequence: Number(bare) };
    if (ms === undefined)
      throw new UsageError(`${flag} is an id (1795351795990-7), a time in ms or :sequence, not '${text}'`);
    const timestampMs = Number(ms);
    return sequence === undefined
      ? { kind: 'time', timestampMs }
      : { kind: 'id', timestampMs, sequence: Number(sequence) };
  };
}

/** Sequence of the first record that is not before the bound; none of them has to exist. */
export async function firstFrom(view: LogView, topic: string, bound: Bound): Promise<number> {
  if (bound.kind === 'sequence') return bound.sequence;
  const from = await view.sequenceAt(topic, bound.timestampMs);
  if (bound.kind === 'time') return from;
  return Math.min(Math.max(bound.sequence, from), await view.sequenceAt(topic, bound.timestampMs + 1));
}

/** Sequence of the last record that is not behind the bound. */
export async function lastTo(view: LogView, topic: string, bound: Bound): Promise<number> {
  if (bound.kind === 'sequence') return bound.sequence;
  const behind = await view.sequenceAt(topic, bound.timestampMs + 1);
  if (bound.kind === 'time') return behind - 1;
  return Math.min(Math.max(bound.sequence + 1, await view.sequenceAt(topic, bound.timestampMs)), behind) - 1;
}
