import { MsgfloError, messageOf } from '../errors.js';
import type { Logger } from '../support/index.js';
import { type IpcChannel, isRequest, type KeeperReport, type KeeperRequest } from './keeper-protocol.js';
import type { Supervisor } from './supervisor.js';

/** Output lines on their way to the coordinator; what comes while so many are is dropped for it (not for the terminal). */
const MAX_LINES_ON_WAY = 1000;

/**
 * The keeper's end: carries out what the coordinator of the moment asks of the supervisor, and tells it what happens.
 * Coordinators come and go, the processes stay.
 */
export class KeeperServer {
  readonly #supervisor: Supervisor;
  readonly #log: Logger;
  #channel: IpcChannel | undefined;
  #linesOnWay = 0;

  constructor(supervisor: Supervisor, log: Logger) {
    this.#supervisor = supervisor;
    this.#log = log;
    supervisor.onChange((change) => this.#tell(this.#channel, { keeper: 1, change }));
    supervisor.onOutput((output) => {
      if (this.#linesOnWay >= MAX_LINES_ON_WAY) {
        return log.warnOnce('slow', 'the coordinator takes output slower than it comes; it misses some of it');
      }
      this.#linesOnWay += 1;
      this.#tell(this.#channel, { keeper: 1, output }, () => {
        this.#linesOnWay -= 1;
      });
    });
  }

  /** Serves this coordinator from now on instead of the one before. */
  attach(channel: IpcChannel): void {
    this.#channel = channel;
    channel.on('message', (message) => void this.#answer(channel, message));
    channel.on('disconnect', () => {
      if (this.#channel === channel) this.#channel = undefined;
    });
  }

  async #answer(channel: IpcChannel, message: unknown): Promise<void> {
    if (!isRequest(message)) {
      this.#log.warnOnce(
        'bad request',
        `a message of the coordinator that is no request is ignored: ${shown(message)}`,
      );
      return;
    }
    try {
      this.#tell(channel, { keeper: 1, re: message.id, ...(await this.#carryOut(message)) });
    } catch (error) {
      const code = error instanceof MsgfloError ? error.code : 'MSGFLO_KEEPER_FAILED';
      this.#tell(channel, { keeper: 1, re: message.id, error: { code, message: messageOf(error) } });
    }
  }

  async #carryOut(request: KeeperRequest) {
    switch (request.call) {
      case 'list':
        return { states: await this.#supervisor.list() };
      case 'start':
        await this.#supervisor.start(request.spec);
        return {};
      case 'stop':
        await this.#supervisor.stop(request.key);
        return {};
    }
  }

  /** Never throws: a coordinator that is gone needs no telling. */
  #tell(channel: IpcChannel | undefined, report: KeeperReport, sent: () => void = () => undefined): void {
    if (channel?.connected && channel.send) channel.send(report, sent);
    else sent();
  }
}

function shown(message: unknown): string {
  return (JSON.stringify(message) ?? String(message)).slice(0, 200);
}
