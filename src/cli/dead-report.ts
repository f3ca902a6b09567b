import { decodePayload } from '../transport/index.js';
import { jsonText, type LetterFacts, placeName, timeOf } from './dead-letter.js';
import { columns, oneLine, printable } from './terminal-text.js';

/** What one line of the table says of a reason. */
const REASON_CHARS = 50;
/** What is shown of a payload that is no JSON. */
const TEXT_CHARS = 2000;
const HEX_BYTES = 256;
const HEX_PER_LINE = 32;

/** One line for each letter, below a line of titles; nothing for none. */
export function letterTable(letters: readonly LetterFacts[], nowMs: number): string[] {
  if (letters.length === 0) return [];
  const titles = ['AGE', 'PORT', 'REASON', 'ERROR', 'ATTEMPTS', 'ID', 'SIZE', 'REDRIVEN'];
  const rows = letters.map((facts) => [
    ageOf(facts, nowMs),
    placeName(facts),
    cut(oneLine(facts.reason ?? '?'), REASON_CHARS),
    facts.error ?? '',
    facts.attempts.length > 0 ? String(facts.attempts.length) : '?',
    facts.id ?? facts.key,
    sizeOf(facts.bytes),
    facts.redriven > 0 ? String(facts.redriven) : '',
  ]);
  return columns([titles, ...rows]).map(printable);
}

/** Everything there is to know of a letter. */
export function letterLines(facts: LetterFacts, body: Buffer, nowMs: number): string[] {
  const { participant, component, host, atMs, stack, attempts, id, key, queue, redriven } = facts;
  const died = atMs === undefined ? 'at a time nobody noted' : `${timeOf(atMs)} (${ageOf(facts, nowMs)} ago)`;
  const named = (name: string, value: string | undefined): string[] =>
    value === undefined ? [] : [`  ${`${name}:`.padEnd(13)}${value}`];
  return [
    `${placeName(facts)} ${id ?? key}`,
    ...named('queue', queue),
    ...named('died', died),
    ...named('reason', oneLine(facts.reason ?? 'nobody gave one')),
    ...named('error', facts.error),
    ...named('participant', participant),
    ...named('component', component),
    ...named('host', host),
    ...named('redriven', redriven > 0 ? `${redriven} times before` : undefined),
    ...named('attempts', attempts.length > 0 ? String(attempts.length) : undefined),
    ...attempts.map(({ atMs: at, error }) => `    ${at === undefined ? '?' : timeOf(at)} ${oneLine(error)}`),
    ...(stack === undefined ? [] : ['  stack:', ...stack.split(' | ').flatMap(indented)]),
    '  headers:',
    ...Object.entries(facts.headers).map(([name, value]) => `    ${name}: ${oneLine(value)}`),
    ...payloadLines(body),
  ].map(printable);
}

/** How long ago it died, in the largest unit that fits. */
function ageOf({ atMs }: LetterFacts, nowMs: number): string {
  if (atMs === undefined) return '?';
  const seconds = Math.max(0, Math.round((nowMs - atMs) / 1000));
  if (seconds < 120) return `${seconds}s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)}m`;
  return seconds < 172_800 ? `${Math.round(seconds / 3600)}h` : `${Math.round(seconds / 86_400)}d`;
}

function sizeOf(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  return bytes < 1024 * 1024 ? `${(bytes / 1024).toFixed(1)} KiB` : `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
}

function payloadLines(body: Buffer): string[] {
  const data = decodePayload(body);
  const json = Buffer.isBuffer(data) ? undefined : jsonText(data, 2);
  if (json !== undefined) return [`  payload (${body.length} bytes, JSON):`, ...indented(json)];
  const text = textOf(body);
  if (text !== undefined) {
    const rest = text.length > TEXT_CHARS ? ' ...' : '';
    return [`  payload (${body.length} bytes, text):`, ...indented(`${text.slice(0, TEXT_CHARS)}${rest}`)];
  }
  const rest = body.length > HEX_BYTES ? [`    ... ${body.length - HEX_BYTES} bytes more`] : [];
  return [`  payload (${body.length} bytes, as hex):`, ...hexLines(body.subarray(0, HEX_BYTES)), ...rest];
}

function hexLines(bytes: Buffer): string[] {
  const count = Math.ceil(bytes.length / HEX_PER_LINE);
  return Array.from({ length: count }, (_, at) => {
    const line = bytes.subarray(at * HEX_PER_LINE, (at + 1) * HEX_PER_LINE).toString('hex');
    return `    ${line.replace(/(..)(?=.)/g, '$1 ')}`;
  });
}

function textOf(bytes: Buffer): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

function indented(text: string): string[] {
  return text.split('\n').map((line) => `    ${line}`);
}

function cut(text: string, chars: number): string {
  return text.length > chars ? `${text.slice(0, chars - 3)}...` : text;
}
