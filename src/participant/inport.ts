import type { InportCounters } from '../discovery/index.js';
import type { PortName, QueueName } from '../names.js';
import { type Consumer, type Delivery, HEADER } from '../transport/index.js';
import type { InportSpec } from './component.js';
import { DurationCounts } from './durations.js';
import { portReader } from './port-data.js';
import type { PortSchema } from './port-schema.js';
import { Retry } from './retry.js';

const DEFAULT_CRASHES = 3;

/** An inport of a running participant. */
export class Inport {
  readonly name: PortName;
  readonly queue: QueueName;
  readonly prefetch: number;
  readonly retry: Retry | undefined;
  /** After so many deaths of the process over a message it is a dead letter. */
  readonly crashes: number;
  /** Lower first; those without one come last. */
  readonly order: number;
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
  /** From creation until taken, and how long each attempt of process() took. */
  readonly waiting = new DurationCounts();
  readonly working = new DurationCounts();
  /** What is announced of its schema. */
  readonly shownSchema: InportSpec['schema'];
  readonly #schema: PortSchema | undefined;
  readonly #read: ((data: unknown) => unknown) | undefined;

  constructor(
    name: PortName,
    queue: QueueName,
    spec: InportSpec & {
      readonly prefetch: number;
      readonly check?: PortSchema | undefined;
      readonly shownSchema?: InportSpec['schema'];
    },
  ) {
    this.name = name;
    this.queue = queue;
    this.prefetch = spec.prefetch;
    this.retry = spec.retry && new Retry(spec.retry);
    this.crashes = spec.crashes ?? DEFAULT_CRASHES;
    this.order = spec.order ?? Number.POSITIVE_INFINITY;
    this.#schema = spec.check;
    this.shownSchema = spec.shownSchema;
    this.#read = portReader(name, spec.type);
  }

  /** A message has come; it waits for its turn. */
  took(headers: Delivery['headers'], atMs: number): void {
    const createdMs = Number(headers[HEADER.createdAt]);
    this.taken += 1;
    if (createdMs > 0) this.waiting.observe(atMs - createdMs);
  }

  /** As they are told. */
  get counters(): InportCounters {
    const { taken, settled, dead, retried } = this;
    return {
      taken,
      settled,
      dead,
      retried,
      waiting: this.waiting.total,
      working: this.working.total,
      ...(this.#schema && { misfits: this.#schema.misfits }),
    };
  }

  /** What process() is given for a message of this port. @throws {PortTypeError} @throws {SchemaError} */
  inputs(data: unknown): Readonly<Record<string, unknown>> {
    const value = this.#read ? this.#read(data) : data;
    this.#schema?.check(value);
    return { [this.name]: value };
  }
}
