import { TimeoutError } from '../errors.js';
import type { Logger } from '../support/index.js';
import { KeeperGoneError, KeeperRefusedError } from './errors.js';
import { type IpcChannel, isReport, type KeeperReport, type KeeperRequest } from './keeper-protocol.js';
import type { OutputLine, ProcessSpec, ProcessState } from './model.js';

interface Waiting {
  readonly resolve: (states: readonly ProcessState[]) => void;
  readonly reject: (error: Error) => void;
  readonly timer: NodeJS.Timeout;
}

export interface KeeperClientOptions {
  readonly log: Logger;
  /** How long an answer may take; stopping takes the keeper's grace. @default 30000 */
  readonly timeoutMs?: number;
}

type Order = { call: 'list' } | { call: 'start'; spec: ProcessSpec } | { call: 'stop'; key: string };

/** The coordinator's end: the surface of a supervisor whose processes belong to the keeper and outlive us. */
export class KeeperClient {
  readonly #channel: IpcChannel;
  readonly #log: Logger;
  readonly #timeoutMs: number;
  readonly #waiting = new Map<number, Waiting>();
  readonly #changeHandlers: ((state: ProcessState) => void)[] = [];
  readonly #outputHandlers: ((line: OutputLine) => void)[] = [];
  readonly #onMessage = (message: unknown): void => this.#take(message);
  readonly #onDisconnect = (): void => this.#fail('the channel to the keeper closed');
  #lastId = 0;

  /** @param channel `process` in a child that was started with a channel */
  constructor(channel: IpcChannel, options: KeeperClientOptions) {
    this.#channel = channel;
    this.#log = options.log;
    this.#timeoutMs = options.timeoutMs ?? 30_000;
    channel.on('message', this.#onMessage);
    channel.on('disconnect', this.#onDisconnect);
  }

  /** @throws {KeeperGoneError} @throws {TimeoutError} */
  async list(): Promise<readonly ProcessState[]> {
    return this.#ask({ call: 'list' });
  }

  /** As `Supervisor.start`. @throws {KeeperRefusedError} with the supervisor's code @throws {KeeperGoneError} @throws {TimeoutError} */
  async start(spec: ProcessSpec): Promise<void> {
    await this.#ask({ call: 'start', spec });
  }

  /** As `Supervisor.stop`. @throws as `start` */
  async stop(key: string): Promise<void> {
    await this.#ask({ call: 'stop', key });
  }

  onChange(handler: (state: ProcessState) => void): void {
    this.#changeHandlers.push(handler);
  }

  onOutput(handler: (line: OutputLine) => void): void {
    this.#outputHandlers.push(handler);
  }

  /** Listens no more, so that the channel does not keep us alive; stops no process. Idempotent. */
  close(): void {
    this.#channel.off('message', this.#onMessage);
    this.#channel.off('disconnect', this.#onDisconnect);
    this.#fail('closed');
  }

  #ask(order: Order): Promise<readonly ProcessState[]> {
    this.#lastId += 1;
    const id = this.#lastId;
    const request: KeeperRequest = { keeper: 1, id, ...order };
    return new Promise((resolve, reject) => {
      if (!this.#channel.connected || !this.#channel.send)
        return reject(new KeeperGoneError('there is no channel to a keeper'));
      const timer = setTimeout(() => {
        this.#settle(id)?.reject(
          new TimeoutError(`the keeper did not answer '${order.call}' within ${this.#timeoutMs} ms`),
        );
      }, this.#timeoutMs);
      this.#waiting.set(id, { resolve, reject, timer });
      this.#channel.send(request, (error) => {
        if (error)
          this.#settle(id)?.reject(new KeeperGoneError(`cannot reach the keeper: ${error.message}`, { cause: error }));
      });
    });
  }

  #take(message: unknown): void {
    if (!isReport(message)) {
      this.#log.warnOnce('bad report', 'a message of the keeper that is no report is ignored');
      return;
    }
    const report: KeeperReport = message;
    if ('change' in report) for (const handler of this.#changeHandlers) handler(report.change);
    else if ('output' in report) for (const handler of this.#outputHandlers) handler(report.output);
    else if ('error' in report) this.#settle(report.re)?.reject(refusal(report.error.code, report.error.message));
    else this.#settle(report.re)?.resolve(report.states ?? []);
  }

  #settle(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    clearTimeout(waiting?.timer);
    return waiting;
  }

  #fail(reason: string): void {
    for (const id of [...this.#waiting.keys()]) this.#settle(id)?.reject(new KeeperGoneError(reason));
  }
}

function refusal(code: string, message: string): KeeperRefusedError {
  return new KeeperRefusedError(`MSGFLO_${code.replace(/^MSGFLO_/, '')}`, message);
}
