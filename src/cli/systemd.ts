import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { messageOf } from '../errors.js';
import type { CliContext } from './command.js';
import { findProgram } from './find-program.js';

const PROGRAM = 'systemd-notify';
const LIMIT_MS = 5000;

/**
 * Tells systemd how we are (sd_notify), by its program `systemd-notify`: Node has no datagram sockets of Unix. Since that is
 * another process, the unit needs `NotifyAccess=all`. Does nothing where systemd does not ask (`NOTIFY_SOCKET`).
 */
export class Systemd {
  readonly #context: Pick<CliContext, 'env' | 'cwd' | 'log'>;
  readonly #program: string | undefined;
  #timer: NodeJS.Timeout | undefined;
  #sending = Promise.resolve();
  #isToldSoon = false;

  constructor(context: Pick<CliContext, 'env' | 'cwd' | 'log'>) {
    this.#context = context;
    if (!context.env['NOTIFY_SOCKET']) return;
    this.#program = findProgram(PROGRAM, context);
    if (this.#program === undefined) {
      context.log.warn(`NOTIFY_SOCKET is set, but there is no program ${PROGRAM}: systemd is told nothing`);
    }
  }

  /** We are at work. */
  ready(): void {
    this.#send('READY=1');
  }

  /** Twice as often as systemd wants to hear of us, for as long as `isWell`. */
  watch(isWell: () => boolean): void {
    const everyMs = this.#watchdogMs() / 2;
    if (this.#program === undefined || !(everyMs > 0)) return;
    const tell = (): void => {
      if (isWell() && !this.#isToldSoon) this.#tellSoon();
    };
    this.#timer = setInterval(tell, everyMs);
    tell();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#sending;
  }

  /** NaN where no watchdog is on, or one for another process. */
  #watchdogMs(): number {
    const { env, log } = this.#context;
    const { WATCHDOG_USEC: micros, WATCHDOG_PID: pid } = env;
    if (micros === undefined || this.#program === undefined) return Number.NaN;
    if (pid !== undefined && Number(pid) !== process.pid) {
      log.warn(
        `the watchdog of systemd waits for process ${pid}, which is not this one (${process.pid}): start it directly`,
      );
      return Number.NaN;
    }
    return Number(micros) / 1000;
  }

  /** At most one waits its turn. */
  #tellSoon(): void {
    this.#isToldSoon = true;
    this.#send('WATCHDOG=1', () => {
      this.#isToldSoon = false;
    });
  }

  /** One after another; what systemd did not hear is said once. */
  #send(state: string, onSent: () => void = () => undefined): void {
    const { env, log } = this.#context;
    const program = this.#program;
    if (program === undefined) return;
    const send = async (): Promise<void> => {
      try {
        await promisify(execFile)(program, [state], { env, timeout: LIMIT_MS });
      } catch (error) {
        log.warnOnce(PROGRAM, `${PROGRAM} failed, systemd may not know of us: ${messageOf(error)}`);
      }
    };
    this.#sending = this.#sending.then(send).then(onSent);
  }
}
