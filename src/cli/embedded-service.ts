import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { BROKER_RUNNING, readBrokerFile } from '../embedded/index.js';
import { MsgfloError } from '../errors.js';
import { type Guard, KeptService } from '../process/index.js';
import { timeLimit } from '../support/index.js';
import type { CliContext } from './command.js';

/** The embedded broker did not come up; it said why on stderr. */
class EmbeddedBrokerError extends MsgfloError {
  readonly code = 'MSGFLO_EMBEDDED_BROKER';
}

const READY_WITHIN_MS = 10_000;

/** How often it is looked whether the broker that another msgflo runs is still there, in ms. */
const LOOK_EVERY_MS = 500;

/**
 * Sees to it that a folder has an embedded broker for as long as this service lives: a process of our own, kept running,
 * or that of another msgflo, whose place is taken when it ends. Clients find the new one at the same address.
 */
export class EmbeddedService {
  readonly #stateDir: string;
  readonly #parts: { readonly guard: Guard; readonly log: CliContext['log'] };
  readonly #stopping = new AbortController();
  readonly #over: Promise<void>;
  #service: KeptService | undefined;

  private constructor(stateDir: string, guard: Guard, log: CliContext['log']) {
    this.#stateDir = stateDir;
    this.#parts = { guard, log };
    this.#over = this.#keep();
  }

  /** Resolves when a broker answers. @throws {EmbeddedBrokerError} when none does within 10 s, or the signal aborts */
  static async start(
    stateDir: string,
    guard: Guard,
    { log, signal }: CliContext,
  ): Promise<{ readonly service: EmbeddedService; readonly address: string }> {
    const service = new EmbeddedService(stateDir, guard, log);
    const limit = timeLimit(READY_WITHIN_MS, signal);
    try {
      for (;;) {
        const found = await readBrokerFile(stateDir);
        if (found) return { service, address: service.#say(found.address) };
        await delay(25, undefined, { signal: limit.signal });
      }
    } catch (error) {
      await service.stop();
      throw new EmbeddedBrokerError(`the embedded broker did not start in ${stateDir}`, { cause: error });
    } finally {
      limit.end();
    }
  }

  /** Resolves when a process of ours is gone. The broker of another msgflo is left alone. Idempotent. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#service?.stop();
    await this.#over;
  }

  #say(address: string): string {
    const { log } = this.#parts;
    if (this.#service)
      log.info('using the embedded broker, for this machine only (another: --broker amqp://... or mqtt://...)');
    else log.info(`using the embedded broker that runs in this folder already: ${address}`);
    return address;
  }

  async #keep(): Promise<void> {
    const { signal } = this.#stopping;
    const argv = [
      process.execPath,
      fileURLToPath(new URL('../embedded/main.js', import.meta.url)),
      '--dir',
      this.#stateDir,
    ];
    while (!signal.aborted) {
      if (await readBrokerFile(this.#stateDir)) {
        await delay(LOOK_EVERY_MS, undefined, { signal }).catch(() => undefined);
        continue;
      }
      if (signal.aborted) return;
      this.#service = new KeptService(
        { role: 'broker', argv },
        { ...this.#parts, restart: { finalCodes: [BROKER_RUNNING] } },
      );
      await this.#service.over();
      this.#service = undefined;
    }
  }
}
