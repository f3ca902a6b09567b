import { messageOf, UsageError } from '../errors.js';
import type { LetterFacts } from './dead-letter.js';

/** Whether a letter is meant. */
export type LetterTest = (facts: LetterFacts) => boolean;

const FIELDS = 'reason, error, id or header.<name>';

/**
 * Reads `reason=timeout`, `error=/^Type/`, `header.colour=red`: text is looked for anywhere in the field, between slashes
 * stands a regular expression (`/.../i`: in any case). @throws {UsageError} naming the flag
 */
export function parseTest(text: string): LetterTest {
  const at = text.indexOf('=');
  const field = text.slice(0, Math.max(at, 0));
  const isKnown = ['reason', 'error', 'id'].includes(field) || /^header\..+/.test(field);
  if (!isKnown) throw new UsageError(`--where is FIELD=TEXT with a field ${FIELDS}, not '${text}'`);
  const isMet = matcherOf(text.slice(at + 1));
  return (facts) => {
    const value = fieldOf(facts, field);
    return value !== undefined && isMet(value);
  };
}

/** All of them have to be met. */
export function allOf(tests: readonly LetterTest[]): LetterTest {
  return (facts) => tests.every((test) => test(facts));
}

function fieldOf(facts: LetterFacts, field: string): string | undefined {
  switch (field) {
    case 'reason':
      return facts.reason;
    case 'error':
      return facts.error;
    case 'id':
      return facts.id ?? facts.key;
    default:
      return facts.headers[field.slice('header.'.length)];
  }
}

function matcherOf(wanted: string): (value: string) => boolean {
  const [, source, flags] = /^\/(.+)\/(i?)$/s.exec(wanted) ?? [];
  if (source === undefined) {
    if (wanted === '') throw new UsageError('--where has no text to look for behind its =');
    return (value) => value.includes(wanted);
  }
  try {
    const pattern = new RegExp(source, flags);
    return (value) => pattern.test(value);
  } catch (error) {
    throw new UsageError(`--where has a regular expression that cannot be read: ${messageOf(error)}`);
  }
}
