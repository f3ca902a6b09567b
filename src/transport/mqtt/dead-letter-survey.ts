import { randomUUID } from 'node:crypto';
import type { QueueName } from '../../names.js';
import { within } from '../../support/index.js';
import { NotConnectedError } from '../index.js';
import type { DeadLetterVisitOptions } from './dead-letter-visit.js';
import { Intake } from './intake.js';
import { EVERY_DEAD_LETTER, inqueueOfLetter } from './topics.js';

/** A broker whose queue for us is full drops the marker as well: it is sent again until it comes. */
const MARK_AGAIN_MS = 500;
/** So many of what it keeps does a broker send at least, by default, before it drops the rest. */
const MOST_SENT = 1000;

/** One look at which inqueues have dead letters that are kept, on a connection of its own. */
export class DeadLetterSurvey {
  readonly #options: Omit<DeadLetterVisitOptions, 'inqueue' | 'will'>;
  readonly #found = new Set<QueueName>();
  readonly #marker = `dead/end-${randomUUID()}`;
  #isOver = false;

  constructor(options: Omit<DeadLetterVisitOptions, 'inqueue' | 'will'>) {
    this.#options = options;
  }

  /** @throws {NotConnectedError} when the client is closed meanwhile */
  async run(): Promise<readonly QueueName[]> {
    const { address, id, outlet, signal, log } = this.#options;
    let over = (): void => undefined;
    let [letters, marks] = [0, 0];
    const ended = new Promise<void>((resolve) => {
      over = resolve;
    });
    const intake = new Intake({
      address,
      clientId: `${id}-letters-${randomUUID().slice(0, 8)}`,
      protocol: outlet.protocol,
      keptSeconds: 0,
      onArrival: (arrival) => {
        const { topic, retain, payload } = arrival.message;
        const inqueue = retain && payload.length > 0 ? inqueueOfLetter(topic) : undefined;
        if (inqueue !== undefined) this.#found.add(inqueue);
        if (inqueue !== undefined) letters += 1;
        if (topic === this.#marker) this.#isOver = true;
        if (this.#isOver) over();
        arrival.settle();
      },
      onTaken: () => undefined,
      log,
    });
    try {
      await intake.open(signal);
      await intake.subscribe(EVERY_DEAD_LETTER, { qos: 1 });
      while (!this.#isOver) {
        if (signal.aborted) throw new NotConnectedError('deadLetterInqueues');
        // Behind all that is kept, which comes at the subscription.
        marks += 1;
        await outlet.publish({ topic: this.#marker, payload: Buffer.alloc(0) });
        await within(ended, MARK_AGAIN_MS);
      }
      if (letters >= MOST_SENT || marks > 1)
        log.warn('there may be dead letters of more inqueues than are found: a broker sends some 1,000 at once');
      return [...this.#found];
    } finally {
      await intake.end();
    }
  }
}
