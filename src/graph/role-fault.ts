/** Names of queues hold a role, a port and some letters of ours; AMQP takes 255 bytes. */
const MAX_ROLE_BYTES = 200;

/**
 * Why a text can be no name of a node; `undefined` for one that can. Brokers cut such names short, or cut off who uses
 * them: the node would never be there, and what leads to it would wait for it.
 */
export function roleFault(text: string): string | undefined {
  if (/\p{Cs}/u.test(text)) return 'it holds half a character';
  if (Buffer.byteLength(text) > MAX_ROLE_BYTES) return `it has more than ${MAX_ROLE_BYTES} bytes`;
  return nameFault(text);
}

/** The same for a port: why it can be no name of anything. */
export const nameFault = (text: string): string | undefined =>
  /^$|\p{Cc}/u.test(text) ? 'it is empty or holds a line break, a tab or another control character' : undefined;
