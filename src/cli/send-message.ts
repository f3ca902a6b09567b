import type { Command } from 'commander';
import { messageOf, UsageError } from '../errors.js';
import type { QueueName } from '../names.js';
import { brokerOption, joinBroker, ONE_SHOT_CONNECT_MS, withBroker } from './broker.js';
import { type CliContext, command, parseQueue } from './command.js';

interface Options {
  readonly broker?: string;
  readonly queue: QueueName;
  readonly json: unknown;
}

/** `msgflo-send-message`: one message to an inqueue, so that it can be tried by hand. */
export function sendMessage(context: CliContext): Command {
  return command('msgflo-send-message', 'Send one JSON message to an inqueue')
    .addOption(brokerOption())
    .requiredOption('--queue <name>', 'inqueue to send to', parseQueue)
    .requiredOption('--json <data>', 'the message, as JSON', parseJson)
    .action(async ({ broker, queue, json }: Options) => {
      const address = await joinBroker(broker, context);
      await withBroker(address, context, { timeoutMs: ONE_SHOT_CONNECT_MS }, (client) => {
        return client.send('inqueue', queue, { data: json }, { mandatory: true });
      });
      context.print(`sent to ${queue}`);
    });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new UsageError(`--json is not JSON: ${messageOf(error)}`);
  }
}
