import type { Client, TellOptions } from '../../src/protocol/client.js';
import type { Told } from './fake-network.js';
import { checkSchema } from './schema.js';

/** A client that may receive everything but what is `refused`, and keeps what it was told. That must fit the schemas of the standard. */
export class RecordingClient implements Client {
  readonly told: Told[] = [];
  readonly frames: string[] = [];
  readonly options: (TellOptions | undefined)[] = [];
  readonly #refused: ReadonlySet<string>;

  constructor(...refused: readonly string[]) {
    this.#refused = new Set(refused);
  }

  mayReceive(protocol: string, command: string): boolean {
    return !this.#refused.has(`${protocol}:${command}`);
  }

  tell({ protocol, command }: { protocol: string; command: string }, frame: string, options?: TellOptions): void {
    if (!this.mayReceive(protocol, command)) return;
    this.frames.push(frame);
    this.options.push(options);
    const message = JSON.parse(frame) as Told;
    checkSchema(message);
    this.told.push(message);
  }

  /** The payloads of one kind of message. */
  payloads(command: string): readonly Record<string, unknown>[] {
    return this.told.filter((one) => one.command === command).map(({ payload }) => payload);
  }
}
