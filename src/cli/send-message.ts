import { randomBytes } from 'node:crypto';
import type { Command } from 'commander';
import { messageOf, UsageError } from '../errors.js';
import type { QueueName } from '../names.js';
import { HEADER, isTraceparent } from '../transport/index.js';
import { brokerOption, joinBroker, ONE_SHOT_CONNECT_MS, withBroker } from './broker.js';
import { AlreadyToldError, type CliContext, command, parseQueue } from './command.js';
import { untilAborted } from './until-aborted.js';

/** Before it is said that the broker does not confirm, in ms. */
const PATIENCE_MS = 3000;

interface Options {
  readonly broker?: string;
  readonly queue: QueueName;
  readonly json: unknown;
  readonly traceparent?: string;
}

/** `msgflo-send-message`: one message to an inqueue, so that it can be tried by hand. */
export function sendMessage(context: CliContext): Command {
  return command('msgflo-send-message', 'Send one JSON message to an inqueue')
    .addOption(brokerOption())
    .requiredOption('--queue <name>', 'inqueue to send to', parseQueue)
    .requiredOption('--json <data>', 'the message, as JSON', parseJson)
    .option('--traceparent <text>', 'W3C trace context to send it in (without: a new trace)', parseTraceparent)
    .action(async ({ broker, queue, json, traceparent = newTraceparent() }: Options, self: Command) => {
      const address = await joinBroker(broker, context);
      const isTraced = await withBroker(address, context, { timeoutMs: ONE_SHOT_CONNECT_MS }, async (client) => {
        const message = {
          data: json,
          headers: { [HEADER.contentType]: 'application/json', [HEADER.traceparent]: traceparent },
        };
        await confirmed(client.send('inqueue', queue, message, { mandatory: true }), queue, context);
        return client.capabilities.headers;
      });
      const isAsked = self.getOptionValueSource('traceparent') === 'cli';
      if (isAsked && !isTraced)
        context.log.warn('this broker has no headers: the message went without its traceparent');
      context.print(isTraced ? `sent to ${queue}, trace ${traceparent.slice(3, 35)}` : `sent to ${queue}`);
    });
}

/** @throws {AlreadyToldError} when interrupted: a broker that has no room lets senders wait, for ever if need be */
async function confirmed(sent: Promise<void>, queue: QueueName, { signal, log }: CliContext): Promise<void> {
  const waiting = new AbortController();
  const limit = setTimeout(() => {
    log.warn(`the broker has not confirmed what is sent to '${queue}': it is full, or its disk; waiting for room`);
  }, PATIENCE_MS);
  const interrupted = untilAborted(AbortSignal.any([signal, waiting.signal])).then(() => {
    if (!signal.aborted) return;
    log.warn(`interrupted: what was sent to '${queue}' may arrive or not`);
    throw new AlreadyToldError('interrupted');
  });
  try {
    await Promise.race([sent, interrupted]);
  } finally {
    clearTimeout(limit);
    waiting.abort();
    await interrupted.catch(() => undefined);
  }
}

/** Sampled: who sends by hand wants to see what becomes of it. */
function newTraceparent(): string {
  return `00-${randomBytes(16).toString('hex')}-${randomBytes(8).toString('hex')}-01`;
}

function parseTraceparent(text: string): string {
  if (isTraceparent(text)) return text;
  throw new UsageError(`--traceparent is 00-<32 hex digits>-<16>-<2>, in small letters, not '${text}'`);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new UsageError(`--json is not JSON: ${messageOf(error)}`);
  }
}
