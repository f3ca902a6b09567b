import { isRecord } from '../support/index.js';

type Loose = Readonly<Record<string, unknown>>;

const DAY_MS = 24 * 3600 * 1000;
const COUNT = 2 ** 31;

interface Range {
  readonly least: number;
  readonly most: number;
  /** @default false */
  readonly fractions?: boolean;
}

const numbers: Readonly<Record<string, Range>> = {
  prefetch: { least: 1, most: 65_535 },
  order: { least: -1_000_000, most: 1_000_000, fractions: true },
  crashes: { least: 1, most: 100 },
  ttlMs: { least: 1, most: COUNT },
  maxLength: { least: 1, most: COUNT },
  maxBytes: { least: 1, most: 2 ** 40 },
  deliveryLimit: { least: 1, most: 10_000 },
  maxPriority: { least: 1, most: 255 },
};

const retryNumbers: Readonly<Record<string, Range>> = {
  attempts: { least: 1, most: 1000 },
  delayMs: { least: 0, most: DAY_MS, fractions: true },
  factor: { least: 1, most: 100, fractions: true },
  maxDelayMs: { least: 0, most: DAY_MS, fractions: true },
  jitter: { least: 0, most: 1, fractions: true },
};

/** The options that inports have and outports have not. */
export const inportKeys: readonly string[] = [...Object.keys(numbers), 'retry', 'quorum', 'arguments'];

/** What is wrong with the options that only inports have, in words for the author, or undefined. */
export function problemOfInport(port: Loose): string | undefined {
  return problemOfNumbers(port, numbers) ?? problemOfRetry(port.retry) ?? problemOfQueue(port);
}

/** What is wrong with one number: for options that others have as well. */
export function problemOfNumber(given: Loose, key: string, range: Range): string | undefined {
  const value = given[key];
  if (value === undefined) return undefined;
  const { least, most, fractions = false } = range;
  const isFine = typeof value === 'number' && value >= least && value <= most && (fractions || Number.isInteger(value));
  if (isFine) return undefined;
  return `'${key}' is a ${fractions ? '' : 'whole '}number from ${least} to ${most}, not ${show(value)}`;
}

function problemOfNumbers(given: Loose, ranges: Readonly<Record<string, Range>>): string | undefined {
  for (const [key, range] of Object.entries(ranges)) {
    const problem = problemOfNumber(given, key, range);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function problemOfRetry(retry: unknown): string | undefined {
  if (retry === undefined) return undefined;
  if (!isRecord(retry)) return `'retry' is an object, { attempts: 3 } at least, not ${show(retry)}`;
  const known = Object.keys(retryNumbers);
  const unknown = Object.keys(retry).find((key) => !known.includes(key));
  if (unknown !== undefined) return `'retry' has no option '${unknown}'; there are: ${known.join(', ')}`;
  if (retry.attempts === undefined) return "'retry' needs 'attempts', how often a message is tried in all";
  const problem = problemOfNumbers(retry, retryNumbers);
  return problem && `'retry': ${problem}`;
}

function problemOfQueue(port: Loose): string | undefined {
  const { quorum, persistent, deliveryLimit, arguments: more } = port;
  if (quorum !== undefined && typeof quorum !== 'boolean') return `'quorum' is a boolean, not ${show(quorum)}`;
  if (quorum === true && persistent === false) return "'quorum' queues are persistent: leave out 'persistent'";
  if (deliveryLimit !== undefined && quorum !== true) return "'deliveryLimit' needs 'quorum: true'";
  if (more === undefined) return undefined;
  if (!isRecord(more)) return `'arguments' is an object, not ${show(more)}`;
  const odd = Object.entries(more).find(([, value]) => !['string', 'number', 'boolean'].includes(typeof value));
  return odd && `'arguments': '${odd[0]}' is text, a number or a boolean, not ${show(odd[1])}`;
}

/** A value as it is shown in a complaint about it. */
export function show(value: unknown): string {
  return typeof value === 'function' ? 'a function' : (JSON.stringify(value) ?? 'undefined').slice(0, 60);
}
