import type { Claim } from '../node/log-claims.js';
import type { LogNode } from '../node/log-node.js';

/** Of one proc; beyond that the oldest are forgotten, and come back by their time limit. */
const MAX_REMEMBERED = 1000;

/** One connection, by the signal that aborts when it is over. */
type Holder = AbortSignal;

/**
 * Which claims were given out over which connection, so that they are given back when it ends. Claims that came back
 * meanwhile may be among them: giving those back is refused, and does nothing.
 */
export class HeldClaims {
  readonly #node: LogNode;
  /** By proc and token, oldest first. */
  readonly #holders = new Map<string, Map<string, Holder>>();
  readonly #left = new WeakSet<Holder>();

  constructor(node: LogNode) {
    this.#node = node;
  }

  add({ proc, token }: Pick<Claim, 'proc' | 'token'>, holder: Holder): void {
    const ofProc = this.#holders.get(proc) ?? new Map<string, Holder>();
    if (ofProc.size === 0) this.#holders.set(proc, ofProc);
    ofProc.set(token, holder);
    if (ofProc.size <= MAX_REMEMBERED) return;
    const [oldest] = ofProc.keys();
    if (oldest !== undefined) ofProc.delete(oldest);
  }

  /**
   * A connection means this claim, or the newest: it is that one's from now on, also if it was given out over another.
   * @returns its token, for `ended`
   */
  meant(proc: string, token: string | undefined, holder: Holder): string | undefined {
    const ofProc = this.#holders.get(proc);
    if (!ofProc) return token;
    const one = token ?? newest(ofProc);
    if (one !== undefined && ofProc.has(one)) ofProc.set(one, holder);
    return one;
  }

  /** A claim was acknowledged or given back. */
  ended(proc: string, token: string | undefined): void {
    const ofProc = this.#holders.get(proc);
    if (!ofProc || token === undefined) return;
    ofProc.delete(token);
    if (ofProc.size === 0) this.#holders.delete(proc);
  }

  /** The client says goodbye: what it holds goes to others at once, and does not count as an attempt. */
  leave(holder: Holder): void {
    this.#left.add(holder);
    for (const [proc, token] of this.#take(holder)) this.#node.release(proc, token);
  }

  /** The connection is over. What the client held, unless it had said goodbye, counts as an attempt that failed. */
  lost(holder: Holder): void {
    if (this.#left.has(holder)) {
      this.leave(holder);
      return;
    }
    // What is refused had come back already; what the disk does not take comes back by its time limit.
    for (const [proc, token] of this.#take(holder))
      this.#node.reclaim(proc, token, 'its consumer was lost').catch(() => undefined);
  }

  /** O(claims that are out over all connections), once for each connection. */
  #take(holder: Holder): readonly (readonly [proc: string, token: string])[] {
    const taken: [string, string][] = [];
    for (const [proc, ofProc] of this.#holders) {
      for (const [token, by] of ofProc) if (by === holder) taken.push([proc, token]);
    }
    for (const [proc, token] of taken) this.ended(proc, token);
    return taken;
  }
}

function newest(ofProc: ReadonlyMap<string, Holder>): string | undefined {
  let last: string | undefined;
  for (const token of ofProc.keys()) last = token;
  return last;
}
