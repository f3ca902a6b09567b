import type {
  EngineConsumer,
  EngineDelivery,
  EngineMessage,
  EngineOutput,
  EngineSession,
  Outcome,
} from '../../src/engine/index.js';
import { asQueueName, type QueueName } from '../../src/names.js';

export const q = asQueueName;

const message = (text: string): EngineMessage => ({ body: Buffer.from(text), headers: {} });

export const output = (
  kind: 'inqueue' | 'outqueue',
  name: QueueName,
  text: string,
  mandatory = false,
): EngineOutput => ({ ...message(text), kind, name, mandatory });

/** A consumer that notes down what it is given. */
export class Taker {
  readonly deliveries: EngineDelivery[] = [];
  readonly consumer: EngineConsumer;

  constructor(session: EngineSession, inqueue: QueueName, prefetch: number) {
    this.consumer = session.consume(inqueue, prefetch, (delivery) => this.deliveries.push(delivery));
  }

  /** Bodies; a redelivered one has a star. */
  get texts(): string[] {
    return this.deliveries.map(({ body, redelivered }) => `${body}${redelivered ? '*' : ''}`);
  }

  /** Settles the delivery at this index; the outcomes come to stand in the list returned. */
  settle(at: number, verdict: 'ack' | 'requeue', outputs: readonly EngineOutput[] = [], hold = false): Outcome[] {
    const outcomes: Outcome[] = [];
    const tag = this.deliveries[at]?.tag ?? -1;
    this.consumer.settle(tag, { verdict, outputs, hold }, (outcome) => outcomes.push(outcome));
    return outcomes;
  }

  bury(at: number, text: string): void {
    const tag = this.deliveries[at]?.tag ?? -1;
    this.consumer.settle(tag, { verdict: { deadLetter: message(text) }, outputs: [] }, () => undefined);
  }
}

/** Sends; outcomes come to stand in the list returned. */
export function send(session: EngineSession, sent: EngineOutput): Outcome[] {
  const outcomes: Outcome[] = [];
  session.send(sent, (outcome) => outcomes.push(outcome));
  return outcomes;
}
