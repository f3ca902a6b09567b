/** Time, as the node sees it. */
export interface NodeClock {
  /** Milliseconds since 1970. */
  wallMs(): number;
  /** Milliseconds that never go back. */
  steadyMs(): number;
  /** Calls once, unless called off. */
  after(delayMs: number, work: () => void): () => void;
}

/** The longest that a timer of Node.js can be set to. */
const MAX_DELAY_MS = 2_147_483_647;

/** Time of this machine. Its timers keep no process alive. */
export const machineClock: NodeClock = {
  wallMs: () => Date.now(),
  steadyMs: () => performance.now(),
  after(delayMs, work) {
    const timer = setTimeout(work, Math.min(Math.max(0, delayMs), MAX_DELAY_MS));
    timer.unref();
    return () => clearTimeout(timer);
  },
};
