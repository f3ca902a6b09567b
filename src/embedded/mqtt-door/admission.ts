import { createHash, timingSafeEqual } from 'node:crypto';
import { MQTT_USER } from '../mqtt-user.js';
import type { Refusal } from './connection.js';
import type { ConnectPacket } from './packets.js';

/** With what the door puts around it, it is no longer than the log takes. */
const MAX_CLIENT_ID_CHARS = 128;
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;

/** Why a client is not welcome; undefined for one that is. @param token the password, where one is asked for */
export function refusalOf(packet: ConnectPacket, token: string | undefined): Refusal | undefined {
  if (token !== undefined && !knows(packet, token))
    return { refusal: 'password', reason: 'it gave a wrong user or password' };
  const { clientId, clean } = packet;
  const isNamed = clientId.length > 0 || clean;
  if (isNamed && clientId.length <= MAX_CLIENT_ID_CHARS && !CONTROL.test(clientId)) return undefined;
  const reason = `a client id has at most ${MAX_CLIENT_ID_CHARS} characters, none of control; without one a session is clean`;
  return { refusal: 'client-id', reason };
}

/** Takes as long whatever is wrong. */
function knows({ username, password }: ConnectPacket, token: string): boolean {
  const digest = (bytes: Buffer | string): Buffer => createHash('sha256').update(bytes).digest();
  const isPassword = timingSafeEqual(digest(password ?? ''), digest(token));
  return isPassword && username === MQTT_USER;
}
