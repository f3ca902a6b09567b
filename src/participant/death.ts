import { errorNameOf, messageOf } from '../errors.js';
import {
  type DeadLetter,
  HEADER,
  MAX_ATTEMPTS_CHARS,
  MAX_REASON_CHARS,
  MAX_STACK_CHARS,
  sendable,
} from '../transport/index.js';

/** An attempt that came to nothing: when it failed (ms since 1970), and why. */
export interface Failure {
  readonly atMs: number;
  readonly error: string;
}

/** Where a message died. */
export interface Place {
  readonly role: string;
  readonly component: string;
  readonly participant: string;
  readonly host: string;
}

/** Between the lines of a stack. */
const STACK_SEPARATOR = ' | ';
/** What of one attempt's error, and of a name, is kept: all headers together stay far below 64 KiB. */
const MAX_ERROR_CHARS = 300;
const MAX_NAME_CHARS = 255;
const MAX_CAUSES = 3;

/** The verdict on a message that is not tried again, with all that is known of its death. */
export function deathOf(port: string, error: unknown, failures: readonly Failure[], place: Place): DeadLetter {
  const stack = stackOf(error);
  return {
    deadLetter: cut(messageOf(error), MAX_REASON_CHARS),
    headers: {
      [HEADER.deadError]: cut(errorNameOf(error), MAX_NAME_CHARS),
      [HEADER.deadRole]: cut(place.role, MAX_NAME_CHARS),
      [HEADER.deadPort]: cut(port, MAX_NAME_CHARS),
      [HEADER.deadComponent]: cut(place.component, MAX_NAME_CHARS),
      [HEADER.deadParticipant]: cut(place.participant, MAX_NAME_CHARS),
      [HEADER.deadHost]: cut(place.host, MAX_NAME_CHARS),
      [HEADER.deadAttempts]: attemptsOf(failures),
      ...(stack !== '' && { [HEADER.deadStack]: stack }),
    },
  };
}

/** What a message died of that its process died of, again and again. */
export class ProcessDied extends Error {
  override readonly name = 'ProcessDied';

  constructor(times: number) {
    super(`its process died ${times} times while it worked on this message`);
    // Where this is found out says nothing.
    delete this.stack;
  }
}

/** An attempt that has just failed. */
export function failureOf(error: unknown): Failure {
  return { atMs: Date.now(), error: wordsOf(error) };
}

/** What an error says, on one line and not for pages. */
export function wordsOf(error: unknown): string {
  return cut(messageOf(error), MAX_ERROR_CHARS);
}

/** The latest of them, as many as there is room for. */
function attemptsOf(failures: readonly Failure[]): string {
  const kept: string[] = [];
  let chars = 2;
  for (const { atMs, error } of [...failures].reverse()) {
    const text = JSON.stringify({ at: atMs, error });
    chars += text.length + 1;
    if (chars > MAX_ATTEMPTS_CHARS) break;
    kept.unshift(text);
  }
  return `[${kept.join(',')}]`;
}

/** The frames of an error and of what caused it, without those of Node itself. What it says is the reason already. */
function stackOf(error: unknown): string {
  const lines: string[] = [];
  try {
    let each = error;
    for (let depth = 0; each instanceof Error && depth <= MAX_CAUSES; depth += 1) {
      if (depth > 0) lines.push(`caused by ${errorNameOf(each)}: ${messageOf(each).slice(0, MAX_ERROR_CHARS)}`);
      lines.push(...framesOf(each.stack));
      each = each.cause;
    }
  } catch {
    // Its properties throw: what could be read is told.
  }
  return cut(lines.join(STACK_SEPARATOR), MAX_STACK_CHARS);
}

function framesOf(stack: unknown): string[] {
  if (typeof stack !== 'string') return [];
  const frames = stack.split('\n').map((line) => line.trim());
  return frames.filter((line) => line.startsWith('at ') && !/[( ]node:/.test(line));
}

/** On one line. */
function cut(text: string, chars: number): string {
  return sendable(text.slice(0, chars));
}
