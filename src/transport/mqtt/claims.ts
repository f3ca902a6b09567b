import type { Inqueue } from './inqueue.js';
import type { Incoming } from './session.js';
import { nameOf, subscriptionIdOf } from './topics.js';

/** Whom a message is for: these; nobody can say yet; or nobody any more. */
export type Claim = { readonly kind: 'taken'; readonly by: readonly Inqueue[] } | Unclaimed;
export interface Unclaimed {
  readonly kind: 'undecided' | 'stale';
  /** The inqueues whose subscription it came by, as far as the broker tells. */
  readonly by: readonly Inqueue[];
}

/**
 * Finds the inqueues that a message is for. Protocol 5 names the subscription that each copy came by; without that,
 * every inqueue that listens to the topic takes it, since a broker may send one copy for two subscriptions.
 *
 * What comes from a topic that an inqueue was told to leave was sent before that, and is still for it.
 */
export function claim(message: Incoming, inqueues: ReadonlyMap<number, Inqueue>): Claim {
  const name = nameOf(message.topic);
  const only = message.subscriptionIds.length === 1 ? inqueues.get(message.subscriptionIds[0] ?? 0) : undefined;
  if (only && (only.name === name || only.sources?.has(name) || only.former.has(name))) return taken(only);
  const named = message.subscriptionIds.map((id) => inqueues.get(id)).filter((inqueue) => inqueue !== undefined);
  const asked = message.subscriptionIds.length > 0 ? named : [...inqueues.values()];
  const isTaker = ({ name: own, sources }: Inqueue): boolean => own === name || sources?.has(name) === true;
  const takers = asked.filter((inqueue) => isTaker(inqueue) || (named.includes(inqueue) && inqueue.former.has(name)));
  if (takers.length > 0) return { kind: 'taken', by: takers };
  const late = asked.filter(({ former }) => former.has(name));
  if (late.length > 0) return { kind: 'taken', by: late };
  const undecided = asked.filter(({ sources }) => sources === undefined);
  if (undecided.length > 0 || asked.length === 0) return { kind: 'undecided', by: undecided };
  return { kind: 'stale', by: asked };
}

const taken = (inqueue: Inqueue): Claim => ({ kind: 'taken', by: [inqueue] });

/** Inqueues by the identifier of their subscriptions. */
export const claimKey = ({ name }: Pick<Inqueue, 'name'>): number => subscriptionIdOf(name);
