import { createHash, timingSafeEqual } from 'node:crypto';
import { type Capability, OFFERED } from './capabilities.js';

/** Who may do what. */
export interface AccessRules {
  /** For clients without a secret, and for those with a wrong one. */
  readonly anonymous: readonly Capability[];
  readonly secrets: readonly SecretRule[];
}

export interface SecretRule {
  /** Not empty: clients that have none send `''`. */
  readonly secret: string;
  readonly capabilities: readonly Capability[];
}

/** What one message may do. */
export interface Grant {
  /** In the order of `OFFERED`. */
  readonly capabilities: readonly Capability[];
  /** It carried a secret that nobody has. */
  readonly isWrongSecret: boolean;
}

/** To look at everything and change nothing. Traces are left out: their buffer is shared, and `trace:clear` empties it. */
export const READ_ONLY: readonly Capability[] = [
  'graph:readonly',
  'protocol:component',
  'component:getsource',
  'network:status',
  'network:data',
];

/**
 * Tells what a secret opens. Secrets are compared by their SHA-256 digests, each with all that there are and in constant
 * time, so that how long it takes says nothing; none is kept in clear.
 */
export class Access {
  readonly #anonymous: readonly Capability[];
  readonly #entries: readonly { readonly digest: Buffer; readonly capabilities: readonly Capability[] }[];

  /** @throws {RangeError} for an empty secret, which would open nothing, and for one that stands twice */
  constructor({ anonymous, secrets }: AccessRules) {
    if (secrets.some(({ secret }) => secret === '')) throw new RangeError('a secret must not be empty');
    if (new Set(secrets.map(({ secret }) => secret)).size < secrets.length) {
      throw new RangeError('a secret stands twice');
    }
    this.#anonymous = inOrder(anonymous);
    this.#entries = secrets.map(({ secret, capabilities }) => ({
      digest: digestOf(secret),
      capabilities: inOrder(capabilities),
    }));
  }

  /** `undefined` and `''` are no secret. */
  grantFor(secret: string | undefined): Grant {
    if (secret === undefined || secret === '') return { capabilities: this.#anonymous, isWrongSecret: false };
    const digest = digestOf(secret);
    let found: readonly Capability[] | undefined;
    for (const entry of this.#entries) {
      if (timingSafeEqual(entry.digest, digest)) found = entry.capabilities;
    }
    return { capabilities: found ?? this.#anonymous, isWrongSecret: found === undefined };
  }
}

function inOrder(capabilities: readonly Capability[]): readonly Capability[] {
  return OFFERED.filter((capability) => capabilities.includes(capability));
}

function digestOf(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}
