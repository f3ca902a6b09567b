import type { ProcState } from './log-procs.js';

/** Copies what comes to one topic to another, in the same commit; lives on disk. */
export interface TopicBinding {
  readonly source: string;
  readonly target: string;
  /** What it is called; two of different kinds between the same topics are two bindings and one copy. */
  readonly kind: string;
}

export interface InqueueOptions {
  /** The sum of what its consumers may hold. @default 1 */
  readonly maxClaims?: number;
  /** Topic of its dead letters. @default `dead-<queue>` */
  readonly deadletter?: string;
  readonly maxReclaims?: number;
  readonly reclaimTimeout?: number;
}

/** What makes topics queues of a transport. */
export interface LogBindings {
  /**
   * What is committed to `source` from now on goes to `target` as well, and on to what is bound to that, in the same batch
   * and each record once. Idempotent, as is `unbind`.
   */
  bind(binding: TopicBinding): Promise<void>;
  unbind(binding: TopicBinding): Promise<void>;
  bindings(): readonly TopicBinding[];
  /**
   * The topic gets a copy of everything that comes, directly or by bindings, to topics that one of these filters matches
   * (`matchesFilter`); each copy says where it comes from (`readHeaders`). Replaces what was said before; none ends it.
   */
  subscribe(target: string, filters: readonly string[]): Promise<void>;
  subscription(target: string): readonly string[];
  /** Topics that get copies of what is committed to this one. */
  targets(source: string): readonly string[];
  /** The proc `in:<queue>` with strategy `deadletter`; one that exists takes over the options given. */
  inqueue(queue: string, options?: InqueueOptions): Promise<ProcState>;
}
