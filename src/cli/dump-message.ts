import { EventEmitter, once } from 'node:events';
import type { Command } from 'commander';
import { UsageError } from '../errors.js';
import type { QueueName } from '../names.js';
import {
  type Broker,
  type Consumer,
  type Delivery,
  QueueNotFoundError,
  type Settlement,
  type Subscription,
} from '../transport/index.js';
import { brokerOption, joinBroker, ONE_SHOT_CONNECT_MS, withBroker } from './broker.js';
import { booleanOption, type CliContext, command, parseQueue } from './command.js';

interface Options {
  readonly broker?: string;
  readonly queue: QueueName;
  readonly amount: number;
  readonly headers: boolean;
}

type Shown = Pick<Delivery, 'headers' | 'data'>;

/** `msgflo-dump-message`: takes messages from an inqueue, or copies from an outqueue, and prints them as JSON. */
export function dumpMessage(context: CliContext): Command {
  return command('msgflo-dump-message', 'Take messages from a queue and print them as JSON (an array when several)')
    .addOption(brokerOption())
    .requiredOption('--queue <name>', 'inqueue to take from; of an outqueue copies are taken', parseQueue)
    .option('--amount <n>', 'how many messages', parseAmount, 1)
    .addOption(booleanOption('--headers', 'print {"headers": ..., "data": ...}: on a dead letter they tell the reason'))
    .action(async ({ broker, queue, amount, headers }: Options) => {
      const address = await joinBroker(broker, context);
      const messages = await withBroker(address, context, { timeoutMs: ONE_SHOT_CONNECT_MS }, (client) => {
        return take(client, queue, amount, context.signal);
      });
      const shown = messages.map((message) => (headers ? message : message.data));
      context.print(JSON.stringify(amount === 1 ? shown[0] : shown));
    });
}

/** The first `amount` messages. @throws the signal's reason when it aborts before */
async function take(broker: Broker, queue: QueueName, amount: number, signal: AbortSignal): Promise<readonly Shown[]> {
  const messages: Shown[] = [];
  const taken = new EventEmitter();
  const keep = ({ data, headers }: Shown): boolean => {
    if (messages.length >= amount) return false;
    messages.push({ headers, data: Buffer.isBuffer(data) ? data.toString('utf8') : data });
    if (messages.length === amount) taken.emit('enough');
    return true;
  };
  const enough = once(taken, 'enough', { signal });
  let source: Consumer | Subscription | undefined;
  try {
    source = await open(broker, queue, keep);
    await enough;
    return messages;
  } finally {
    await source?.cancel();
  }
}

async function open(
  broker: Broker,
  queue: QueueName,
  keep: (message: Shown) => boolean,
): Promise<Consumer | Subscription> {
  const take = async (delivery: Delivery): Promise<Settlement> => {
    return { verdict: keep(delivery) ? 'ack' : 'requeue', outputs: [] };
  };
  try {
    return await broker.consume(queue, take, { prefetch: 1 });
  } catch (error) {
    if (!(error instanceof QueueNotFoundError)) throw error;
    return broker.tap(queue, (delivery) => void keep(delivery));
  }
}

function parseAmount(text: string): number {
  const amount = Number(text);
  if (Number.isInteger(amount) && amount >= 1) return amount;
  throw new UsageError(`--amount is a whole number above 0, not '${text}'`);
}
