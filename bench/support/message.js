/** @typedef {{ run: string, n: number, atMs: number, text: string }} Message */

const BYTES = 100;

/**
 * Message `n` of a run, 100 bytes as JSON.
 * @param {string} run @param {number} n
 * @returns {Message}
 */
export function createMessage(run, n) {
  const message = { run, n, atMs: nowMs(), text: '' };
  message.text = 'x'.repeat(BYTES - JSON.stringify(message).length);
  return message;
}

/** Milliseconds since 1970 to a hundredth: all processes of a machine share this clock. */
export function nowMs() {
  return Math.round((performance.timeOrigin + performance.now()) * 100) / 100;
}
