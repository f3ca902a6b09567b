import { type FSWatcher, watch } from 'node:fs';
import { basename, dirname } from 'node:path';
import { messageOf } from '../errors.js';
import type { Logger } from '../support/index.js';

interface Hints {
  /** Something happened to one of the files, perhaps. */
  readonly onHint: () => void;
  /** Time for a look, since not every file system tells. */
  readonly onPoll: () => void;
  readonly log: Logger;
}

const POLL_MS = 2000;

/** Hints that a file may have changed: from its folder, since editors save by rename, and regularly all the same. */
export class OutsideWatch {
  readonly #hints: Hints;
  readonly #timer: NodeJS.Timeout;
  #watchers: readonly FSWatcher[] = [];

  constructor(hints: Hints) {
    this.#hints = hints;
    this.#timer = setInterval(hints.onPoll, POLL_MS);
  }

  /** These files from now on: a path and, where it is a link, what it leads to. */
  watch(files: readonly string[]): void {
    const names = new Set(files.map((file) => basename(file)));
    const before = this.#watchers;
    this.#watchers = [...new Set(files.map((file) => dirname(file)))].flatMap((folder) => this.#open(folder, names));
    for (const watcher of before) watcher.close();
  }

  /** Idempotent. */
  close(): void {
    clearInterval(this.#timer);
    for (const watcher of this.#watchers) watcher.close();
    this.#watchers = [];
  }

  #open(folder: string, names: ReadonlySet<string>): FSWatcher[] {
    const { onHint, log } = this.#hints;
    try {
      const watcher = watch(folder, (_event, name) => {
        if (name === null || names.has(name)) onHint();
      });
      watcher.on('error', (error) => {
        log.debug(`${folder} is not watched any more: ${error.message}`);
        watcher.close();
      });
      return [watcher];
    } catch (error) {
      log.debug(`${folder} is looked at every ${POLL_MS} ms only: ${messageOf(error)}`);
      return [];
    }
  }
}
