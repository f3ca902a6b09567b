import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { TimeoutError } from '../../errors.js';
import { asQueueName } from '../../names.js';
import { contentHash } from '../../support/index.js';
import type { Binding, Subscription } from '../index.js';
import type { Outlet } from './outlet.js';
import type { Incoming } from './session.js';

const ROUTES = 'msgflo/routes';
const ROUTED = 'msgflo/routed';
const LEADER = 'msgflo/router';
const SYNC_LIMIT_MS = 10_000;
const EMPTY = Buffer.alloc(0);

/** The key of a route; its kind may change. */
export const routeKey = ({ source, target }: Omit<Binding, 'kind'>): string => contentHash({ source, target });

/** The presence of the router that forwards just now; empty when it leaves or dies. */
export const presence = (id: string): { topic: string; payload: Buffer; retain: true } => ({
  topic: LEADER,
  payload: Buffer.from(id),
  retain: true,
});
export const absence = { topic: LEADER, payload: EMPTY, retain: true } as const;

/**
 * What the broker keeps about routing, as retained messages, and follows from now on: the routes wanted
 * (`msgflo/routes/<key>`), those that the router carries out (`msgflo/routed/<key>`), and who the router is
 * (`msgflo/router`).
 */
export class RoutingBoard {
  readonly routes = new Map<string, Binding>();
  readonly routed = new Set<string>();
  /** The router's id. */
  leader: string | undefined;
  /** When the router was last heard of, on the clock of `performance.now()`. */
  leaderHeardMs = 0;
  readonly #outlet: Outlet;
  readonly #listeners = new Set<() => void>();
  readonly #syncs = new Map<string, () => void>();
  #following: Promise<readonly Subscription[]> | undefined;

  /** Keys and topics seen since the connection came back. */
  #seen: Set<string> | undefined;

  constructor(outlet: Outlet) {
    this.#outlet = outlet;
    outlet.onRestoring(() => this.#resync());
  }

  /** Called after each change; returns how to end it. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Resolves when all is here that the broker had when this was called. @throws {TimeoutError} */
  async sync(): Promise<void> {
    this.#following ??= this.#follow();
    await this.#following.catch((error) => {
      this.#following = undefined;
      throw error;
    });
    const topic = `${ROUTES}/sync-${randomUUID()}`;
    const timer = new AbortController();
    const arrived = new Promise<true>((resolve) => this.#syncs.set(topic, () => resolve(true)));
    try {
      await this.#outlet.publish({ topic, payload: EMPTY });
      const late = delay(SYNC_LIMIT_MS, false, { signal: timer.signal }).catch(() => false);
      if (!(await Promise.race([arrived, late]))) throw new TimeoutError('the broker does not return its routes');
    } finally {
      timer.abort();
      this.#syncs.delete(topic);
    }
  }

  async putRoute(binding: Binding): Promise<void> {
    const { kind, source, target } = binding;
    const payload = Buffer.from(JSON.stringify({ route: 1, kind, source, target }));
    await this.#outlet.publish({ topic: `${ROUTES}/${routeKey(binding)}`, payload, retain: true });
  }

  async removeRoute(binding: Binding): Promise<void> {
    await this.#outlet.publish({ topic: `${ROUTES}/${routeKey(binding)}`, payload: EMPTY, retain: true });
  }

  async putRouted(key: string, isRouted: boolean): Promise<void> {
    const payload = isRouted ? Buffer.from('1') : EMPTY;
    await this.#outlet.publish({ topic: `${ROUTED}/${key}`, payload, retain: true });
  }

  /** Waits until `condition` holds. Resolves with false after `limitMs`. */
  async until(condition: () => boolean, limitMs: number): Promise<boolean> {
    if (condition()) return true;
    const timer = new AbortController();
    let stop = (): void => {};
    const held = new Promise<true>((resolve) => {
      stop = this.onChange(() => {
        if (condition()) resolve(true);
      });
    });
    const late = delay(limitMs, false, { signal: timer.signal }).catch(() => false);
    const outcome = await Promise.race([held, late]);
    stop();
    timer.abort();
    return outcome;
  }

  /** What was cleared while we were away is not told: it is what the broker does not send again. */
  #resync(): void {
    if (!this.#following) return;
    const seen = new Set<string>();
    this.#seen = seen;
    const forgetUnseen = (): void => {
      if (this.#seen !== seen) return;
      this.#seen = undefined;
      for (const key of this.routes.keys()) if (!seen.has(`${ROUTES}/${key}`)) this.routes.delete(key);
      for (const key of this.routed) if (!seen.has(`${ROUTED}/${key}`)) this.routed.delete(key);
      if (!seen.has(LEADER)) this.leader = undefined;
      this.#tell();
    };
    this.sync().then(forgetUnseen, () => undefined);
  }

  #follow(): Promise<readonly Subscription[]> {
    const see = (message: Incoming): void => this.#see(message);
    return Promise.all([`${ROUTES}/+`, `${ROUTED}/+`, LEADER].map((filter) => this.#outlet.subscribe(filter, 1, see)));
  }

  #see({ topic, payload }: Incoming): void {
    this.#seen?.add(topic);
    const key = topic.slice(topic.lastIndexOf('/') + 1);
    if (topic === LEADER) {
      this.leader = payload.length > 0 ? payload.toString() : undefined;
      this.leaderHeardMs = performance.now();
    } else if (topic.startsWith(`${ROUTED}/`)) {
      if (payload.length > 0) this.routed.add(key);
      else this.routed.delete(key);
    } else if (this.#syncs.has(topic)) {
      this.#syncs.get(topic)?.();
      return;
    } else {
      const route = readRoute(payload);
      if (route && routeKey(route) === key) this.routes.set(key, route);
      else this.routes.delete(key);
    }
    this.#tell();
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}

/** Undefined for what is no route: somebody else's message, or an empty one. */
function readRoute(payload: Buffer): Binding | undefined {
  try {
    const value: unknown = JSON.parse(payload.toString());
    if (typeof value !== 'object' || value === null) return undefined;
    const { route, kind, source, target } = value as Readonly<Record<string, unknown>>;
    if (route !== 1 || typeof source !== 'string' || typeof target !== 'string') return undefined;
    const known = kind === 'roundrobin' ? 'roundrobin' : 'pubsub';
    return { kind: known, source: asQueueName(source), target: asQueueName(target) };
  } catch {
    return undefined;
  }
}
