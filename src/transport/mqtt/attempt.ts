import { messageOf } from '../../errors.js';
import type { QueueName } from '../../names.js';
import { Backoff, type Logger } from '../../support/index.js';
import {
  type DeadLetter,
  type Delivery,
  decodePayload,
  type Handler,
  NotConnectedError,
  type Output,
  RefusedError,
  runHandler,
  type Settlement,
  type UnroutedLanes,
} from '../index.js';
import type { Arrival } from './arrivals.js';
import { REDELIVERED_HEADER, withoutOurs } from './own-headers.js';
import type { Sender } from './sender.js';
import type { Incoming } from './session.js';

/** MQTT has no nack: what is requeued waits here, unsettled, and is tried again. */
const MIN_RETRY_MS = 20;
const MAX_RETRY_MS = 2000;

export interface AttemptOptions {
  readonly inqueue: QueueName;
  readonly sender: Sender;
  readonly log: Logger;
  /** Where outputs wait that nobody takes, of all attempts of the client. */
  readonly lanes: UnroutedLanes;
  readonly signal: AbortSignal;
}

/** Who works on messages, and whether it is about to leave: what it gives back then is for others. */
export interface Taker {
  readonly handler: Handler;
  readonly leaving: AbortSignal;
}

/**
 * Hands a message to a handler until it is settled: its outputs confirmed, then its verdict carried out.
 * Resolves with true when it may be acknowledged, with false when it is to be given back because the taker leaves or the
 * client closes: when `signal` aborts, the waits for a retry and for a route end.
 */
export async function attempt(arrival: Arrival, taker: Taker, options: AttemptOptions): Promise<boolean> {
  const { message } = arrival;
  const { handler, leaving } = taker;
  let backoff: Backoff | undefined;
  let delivery = deliveryOf(message);
  if (arrival.wasTried) delivery = { ...delivery, redelivered: true };
  try {
    for (;;) {
      const settlement = await runHandler(handler, delivery);
      let failure: unknown;
      try {
        if (settlement.outputs.length > 0) await confirmed(settlement.outputs, options);
      } catch (error) {
        failure = error;
      }
      if (settlement.verdict === 'ack' && failure === undefined) {
        settlement.settled?.(true);
        return true;
      }
      if (await carriedOut(message, settlement, failure, options)) return true;
      arrival.wasTried = true;
      if (leaving.aborted) return false;
      backoff ??= new Backoff(MIN_RETRY_MS, MAX_RETRY_MS);
      await backoff.wait(AbortSignal.any([options.signal, leaving]));
      delivery = { ...deliveryOf(message), redelivered: true };
    }
  } catch {
    // The taker leaves, or the client is closing or closed: the verdict is not carried out.
    return false;
  }
}

/** False for what is to be tried again. @param failure of the outputs */
async function carriedOut(
  message: Incoming,
  settlement: Settlement,
  failure: unknown,
  options: AttemptOptions,
): Promise<boolean> {
  let isCarriedOut = false;
  try {
    const refusal = failure === undefined ? undefined : refusalOf(failure, options.signal);
    const last = refusal ?? settlement.verdict;
    if (typeof last === 'object') await options.sender.sendDeadLetter(options.inqueue, message, last);
    isCarriedOut = refusal === undefined;
    return last !== 'requeue';
  } catch (error) {
    if (!(error instanceof RefusedError)) throw error;
    const { inqueue, log } = options;
    log.warnOnce(
      `refused ${inqueue}`,
      `'${inqueue}': a message is tried again, its dead letter is refused: ${error.message}`,
    );
    return false;
  } finally {
    settlement.settled?.(isCarriedOut);
  }
}

export function deliveryOf({ payload, headers, dup }: Incoming): Delivery {
  const isGivenBack = Object.hasOwn(headers, REDELIVERED_HEADER);
  return { data: decodePayload(payload), headers: withoutOurs(headers), redelivered: dup || isGivenBack };
}

/** Resolves when the broker has all outputs. */
function confirmed(outputs: Settlement['outputs'], { sender, lanes }: AttemptOptions): Promise<unknown> {
  const [only, second] = outputs;
  if (only && !second) return send(only, sender, lanes);
  return Promise.all(outputs.map((output) => send(output, sender, lanes)));
}

/** Of an output that the broker will never take. @throws the error itself where the client is closed */
function refusalOf(error: unknown, signal: AbortSignal): DeadLetter {
  if (signal.aborted || error instanceof NotConnectedError) throw error;
  return { deadLetter: `an output could not be sent: ${messageOf(error)}` };
}

function send(output: Output, sender: Sender, lanes: UnroutedLanes): Promise<void> {
  const { outqueue, mandatory = false, release } = output;
  if (!mandatory) return sender.send(outqueue, output, false);
  return lanes.send(outqueue, () => sender.send(outqueue, output, true), release);
}
