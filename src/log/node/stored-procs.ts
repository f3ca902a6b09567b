import type { LogStore } from '../store/store.js';
import { Proc } from './proc.js';
import {
  AHEAD,
  CLAIM,
  PROC,
  type ProcDefinition,
  parseClaim,
  parsePosition,
  positionKey,
  sequenceIn,
} from './proc-facts.js';
import type { Span } from './span-set.js';
import type { TopicEntry } from './topic-entry.js';

interface Parts {
  readonly store: LogStore;
  readonly topic: (name: string) => TopicEntry;
  /** When a claim ends that was given out at a time, by the wall clock. */
  readonly deadline: (claimedAtMs: number, definition: ProcDefinition) => number;
  /** The log was not closed: the newest claims were not written down. */
  readonly hasCrashed: boolean;
}

/**
 * The procs as the log has them. Claims that were out stay out, with their tokens and what is left of their time.
 * A proc whose making was not finished was promised to nobody and is not among them.
 */
export function storedProcs({ store, topic, deadline, hasCrashed }: Parts): readonly Proc[] {
  const ahead = byName(store.list(AHEAD), AHEAD.length);
  const claims = byName(store.list(CLAIM), CLAIM.length);
  return store.list(PROC).flatMap(([key, value]) => {
    const name = key.slice(PROC.length);
    const definition: ProcDefinition = JSON.parse(value);
    if (definition.start < 0) return [];
    const proc = new Proc(name, topic(definition.topic), definition);
    const position = store.get(positionKey(name));
    proc.restore({
      position: position === undefined ? undefined : parsePosition(position),
      ahead: (ahead.get(name) ?? []).map(([one, last]): Span => ({ first: sequenceIn(one), last: Number(last) })),
      claims: (claims.get(name) ?? []).map(([one, text]) => {
        const claim = parseClaim(one, text);
        return { claim, deadlineMs: deadline(claim.claimedAtMs, definition) };
      }),
    });
    if (hasCrashed) proc.suspectClaims();
    return [proc];
  });
}

type Fact = readonly [key: string, value: string];

function byName(facts: readonly Fact[], prefix: number): Map<string, Fact[]> {
  const families = new Map<string, Fact[]>();
  for (const fact of facts) {
    const name = fact[0].slice(prefix, fact[0].lastIndexOf('\0'));
    const family = families.get(name);
    if (family) family.push(fact);
    else families.set(name, [fact]);
  }
  return families;
}
