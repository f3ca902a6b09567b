import type { PortRef, QueueName } from '../names.js';
import type { Broker } from '../transport/index.js';

/** What the sender must know of the network. */
export interface SendSurroundings {
  readonly broker: Broker;
  /** Undefined until the port is known. */
  queueOf(to: PortRef): QueueName | undefined;
  /** Nothing is left that could be done just now. */
  isIdle(): boolean;
  /** Calls `listener` when either may be otherwise, until the function given back is called. */
  onChange(listener: () => void): () => void;
}

/** What is left to do may fail for long; it is not waited for beyond this, in ms. */
const IDLE_WITHIN_MS = 2000;

/**
 * Sends to the queue of an inport from outside the graph. Waits until the port is known and, for a while, until nothing
 * is left to do: a network that is just being made would lose what comes out of it.
 * @throws the reason of `signal`
 */
export async function sendToInport(
  { broker, queueOf, isIdle, onChange }: SendSurroundings,
  to: PortRef,
  data: unknown,
  signal: AbortSignal,
): Promise<void> {
  const target = (isLate: boolean): QueueName | undefined => (isIdle() || isLate ? queueOf(to) : undefined);
  const queue = await firstKnown(target, onChange, signal);
  await broker.send('inqueue', queue, { data }, { mandatory: true });
}

function firstKnown(
  target: (isLate: boolean) => QueueName | undefined,
  onChange: SendSurroundings['onChange'],
  signal: AbortSignal,
): Promise<QueueName> {
  return new Promise((resolve, reject) => {
    let isLate = false;
    const look = (): void => {
      const queue = target(isLate);
      if (queue === undefined) return;
      end();
      resolve(queue);
    };
    const abort = (): void => {
      end();
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      isLate = true;
      look();
    }, IDLE_WITHIN_MS);
    const unsubscribe = onChange(look);
    const end = (): void => {
      clearTimeout(timer);
      unsubscribe();
      signal.removeEventListener('abort', abort);
    };
    signal.addEventListener('abort', abort, { once: true });
    if (signal.aborted) abort();
    else look();
  });
}
