/**
 * `npm test [-- files]`: runs all spec files, or those named, in several processes side by side: most of a spec's time is
 * spent waiting for brokers and children. The last line reads `N passed, N failed`.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { readdir, readFile, stat } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FileResult } from './spec-worker.js';

/** A file that takes longer hangs. */
const FILE_LIMIT_MS = 10 * 60_000;
/** A worker that is still there so long after its last file has something left open. */
const END_LIMIT_MS = 30_000;

const WORKER = fileURLToPath(new URL('./spec-worker.ts', import.meta.url));

interface Worker {
  readonly child: ChildProcess;
  file?: string | undefined;
  limit?: NodeJS.Timeout | undefined;
}

class SpecRun {
  readonly #files: string[];
  readonly #options: readonly string[];
  readonly #failures: string[] = [];
  #passed = 0;
  #skipped = 0;

  constructor(files: readonly string[], options: readonly string[]) {
    this.#files = [...files];
    this.#options = options;
  }

  /** Resolves with whether all passed. */
  async run(processes: number): Promise<boolean> {
    await Promise.all(Array.from({ length: Math.min(processes, this.#files.length) }, () => this.#work()));
    for (const failure of this.#failures) process.stdout.write(`FAILED ${failure}\n`);
    const skipped = this.#skipped > 0 ? `, ${this.#skipped} skipped` : '';
    process.stdout.write(`${this.#passed} passed, ${this.#failures.length} failed${skipped}\n`);
    return this.#failures.length === 0;
  }

  /** One process, and another when that has died, until no file is left. */
  async #work(): Promise<void> {
    do await this.#oneProcess();
    while (this.#files.length > 0);
  }

  #oneProcess(): Promise<void> {
    const worker: Worker = { child: fork(WORKER, [...this.#options], { execArgv: ['--import', 'tsx'] }) };
    worker.child.on('message', (message) => {
      if (isResult(message)) this.#count(message);
      this.#next(worker);
    });
    return new Promise((resolve) => {
      worker.child.once('exit', (code, signal) => {
        clearTimeout(worker.limit);
        const how = signal ?? `exit code ${code}`;
        if (worker.file !== undefined) this.#failures.push(`${worker.file}: its process ended: ${how}`);
        else if (code !== 0) this.#failures.push(`after the last file: ${how}; something was left open`);
        resolve();
      });
    });
  }

  #next(worker: Worker): void {
    clearTimeout(worker.limit);
    worker.file = this.#files.shift();
    worker.limit = setTimeout(() => worker.child.kill('SIGKILL'), worker.file ? FILE_LIMIT_MS : END_LIMIT_MS);
    worker.child.send({ file: worker.file });
  }

  #count({ file, passed, skipped, failures }: FileResult): void {
    this.#passed += passed;
    this.#skipped += skipped;
    this.#failures.push(...failures.map((failure) => `${file}: ${failure}`));
  }
}

function isResult(message: unknown): message is FileResult {
  return message !== null && typeof message === 'object' && 'file' in message;
}

/** Folders are searched for spec files. */
async function specFiles(named: readonly string[]): Promise<readonly string[]> {
  const files = await Promise.all(
    named.map(async (path) => {
      if ((await stat(path)).isFile()) return [path];
      const names = await readdir(path, { recursive: true });
      return names.filter((name) => name.endsWith('.spec.ts')).map((name) => join(path, name));
    }),
  );
  return [...new Set(files.flat())].sort();
}

const { timeout, slow }: { timeout: number; slow: number } = JSON.parse(await readFile('.mocharc.json', 'utf8'));
const named = process.argv.slice(2);
const files = await specFiles(named.length > 0 ? named : ['spec']);
const run = new SpecRun(files, [String(timeout), String(slow)]);
process.exitCode = (await run.run(Math.min(availableParallelism(), 4))) ? 0 : 1;
