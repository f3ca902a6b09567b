import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LogCallError, PipeProc, type PipeProcClient, type Rec, type SpawnOptions } from '../../../src/log/index.js';

export interface Programs {
  /** A folder of this suite, removed behind it. */
  readonly folder: () => string;
  /** A client that is shut down after the suite if it was not before. */
  client(): PipeProcClient;
  /** A client with a node of its own, under a namespace of its own unless told otherwise. */
  spawned(options?: SpawnOptions): Promise<PipeProcClient>;
}

/** Clients and nodes of one suite. */
export function programs(): Programs {
  const clients: PipeProcClient[] = [];
  let folder = '';
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'msgflo-log-'));
  });
  after(async () => {
    for (const client of clients.reverse()) await client.shutdown().catch(() => undefined);
    rmSync(folder, { recursive: true, force: true });
  });
  const client = (): PipeProcClient => {
    const one = PipeProc();
    clients.push(one);
    return one;
  };
  return {
    folder: () => folder,
    client,
    async spawned(options = {}) {
      const one = client();
      await one.spawn({ namespace: unique(), memory: options.location === undefined, workers: 0, ...options });
      return one;
    },
  };
}

/** A name that nobody else has. */
export function unique(): string {
  return `spec-${randomUUID().slice(0, 8)}`;
}

/** The code of what is thrown; it is the message as well. */
export async function codeOf(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => new Error('nothing was thrown'),
    (reason: unknown) => reason,
  );
  if (!(error instanceof LogCallError) || error.code !== error.message) throw error;
  return error.code;
}

/** The one record that a proc gave. */
export function one(log: null | Rec | Rec[]): Rec {
  if (log === null || Array.isArray(log)) throw new Error(`one record was expected, got ${JSON.stringify(log)}`);
  return log;
}

export function bodiesOf(records: readonly Rec[]): unknown[] {
  return records.map(({ body }) => body);
}
