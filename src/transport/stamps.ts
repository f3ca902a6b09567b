import { randomBytes } from 'node:crypto';

const MARK = '~';
const MARK_CODE = 0x7e;
const TOKEN_DIGITS = 9;
/** In base 36; enough until the year 5188. */
const TIME_DIGITS = 9;
const TIME_AT = 1 + TOKEN_DIGITS;
const TIME_END = TIME_AT + TIME_DIGITS;
const BASE = 36;

/** Behind the time: whether the number is just a number, or one that the message has in a flow of MQTT. */
export const ID_KIND = { plain: '.', flow: ':' } as const;

/** What the ids of one maker begin with, to tell them from those of others: `~` and nine digits or letters. */
export function newToken(): string {
  const digits = randomBytes(8).readBigUInt64BE().toString(BASE).padStart(TOKEN_DIGITS, '0');
  return MARK + digits.slice(-TOKEN_DIGITS);
}

/**
 * Message ids that tell when they were made, so that no header needs to say it: `~<token><time>.<number>`, the time in ms
 * since 1970, nine digits to the base 36. What is the same for all of a millisecond is put together once.
 */
export class Stamps {
  readonly token: string;
  readonly #kind: string;
  #number = 0;
  #atMs = 0;
  #start = '';

  constructor(token: string = newToken(), kind: (typeof ID_KIND)[keyof typeof ID_KIND] = ID_KIND.plain) {
    this.token = token;
    this.#kind = kind;
  }

  /** When the last id was made, in whole seconds since 1970. */
  get seconds(): number {
    return Math.floor(this.#atMs / 1000);
  }

  /** Of a message that is made now. @param number counts by itself unless given */
  messageId(number: number = ++this.#number): string {
    const nowMs = Date.now();
    if (nowMs !== this.#atMs) {
      this.#atMs = nowMs;
      // Joined, which gives a flat text: one of pieces would be walked through with every id.
      this.#start = [this.token, nowMs.toString(BASE).padStart(TIME_DIGITS, '0'), this.#kind].join('');
    }
    return this.#start + number;
  }
}

/** Where the number of an id of ours begins that is of this kind; -1 for any other. */
export function numberAt(id: string, kind: string): number {
  return id.charCodeAt(0) === MARK_CODE && id[TIME_END] === kind && id.length > TIME_END + 1 ? TIME_END + 1 : -1;
}

/** When the message was made, in ms since 1970, as its id tells; undefined for an id that is not one of ours. */
export function timeOf(id: string): number | undefined {
  if (numberAt(id, ID_KIND.plain) === -1 && numberAt(id, ID_KIND.flow) === -1) return undefined;
  let ms = 0;
  for (let at = TIME_AT; at < TIME_END; at += 1) {
    const digit = digitOf(id.charCodeAt(at));
    if (digit === -1) return undefined;
    ms = ms * BASE + digit;
  }
  return ms;
}

function digitOf(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  return code >= 0x61 && code <= 0x7a ? code - 0x57 : -1;
}
