import type { PortName, QueueName } from '../names.js';
import type { Consumer } from '../transport/index.js';
import { portReader } from './port-data.js';

/** An inport of a running participant. */
export class Inport {
  readonly name: PortName;
  readonly queue: QueueName;
  readonly prefetch: number;
  /** There as soon as the participant consumes. */
  consumer: Consumer | undefined;
  /** What it listens to, on brokers that cannot bind. */
  sources: readonly QueueName[] = [];
  /** Deliveries so far, and those of them that are done with. */
  taken = 0;
  settled = 0;
  readonly #read: ((data: unknown) => unknown) | undefined;

  constructor(name: PortName, queue: QueueName, options: { readonly prefetch: number; readonly type?: string }) {
    this.name = name;
    this.queue = queue;
    this.prefetch = options.prefetch;
    this.#read = portReader(name, options.type);
  }

  /** What process() is given for a message of this port. @throws {PortTypeError} */
  inputs(data: unknown): Readonly<Record<string, unknown>> {
    return { [this.name]: this.#read ? this.#read(data) : data };
  }
}
