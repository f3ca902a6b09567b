import { copyFileSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type LogStore, openStore, type StoredRecord, type StoreOptions } from '../../../src/log/index.js';

/** A folder of its own for each spec, removed behind it with the stores that were left open. */
export function storeFolder(): {
  readonly path: () => string;
  readonly open: (options?: StoreOptions) => Promise<LogStore>;
} {
  let path = '';
  let stores: LogStore[] = [];
  beforeEach(() => {
    path = mkdtempSync(join(tmpdir(), 'msgflo-log-'));
    stores = [];
  });
  afterEach(async () => {
    for (const store of stores) await store.close();
    rmSync(path, { recursive: true, force: true });
  });
  return {
    path: () => path,
    async open(options) {
      const store = await openStore(path, options);
      stores.push(store);
      return store;
    },
  };
}

export function text(topic: string, body: string): { readonly topic: string; readonly body: Buffer } {
  return { topic, body: Buffer.from(body) };
}

export async function allOf(store: LogStore, topic: string, maxBytes = 1024 * 1024): Promise<StoredRecord[]> {
  const all: StoredRecord[] = [];
  for await (const page of store.pages(topic, { maxBytes })) all.push(...page);
  return all;
}

export async function textsOf(store: LogStore, topic: string): Promise<string[]> {
  return (await allOf(store, topic)).map(({ body }) => body.toString());
}

/** Names of the files of one kind, oldest first. */
export function filesOf(folder: string, extension: string): string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith(`.${extension}`))
    .sort();
}

/** The files as a crash now would leave them, in a folder of their own below `folder`. @returns that folder */
export function crashCopy(folder: string): string {
  const copy = mkdtempSync(join(folder, 'crash-'));
  for (const kind of ['seg', 'idx', 'ckp'])
    for (const name of filesOf(folder, kind)) copyFileSync(join(folder, name), join(copy, name));
  return copy;
}
