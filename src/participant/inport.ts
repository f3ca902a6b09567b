import type { InportCounters } from '../discovery/index.js';
import type { PortName, QueueName } from '../names.js';
import type { Consumer } from '../transport/index.js';
import type { InportSpec } from './component.js';
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
  /** Of the settled: dead letters. */
  dead = 0;
  /** Attempts that failed and were to be repeated, and how many messages wait for their next one just now. */
  retried = 0;
  pausing = 0;
  readonly #read: ((data: unknown) => unknown) | undefined;

  constructor(name: PortName, queue: QueueName, spec: InportSpec & { readonly prefetch: number }) {
    this.name = name;
    this.queue = queue;
    this.prefetch = spec.prefetch;
    this.#read = portReader(name, spec.type);
  }

  /** As they are told. */
  get counters(): InportCounters {
    const { taken, settled, dead, retried } = this;
    return { taken, settled, dead, retried };
  }

  /** What process() is given for a message of this port. @throws {PortTypeError} */
  inputs(data: unknown): Readonly<Record<string, unknown>> {
    return { [this.name]: this.#read ? this.#read(data) : data };
  }
}
