import { timingSafeEqual } from 'node:crypto';
import type { Socket } from 'node:net';
import { isRecord } from '../../support/index.js';
import { MAX_FRAME_BYTES, WireError } from '../wire/index.js';

const SPEAK_WITHIN_MS = 10_000;
const LENGTH_BYTES = 4;
/** Of the frame with the token. */
const MAX_HELLO_BYTES = 4096;
const BRACE = 0x7b;

export interface FirstWordsOptions {
  /** Then clients that speak JSON must say it in a frame of its own, before anything else. */
  readonly token?: string | undefined;
  /** Takes sockets of clients that do not speak JSON; they have to ask for the token themselves. */
  readonly onOther?: ((socket: Socket) => void) | undefined;
  onJson(socket: Socket): void;
  /** It said nothing for 10 s, or not what it had to. The socket is done with. */
  onRefused(reason: Error): void;
}

/**
 * Tells two kinds of clients apart by the first bytes: a frame whose body begins with a brace is JSON. Whoever gets the
 * socket reads it from its first byte on, without the frame of the token.
 */
export function hearFirstWords(socket: Socket, { token, onOther, onJson, onRefused }: FirstWordsOptions): void {
  let heard: Buffer = Buffer.alloc(0);
  const give = (to: (socket: Socket) => void, rest: Buffer): void => {
    stop();
    socket.pause();
    if (rest.length > 0) socket.unshift(rest);
    to(socket);
    socket.resume();
  };
  const refuse = (why: string): void => {
    stop();
    socket.on('error', () => undefined).destroy();
    onRefused(new WireError(why));
  };
  const hear = (chunk: Buffer): void => {
    heard = heard.length === 0 ? chunk : Buffer.concat([heard, chunk]);
    if (heard.length < LENGTH_BYTES) return;
    // What announces too much is refused by who gets it.
    if (heard.length === LENGTH_BYTES && heard.readUInt32BE(0) <= MAX_FRAME_BYTES) return;
    const end = LENGTH_BYTES + heard.readUInt32BE(0);
    if (heard[LENGTH_BYTES] !== BRACE && onOther) give(onOther, heard);
    else if (token === undefined) give(onJson, heard);
    else if (end > MAX_HELLO_BYTES) refuse('the first frame is no hello');
    else if (heard.length < end) return;
    else if (isHello(heard.subarray(LENGTH_BYTES, end), token)) give(onJson, heard.subarray(end));
    else refuse('wrong token');
  };
  const leave = (): void => stop();
  const timer = setTimeout(() => refuse('said nothing in time'), SPEAK_WITHIN_MS);
  const stop = (): void => {
    clearTimeout(timer);
    socket.off('data', hear).off('close', leave).off('error', leave);
  };
  socket.on('data', hear).on('close', leave).on('error', leave);
}

/** What a client that speaks JSON says first where a token is asked for. */
export function helloFrame(token: string): string {
  return JSON.stringify({ type: 'hello', token });
}

export function isSameText(given: string, wanted: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(wanted)];
  return a.length === b.length && timingSafeEqual(a, b);
}

function isHello(frame: Buffer, token: string): boolean {
  try {
    const said: unknown = JSON.parse(frame.toString());
    return isRecord(said) && typeof said['token'] === 'string' && isSameText(said['token'], token);
  } catch {
    return false;
  }
}
