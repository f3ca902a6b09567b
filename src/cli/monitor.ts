import type { Command } from 'commander';
import { MsgfloError, UsageError } from '../errors.js';
import type { QueueName } from '../names.js';
import type { Broker } from '../transport/index.js';
import { Alarm } from './alarm.js';
import { brokerOption, joinBroker, ONE_SHOT_CONNECT_MS, withBroker } from './broker.js';
import { booleanOption, type CliContext, command, parseQueue, repeatable } from './command.js';
import { parseDuration, shownDuration } from './duration.js';
import { type QueueEvent, QueueMonitor } from './queue-monitor.js';
import { Systemd } from './systemd.js';

interface Options {
  readonly broker?: string;
  readonly queue: readonly string[];
  readonly expectPeriodic: number;
  readonly failMissed: number;
  readonly grace?: number;
  readonly duration?: number;
  readonly exec?: string;
  readonly forever: boolean;
  readonly json: boolean;
}

/** A queue had no messages for too long. */
class SilentQueueError extends MsgfloError {
  readonly code = 'MSGFLO_SILENT_QUEUE';
}

const HELP = `
Durations: 500ms, 1s, 2m, 1h, 1d, or plain seconds. What is late by up to half a period is in time.

Exit code 0: interrupted, or --duration is over; 1: a queue missed too many periods, or the broker cannot be
reached at the start; 2: a flag or file is wrong. A connection lost later is made again; what is not heard meanwhile is missed.
To RabbitMQ and MQTT brokers who looks on is one that takes: what nobody else takes is not held back then.

--exec is split into arguments as a shell would, and run without one, with MSGFLO_QUEUE and MSGFLO_MISSED in its
environment; what takes longer than 60 s is ended.

Under systemd (Type=notify, NotifyAccess=all) it says READY=1 once it looks on at all queues, and WATCHDOG=1 at half
of WatchdogSec for as long as no queue has missed a period. This takes the program systemd-notify.

Example:
  msgflo-monitor --queue sensor.NEWVALUE --expect-periodic 1s --fail-missed 3
  msgflo-monitor --queue a.OUT --queue b.OUT --expect-periodic 2m --forever --exec 'notify-send "no data"'`;

/** `msgflo-monitor`: ends, or raises an alarm, when no messages come. */
export function monitor(context: CliContext): Command {
  return command('msgflo-monitor', 'Look on at outqueues, and fail when messages stop coming. Consumes nothing')
    .addOption(brokerOption())
    .addOption(repeatable('--queue <name>', 'outqueue to look on at (several: give it several times)'))
    .requiredOption(
      '--expect-periodic <duration>',
      'a message should come once in this time',
      above('--expect-periodic'),
    )
    .option('--fail-missed <n>', 'so many periods missed in a row are a failure', parseMissed, 3)
    .option(
      '--grace <duration>',
      'before the first message is expected (without: the period x --fail-missed)',
      (text) => parseDuration('--grace', text),
    )
    .option('--exec <command>', 'run this when a queue fails')
    .addOption(booleanOption('--forever', 'go on after a failure; --exec is run once for each'))
    .option('--duration <duration>', 'end well after so long', above('--duration'))
    .addOption(
      booleanOption('--json', 'print one JSON object a line: {"time", "queue", "event", "missed", "silentMs"}'),
    )
    .addHelpText('after', HELP)
    .action(async (options: Options) => {
      const queues = [...new Set(options.queue.map(parseQueue))];
      if (queues.length === 0) throw new UsageError('--queue is missing: which queue should have messages?');
      const alarm = options.exec === undefined ? undefined : new Alarm(options.exec, context);
      const address = await joinBroker(options.broker, context);
      try {
        await withBroker(address, context, { timeoutMs: ONE_SHOT_CONNECT_MS }, (broker) => {
          return follow(broker, queues, { ...options, ...(alarm ? { alarm } : {}) }, context);
        });
      } catch (error) {
        // Whoever ends it has seen enough.
        if (!context.signal.aborted) throw error;
      } finally {
        await alarm?.close();
      }
    });
}

/** Resolves when interrupted or when time is over. @throws {SilentQueueError} unless it is to go on */
async function follow(
  broker: Broker,
  queues: readonly QueueName[],
  options: Options & { readonly alarm?: Alarm },
  context: CliContext,
): Promise<void> {
  const { expectPeriodic: periodMs, failMissed, duration, forever, alarm } = options;
  const { log, signal } = context;
  const systemd = new Systemd(context);
  let untapped = queues.length;
  let timer: NodeJS.Timeout | undefined;
  let end = (): void => undefined;
  let fail = (_error: unknown): void => undefined;
  const onEvent = (queue: QueueName, event: QueueEvent): void => {
    const line = lineOf(queue, event, options);
    if (line !== undefined) context.print(line);
    if (event.event === 'tapped') {
      untapped -= 1;
      if (untapped === 0) systemd.ready();
    }
    if (event.event !== 'failed') return;
    const raised = alarm?.run(queue, event.missed) ?? Promise.resolve();
    if (!forever) void raised.then(() => fail(new SilentQueueError(failureLine(queue, event))));
  };
  const graceMs = options.grace ?? periodMs * failMissed;
  const watched = new QueueMonitor({
    ...{ broker, queues, log, onEvent, periodMs, failMissed, graceMs },
    onError: (error) => fail(error),
  });
  try {
    await new Promise<void>((resolve, reject) => {
      end = resolve;
      fail = reject;
      signal.addEventListener('abort', end);
      if (signal.aborted) resolve();
      if (duration !== undefined) timer = setTimeout(end, duration);
      watched.start();
      systemd.watch(() => watched.isInTime);
    });
  } finally {
    signal.removeEventListener('abort', end);
    clearTimeout(timer);
    await Promise.all([watched.stop(), systemd.stop()]);
  }
}

/** The line for an event; undefined for what the error at the end says. */
function lineOf(
  queue: QueueName,
  event: QueueEvent,
  { json, forever, failMissed, expectPeriodic }: Options,
): string | undefined {
  if (json) return JSON.stringify({ time: new Date().toISOString(), queue, ...rounded(event) });
  const periods = `${failMissed} periods of ${shownDuration(expectPeriodic)}`;
  switch (event.event) {
    case 'tapped':
      return `${queue}: looking on; it fails after ${periods} without a message`;
    case 'first':
      return `${queue}: the first message`;
    case 'missed':
      return `${queue}: missed ${event.missed} of ${periods}`;
    case 'failed':
      return forever ? failureLine(queue, event) : undefined;
    case 'back':
      return `${queue}: back after ${shownDuration(event.silentMs)}`;
  }
}

function failureLine(
  queue: QueueName,
  { missed, silentMs }: { readonly missed: number; readonly silentMs: number },
): string {
  return `${queue}: failed: missed ${missed} periods in a row, no message for ${shownDuration(silentMs)}`;
}

function rounded(event: QueueEvent): QueueEvent {
  return 'silentMs' in event ? { ...event, silentMs: Math.round(event.silentMs) } : event;
}

/** A duration that is not zero. */
function above(flag: `--${string}`): (text: string) => number {
  return (text) => {
    const ms = parseDuration(flag, text);
    if (ms > 0) return ms;
    throw new UsageError(`${flag} is a duration above 0, not '${text}'`);
  };
}

function parseMissed(text: string): number {
  const count = Number(text);
  if (Number.isInteger(count) && count >= 1) return count;
  throw new UsageError(`--fail-missed is a whole number above 0, not '${text}'`);
}
