import { setTimeout as delay } from 'node:timers/promises';
import { type BrokerFile, NODE_HOPELESS, readBrokerFile, SETTINGS_VARIABLE } from '../embedded/index.js';
import { MsgfloError } from '../errors.js';
import { type Guard, KeptService } from '../process/index.js';
import { programOf, timeLimit } from '../support/index.js';
import { NODE_RUNNING } from '../transport/log/index.js';
import type { CliContext } from './command.js';
import { type EmbeddedSettings, isForOthers } from './embedded-options.js';

/** The embedded broker did not come up; it said why on stderr. */
class EmbeddedBrokerError extends MsgfloError {
  readonly code = 'MSGFLO_EMBEDDED_BROKER';
}

const READY_WITHIN_MS = 10_000;

/** How often it is looked whether the broker that another msgflo runs is still there, in ms. */
const LOOK_EVERY_MS = 500;
/** Before one that cannot run, as it stands, is tried again. */
const HOPELESS_REST_MS = 5000;

export interface EmbeddedServiceOptions {
  readonly stateDir: string;
  readonly guard: Guard;
  /** Count for a process of our own only: that of another msgflo has its own. */
  readonly settings: EmbeddedSettings;
  /** Which flags they were given by. */
  readonly given: readonly string[];
}

/**
 * Sees to it that a folder has an embedded broker for as long as this service lives: a process of our own, kept running,
 * or that of another msgflo, whose place is taken when it ends. Clients find the new one at the same address.
 */
export class EmbeddedService {
  readonly #options: EmbeddedServiceOptions & Pick<CliContext, 'log'>;
  readonly #stopping = new AbortController();
  readonly #failing = new AbortController();
  readonly #over: Promise<void>;
  #service: KeptService | undefined;

  private constructor(options: EmbeddedServiceOptions, log: CliContext['log']) {
    this.#options = { ...options, log };
    this.#over = this.#keep();
  }

  /**
   * Resolves when a broker answers.
   * @throws {EmbeddedBrokerError} when none does within 10 s or it never will, or the signal aborts
   */
  static async start(
    options: EmbeddedServiceOptions,
    { log, signal }: CliContext,
  ): Promise<{ readonly service: EmbeddedService; readonly broker: BrokerFile }> {
    const service = new EmbeddedService(options, log);
    const limit = timeLimit(READY_WITHIN_MS, AbortSignal.any([signal, service.#failing.signal]));
    try {
      for (;;) {
        const broker = await readBrokerFile(options.stateDir);
        if (broker) {
          service.#say(broker);
          return { service, broker };
        }
        await delay(25, undefined, { signal: limit.signal });
      }
    } catch (error) {
      await service.stop();
      throw new EmbeddedBrokerError(`the embedded broker did not start in ${options.stateDir}`, { cause: error });
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

  #say({ pid, mqtt }: BrokerFile): void {
    const { log, stateDir, settings, given } = this.#options;
    const reach = isForOthers(settings) ? '' : ', for this machine only';
    if (this.#service) log.info(`using the embedded broker${reach} (another: --broker amqp://... or mqtt://...)`);
    else log.info(`using the embedded broker that runs in this folder already: process ${pid}, ${stateDir}`);
    if (!this.#service && given.length > 0)
      log.warn(`${given.join(', ')}: not in force as long as process ${pid} runs the broker, with settings of its own`);
    if (mqtt === undefined)
      log.warn(`process ${pid} was started without a door for MQTT: clients of MQTT cannot come in`);
  }

  async #keep(): Promise<void> {
    const { stateDir, guard, log, settings } = this.#options;
    const { signal } = this.#stopping;
    const { path, execArgv } = programOf('embedded/main');
    const spec = {
      role: 'broker',
      argv: [process.execPath, ...execArgv, path, '--dir', stateDir],
      env: { [SETTINGS_VARIABLE]: JSON.stringify(settings) },
    };
    const restart = { finalCodes: [NODE_RUNNING, NODE_HOPELESS] };
    const rest = (ms: number): Promise<void> => delay(ms, undefined, { signal }).catch(() => undefined);
    while (!signal.aborted) {
      if (await readBrokerFile(stateDir)) {
        await rest(LOOK_EVERY_MS);
        continue;
      }
      if (signal.aborted) return;
      this.#service = new KeptService(spec, { guard, log, restart });
      const { lastExit } = await this.#service.over();
      const isHopeless = lastExit?.code === NODE_HOPELESS;
      this.#service = undefined;
      if (isHopeless) this.#failing.abort();
      // One that has the folder, but does not answer yet, or ends just now.
      await rest(isHopeless ? HOPELESS_REST_MS : LOOK_EVERY_MS / 5);
    }
  }
}
