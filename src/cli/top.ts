import { setTimeout as delay } from 'node:timers/promises';
import { type Command, Option } from 'commander';
import { UsageError } from '../errors.js';
import { type Broker, withoutPassword } from '../transport/index.js';
import { brokerOption, joinBroker, managementOf, managementOption, ONE_SHOT_CONNECT_MS, withBroker } from './broker.js';
import { booleanOption, type CliContext, type CommandFactory, command, repeatable } from './command.js';
import { parseDuration } from './duration.js';
import { HeldLog } from './held-log.js';
import { TopReader } from './top-reader.js';
import { SORTS, type Sort, type TopReport, viewed } from './top-report.js';
import { Screen, type ScreenInput, type ScreenOutput } from './top-screen.js';
import { topTable } from './top-table.js';

interface Options {
  readonly broker?: string;
  readonly management: string;
  readonly once: boolean;
  readonly json: boolean;
  readonly interval: number;
  readonly sort: Sort;
  readonly role: readonly string[];
  readonly queue: readonly string[];
}

/** The terminal, as far as there is one. */
export interface TopTerminal {
  readonly output: ScreenOutput;
  readonly input: ScreenInput;
}

/** Participants of ours have answered the roll-call by then, in ms. */
const ANSWERED_MS = 1000;

/** Below this no rates can be told, in ms. */
const MIN_INTERVAL_MS = 500;

const HELP = `
One row for each inport of a participant that has announced itself, no coordinator and no graph needed:
  READY         messages waiting in its queue; where the broker does not tell (MQTT) an estimate: what its sources
                have sent since this began, less what was taken
  UNACKED       handed over and not settled      CONSUMERS  who takes from the queue
  IN/S OUT/S    messages a second that came and left
  DEAD DEAD/S   dead letters since its participants started, and a second      RETRIED  attempts that were repeated
  WAIT WORK     how long messages waited, and were worked on: half of them, and 99 of 100, stayed below
  INSTANCES     participants of the role
Below: roles whose last participant is gone, and messages that the broker says it dropped. What nobody tells is -.
Participants of older libraries are found within half a minute, and count nothing.

On a terminal: q or Ctrl-C ends it. Elsewhere a table is printed in each interval. Changes nothing at the broker.

Exit code 0: done or interrupted; 1: the broker cannot be reached at the start; 2: a flag or file is wrong.

Example:
  msgflo-top --broker amqp://host --sort out
  msgflo-top --once --json | jq '.rows[] | select(.ready > 1000) | .role'`;

/** `msgflo-top`: what waits, flows and fails, as it happens. */
export const top: CommandFactory = (context) => topOn({ output: process.stdout, input: process.stdin })(context);

/** The same on another terminal. */
export const topOn =
  (terminal: TopTerminal): CommandFactory =>
  (context: CliContext): Command =>
    command('msgflo-top', 'Show what waits in the queues of participants, what flows, and what fails, as it happens')
      .addOption(brokerOption())
      .addOption(managementOption())
      .addOption(booleanOption('--once', 'print it once, after two readings an interval apart, and end'))
      .addOption(
        booleanOption('--json', 'print one JSON object a line: {"time", "rows", "lost", "brokerLosses", "notes"}'),
      )
      .addOption(
        new Option('--interval <duration>', 'from one reading to the next: 500ms, 2s, 1m')
          .default(1000, '1s')
          .argParser(parseInterval),
      )
      .addOption(new Option('--sort <by>', 'the highest first; role: by name').choices(SORTS).default('ready'))
      .addOption(repeatable('--role <name>', 'show only this role; * stands for any characters'))
      .addOption(repeatable('--queue <name>', 'show only this queue; * stands for any characters'))
      .addHelpText('after', HELP)
      .action(async (options: Options) => {
        const address = await joinBroker(options.broker, context);
        const log = new HeldLog(context.log);
        const client = { timeoutMs: ONE_SHOT_CONNECT_MS, ...managementOf(options) };
        try {
          await withBroker(address, { ...context, log }, client, async (broker) => {
            if (options.once) await showOnce(broker, options, context);
            else await follow(broker, address, { options, terminal, context: { ...context, log } });
          });
        } catch (error) {
          // Whoever ends it has seen enough.
          if (!context.signal.aborted) throw error;
        }
      });

async function showOnce(broker: Broker, options: Options, context: CliContext): Promise<void> {
  await reading(broker, context, async (reader) => {
    await reader.read();
    await delay(options.interval, undefined, { signal: context.signal });
    print(await reader.read(), options, context);
  });
}

interface Following {
  readonly options: Options;
  readonly terminal: TopTerminal;
  readonly context: CliContext & { readonly log: HeldLog };
}

/** Until interrupted. */
async function follow(broker: Broker, address: string, { options, terminal, context }: Following): Promise<void> {
  const ending = new AbortController();
  const signal = AbortSignal.any([context.signal, ending.signal]);
  let latest: TopReport | undefined;
  const draw = (): void => {
    const line = `msgflo-top on ${withoutPassword(address)}  ${latest?.time.slice(11, 19) ?? ''}  (q ends)`;
    const report = latest && viewed(latest, viewOf(options));
    const said = { notes: [...(report?.notes ?? []), ...context.log.held] };
    screen?.draw([line.slice(0, screen.width), '', ...(report ? topTable({ ...report, ...said }, screen.width) : [])]);
  };
  const isLive = terminal.output.isTTY === true && !options.json;
  const screen = isLive ? new Screen(terminal, { ends: () => ending.abort(), resized: draw }) : undefined;
  // Whoever read what is printed here, such as head, has seen enough.
  const leave = (): void => ending.abort();
  process.stdout.once('error', leave);
  try {
    screen?.open();
    context.log.isHolding = isLive;
    draw();
    await reading(broker, { ...context, signal }, async (reader) => {
      while (!signal.aborted) {
        latest = await reader.read();
        if (screen) draw();
        else print(latest, options, context);
        await delay(options.interval, undefined, { signal });
      }
    });
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    context.log.isHolding = false;
    screen?.close();
    process.stdout.off('error', leave);
  }
}

/** Has participants answer the roll-call before `work` begins. */
async function reading(
  broker: Broker,
  { log, signal }: CliContext,
  work: (reader: TopReader) => Promise<void>,
): Promise<void> {
  const reader = new TopReader(broker, log);
  try {
    await reader.start();
    await delay(ANSWERED_MS, undefined, { signal });
    await work(reader);
  } finally {
    await reader.stop();
  }
}

function print(report: TopReport, options: Options, context: CliContext): void {
  const shown = viewed(report, viewOf(options));
  if (options.json) context.print(JSON.stringify(shown, rounded));
  else for (const line of [...topTable(shown), ...(options.once ? [] : [''])]) context.print(line);
}

const viewOf = ({ sort, role: roles, queue: queues }: Options) => ({ sort, roles, queues });

/** To a thousandth: no clock here is better. */
function rounded(_key: string, value: unknown): unknown {
  return typeof value === 'number' ? Math.round(value * 1000) / 1000 : value;
}

function parseInterval(text: string): number {
  const ms = parseDuration('--interval', text);
  if (ms >= MIN_INTERVAL_MS) return ms;
  throw new UsageError(`--interval is at least ${MIN_INTERVAL_MS}ms, not '${text}'`);
}
