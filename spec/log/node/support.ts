import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type Claim,
  type LogNode,
  type LogNodeOptions,
  MemoryStore,
  type NewRecord,
  type NodeClock,
  openLogNode,
  openStore,
  type StoredRecord,
  type TopicBinding,
} from '../../../src/log/index.js';

export interface NodeHarness {
  readonly isDurable: boolean;
  /** The node of this spec; opened when first asked for. */
  readonly open: (options?: LogNodeOptions & { readonly nowMs?: () => number }) => Promise<LogNode>;
  /** Closes the node and opens the folder again. */
  readonly reopen: (options?: LogNodeOptions) => Promise<LogNode>;
  readonly folder: () => string;
}

export const to = (source: string, target: string): TopicBinding => ({ source, target, kind: 'pubsub' });

/** Nodes over both stores, for specs that hold for both. */
export function describeNodes(what: string, specs: (harness: NodeHarness) => void): void {
  for (const isDurable of [true, false])
    describe(`log node, ${isDurable ? 'on disk' : 'in memory'}: ${what}`, () => specs(harness(isDurable)));
}

function harness(isDurable: boolean): NodeHarness {
  let folder = '';
  let node: LogNode | undefined;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'msgflo-node-'));
  });
  afterEach(async () => {
    await node?.close();
    node = undefined;
    rmSync(folder, { recursive: true, force: true });
  });
  const open: NodeHarness['open'] = async ({ nowMs, ...options } = {}) => {
    const store = isDurable
      ? await openStore(folder, { sync: 'never', ...(nowMs && { nowMs }) })
      : new MemoryStore('memory', nowMs);
    node = openLogNode(store, options);
    return node;
  };
  return {
    isDurable,
    open,
    async reopen(options) {
      await node?.close();
      return await open(options);
    },
    folder: () => folder,
  };
}

/** Time that goes on when it is told to, with the timers that are due. */
export class FakeClock implements NodeClock {
  #nowMs = 1_000_000;
  #timers: { readonly atMs: number; readonly work: () => void }[] = [];

  wallMs(): number {
    return this.#nowMs;
  }

  steadyMs(): number {
    return this.#nowMs;
  }

  after(delayMs: number, work: () => void): () => void {
    const timer = { atMs: this.#nowMs + delayMs, work };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((one) => one !== timer);
    };
  }

  /** Runs what is due on the way, and lets what that began go on for a turn. */
  async advance(ms: number): Promise<void> {
    const endMs = this.#nowMs + ms;
    for (;;) {
      const next = this.#timers.filter(({ atMs }) => atMs <= endMs).sort((a, b) => a.atMs - b.atMs)[0];
      if (!next) break;
      this.#timers = this.#timers.filter((one) => one !== next);
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.work();
    }
    this.#nowMs = endMs;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

export function record(topic: string, body: unknown): NewRecord {
  return { topic, body: Buffer.from(JSON.stringify(body)) };
}

/** Commits numbers from 0, each by itself. */
export async function commitNumbers(node: LogNode, topic: string, count: number, from = 0): Promise<void> {
  await Promise.all(Array.from({ length: count }, (_, at) => node.commit([record(topic, from + at)])));
}

export function bodies(records: readonly StoredRecord[] | undefined): unknown[] {
  return (records ?? []).map(({ body }) => JSON.parse(body.toString()));
}

/** Bodies of a claim; undefined when there is none. */
export function given(claim: Claim | undefined): unknown[] | undefined {
  return claim && bodies(claim.records);
}

/** The code that a call is refused with; undefined when it is not. */
export async function refusal(call: () => unknown): Promise<unknown> {
  try {
    await call();
    return undefined;
  } catch (error) {
    return error instanceof Error && 'code' in error ? error.code : error;
  }
}
