import type { EngineConsumer, EngineSession, Outcome, Submission } from '../engine/index.js';
import { WireError } from '../log/wire/index.js';
import { asQueueName } from '../names.js';
import {
  type ByteReader,
  type Fields,
  type FrameSocket,
  readSettlement,
  writeDelivery,
} from '../transport/log/index.js';
import { settlementOf } from './requests.js';

const MAX_PREFETCH = 100_000;

/** What came of a settlement; `released`: it was withdrawn, and its delivery is still held. */
export type Came = Outcome | { readonly state: 'released' };

interface OpenConsumer {
  readonly engine: EngineConsumer;
  readonly waiting: Map<Submission, number>;
  holds: boolean;
}

/** The consumers of one client: deliveries to it, and what it makes of them. */
export class ClientConsumers {
  readonly #open = new Map<number, OpenConsumer>();
  readonly #frames: FrameSocket;
  readonly #tell: (re: number, outcome: Came) => void;

  /** @param tell answers a request with what came of it */
  constructor(frames: FrameSocket, tell: (re: number, outcome: Came) => void) {
    this.#frames = frames;
    this.#tell = tell;
  }

  /** Settlements that wait for room or for a taker. */
  get waiting(): number {
    let count = 0;
    for (const { waiting } of this.#open.values()) count += waiting.size;
    return count;
  }

  consume(session: EngineSession, fields: Fields): void {
    const id = fields.count('consumer');
    const prefetch = fields.count('prefetch');
    if (prefetch < 1 || prefetch > MAX_PREFETCH || this.#open.has(id)) throw new WireError('no such consumer');
    const engine = session.consume(asQueueName(fields.text('inqueue')), prefetch, (delivery) => {
      const { tag, headers, redelivered, body } = delivery;
      writeDelivery(this.#frames, { consumer: id, tag, redelivered, headers, body });
    });
    this.#open.set(id, { engine, waiting: new Map(), holds: true });
  }

  settle(re: number, reader: ByteReader): void {
    const read = readSettlement(reader);
    const consumer = this.#open.get(read.consumer);
    if (!consumer) {
      this.#tell(re, { state: 'gone' });
      return;
    }
    let waited: Submission | undefined;
    const submission = consumer.engine.settle(read.tag, settlementOf(read, consumer.holds), (outcome) => {
      if (waited) consumer.waiting.delete(waited);
      this.#tell(re, outcome);
    });
    if (submission.waitsFor === 'nothing') return;
    waited = submission;
    consumer.waiting.set(submission, re);
  }

  /** No more deliveries; unless it `holds`, what waits for a taker is left unsettled, now and from now on. */
  pause(fields: Fields): void {
    const consumer = this.#of(fields);
    consumer?.engine.pause();
    if (!consumer || fields.flag('holds')) return;
    consumer.holds = false;
    for (const [submission, asked] of [...consumer.waiting]) {
      if (submission.waitsFor !== 'route') continue;
      submission.cancel();
      consumer.waiting.delete(submission);
      this.#tell(asked, { state: 'gone' });
    }
  }

  /** Withdraws all settlements that wait, since their client may want to change them. */
  release(fields: Fields): void {
    const consumer = this.#of(fields);
    for (const [submission, asked] of [...(consumer?.waiting ?? [])]) {
      submission.cancel();
      consumer?.waiting.delete(submission);
      this.#tell(asked, { state: 'released' });
    }
  }

  end(fields: Fields): void {
    this.#of(fields)?.engine.end();
    this.#open.delete(fields.count('consumer'));
  }

  #of(fields: Fields): OpenConsumer | undefined {
    return this.#open.get(fields.count('consumer'));
  }
}
