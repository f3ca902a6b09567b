import type { ChildProcess } from 'node:child_process';
import type { Logger } from '../support/index.js';
import type { Guard } from './guard.js';
import type { ProcessSpec, ProcessState } from './model.js';
import { ProcessRunner } from './process-runner.js';
import type { RestartOptions } from './restart-policy.js';

export interface KeptServiceOptions {
  readonly guard: Guard;
  readonly log: Logger;
  /** From SIGTERM to SIGKILL. @default 5000 */
  readonly graceMs?: number;
  /** @default { limit: Infinity, maxMs: 5000, finalCodes: [] } */
  readonly restart?: RestartOptions;
  /** Gives the service a channel for messages; called at each start, before the service can have sent anything. */
  readonly onSpawn?: (child: ChildProcess) => void;
  readonly onChange?: (state: ProcessState) => void;
}

/**
 * One part that a keeper cannot be without (coordinator, router, broker): started at once, started again for ever with
 * back-off, its output left to our own stdout and stderr.
 */
export class KeptService {
  readonly #runner: ProcessRunner;

  constructor(spec: Omit<ProcessSpec, 'key'>, options: KeptServiceOptions) {
    const { guard, log, graceMs = 5000, restart = {}, onSpawn, onChange } = options;
    this.#runner = new ProcessRunner(
      { ...spec, key: spec.role },
      {
        guard,
        log,
        graceMs,
        restart: { limit: Number.POSITIVE_INFINITY, maxMs: 5000, finalCodes: [], ...restart },
        env: {},
        output: 'inherit',
        onState: (state) => onChange?.(state),
        ...(onSpawn && { onSpawn }),
      },
    );
  }

  get state(): ProcessState {
    return this.#runner.state;
  }

  /** Resolves when it exited with a final code, failed or was stopped; says which. Never rejects. */
  async over(): Promise<ProcessState> {
    await this.#runner.over;
    return this.#runner.state;
  }

  /** SIGTERM, SIGKILL after the grace. Resolves when it and what it started are gone. Idempotent. */
  async stop(): Promise<void> {
    await this.#runner.stop();
  }
}
