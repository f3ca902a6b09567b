import { canonicalJson } from '../support/index.js';
import type { Metadata } from './model.js';

interface Decorated {
  readonly metadata?: Metadata;
}

/** The part with these metadata in place of its own; empty ones are left out, as everywhere in a graph. */
export function decorated<T extends Decorated>(part: T, metadata: Metadata): T {
  if (Object.keys(metadata).length > 0) return { ...part, metadata };
  const bare: T & { metadata?: Metadata } = { ...part };
  delete bare.metadata;
  return bare;
}

/** `metadata` laid over those of the part. A `null` takes its key away. The part itself where that changes nothing. */
export function overlaid<T extends Decorated>(part: T, metadata: Metadata): T {
  const before = part.metadata ?? {};
  const after = withoutNulls({ ...before, ...metadata });
  return canonicalJson(before) === canonicalJson(after) ? part : decorated(part, after);
}

/** The part without those of its metadata that are `null`: for an edit that means no such key. */
export const withoutNullMetadata = <T extends Decorated>(part: T): T =>
  part.metadata ? decorated(part, withoutNulls(part.metadata)) : part;

/** What laid over `before` gives `after`. */
export function overlayBetween(before: Metadata = {}, after: Metadata = {}): Metadata {
  const gone = Object.keys(before).filter((key) => !Object.hasOwn(after, key));
  const other = Object.entries(after).filter(([key, value]) => canonicalJson(before[key]) !== canonicalJson(value));
  return Object.fromEntries([...gone.map((key) => [key, null] as const), ...other]);
}

const withoutNulls = (metadata: Metadata): Metadata =>
  Object.fromEntries(Object.entries(metadata).filter(([, value]) => value !== null && value !== undefined));
