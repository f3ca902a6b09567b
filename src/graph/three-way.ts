import { canonicalJson } from '../support/index.js';
import { decorated } from './decorated.js';
import type { Metadata } from './model.js';

/** The same thing as it was, as it is here, and as it is there. */
export interface ThreeWay<T> {
  readonly base: T;
  readonly ours: T;
  readonly theirs: T;
}

/** Whose is right: of the side that changed it; ours where both made the same of it; `undefined` where they differ. */
export function sideOf({ base, ours, theirs }: ThreeWay<unknown>): 'ours' | 'theirs' | undefined {
  const [was, here, there] = [canonicalJson(base), canonicalJson(ours), canonicalJson(theirs)];
  if (here === there || was === there) return 'ours';
  return was === here ? 'theirs' : undefined;
}

/** Where things are drawn: nobody wants to hear of two people who moved the same box. */
const COSMETIC: ReadonlySet<string> = new Set(['x', 'y', 'width', 'height', 'route']);

interface Decorated {
  readonly metadata?: Metadata;
}

/** The part without what only says where it is drawn. */
export const undrawn = <T extends Decorated>(part: T): T =>
  decorated(part, Object.fromEntries(Object.entries(part.metadata ?? {}).filter(([key]) => !COSMETIC.has(key))));

/** How a kind of part is merged. */
export interface PartKind<T> {
  readonly keyOf: (part: T) => string;
  /** For people: `node 'a'`. */
  readonly nameOf: (part: T) => string;
  /** What is one value each; the rest is the key, and metadata, which are merged key by key. */
  readonly fields: readonly (keyof T & string)[];
}

/** Takes a conflict, one line for people. */
export type Report = (what: string) => void;

/** What only one side changed is taken over; what both changed differently is told and stays as it is here. */
export function mergeParts<T extends Decorated>(
  kind: PartKind<T>,
  parts: ThreeWay<readonly T[]>,
  report: Report,
): readonly T[] {
  const base = indexed(kind, parts.base);
  const ours = indexed(kind, parts.ours);
  const theirs = indexed(kind, parts.theirs);
  return [...new Map([...ours, ...theirs]).keys()].flatMap((key) => {
    const [was, here, there] = [base.get(key), ours.get(key), theirs.get(key)];
    if (here && there) return [mergePart(kind, { base: was, ours: here, theirs: there }, report)];
    const left = here ?? there;
    if (!left || !was) return left ? [left] : [];
    if (canonicalJson(undrawn(was)) === canonicalJson(undrawn(left))) return [];
    report(`${kind.nameOf(left)}: ${here ? 'changed here, removed there' : 'removed here, changed there'}`);
    return here ? [here] : [];
  });
}

const indexed = <T>({ keyOf }: PartKind<T>, parts: readonly T[]): ReadonlyMap<string, T> =>
  new Map(parts.map((part) => [keyOf(part), part]));

function mergePart<T extends Decorated>(
  kind: PartKind<T>,
  { base, ours, theirs }: { readonly base: T | undefined; readonly ours: T; readonly theirs: T },
  report: Report,
): T {
  const name = kind.nameOf(ours);
  const taken = kind.fields.filter((field) => {
    const side = sideOf({ base: base?.[field], ours: ours[field], theirs: theirs[field] });
    if (side === undefined) report(`${field} of ${name}: ${sides(ours[field], theirs[field])}`);
    return side === 'theirs';
  });
  const merged =
    taken.length === 0 ? ours : { ...ours, ...Object.fromEntries(taken.map((field) => [field, theirs[field]])) };
  const metadata = mergeMetadata(
    { base: base?.metadata ?? {}, ours: ours.metadata ?? {}, theirs: theirs.metadata ?? {} },
    (key, text) => report(`'${key}' of ${name}: ${text}`),
  );
  return canonicalJson(metadata) === canonicalJson(ours.metadata ?? {}) ? merged : decorated(merged, metadata);
}

function mergeMetadata(
  { base, ours, theirs }: ThreeWay<Metadata>,
  report: (key: string, sides: string) => void,
): Metadata {
  const keys = [...new Set([...Object.keys(ours), ...Object.keys(theirs)])];
  const merged = keys.map((key) => {
    const [was, here, there] = [own(base, key), own(ours, key), own(theirs, key)];
    const side = sideOf({ base: was, ours: here, theirs: there });
    if (side === undefined && !COSMETIC.has(key)) report(key, sides(here, there));
    return [key, side === 'theirs' ? there : here] as const;
  });
  return Object.fromEntries(merged.filter(([, value]) => value !== undefined));
}

const own = (metadata: Metadata, key: string): unknown => (Object.hasOwn(metadata, key) ? metadata[key] : undefined);

export const sides = (here: unknown, there: unknown): string => `${valueText(here)} here, ${valueText(there)} there`;

/** One line, cut short: values may be of any size. */
function valueText(value: unknown): string {
  const text = value === undefined ? 'nothing' : JSON.stringify(value);
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
}

const LONGEST = 60;
