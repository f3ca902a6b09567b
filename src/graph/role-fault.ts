/**
 * Why a text can be no name of a node; `undefined` for one that can. Brokers cut such names short, or cut off who uses
 * them.
 */
export const roleFault = (text: string): string | undefined =>
  /^$|\p{Cc}/u.test(text) ? 'it is empty or holds a line break, a tab or another control character' : undefined;
