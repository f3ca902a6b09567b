import { resolve } from 'node:path';
import type { Command } from 'commander';
import { UsageError } from '../errors.js';
import type { Broker, KeptLetter } from '../transport/index.js';
import { joinBroker, managementOf, ONE_SHOT_CONNECT_MS, stateDir, withBroker } from './broker.js';
import { AlreadyToldError, type CliContext, command } from './command.js';
import { factsOf, jsonOf, type LetterFacts, type LetterPlace, placeName, present } from './dead-letter.js';
import { checkOptions, type DeadOptions, queuesOf, readEdit, withDeadOptions } from './dead-options.js';
import { placesOf } from './dead-places.js';
import { LetterProgress } from './dead-progress.js';
import { Redrive, type RedriveParts, type Tally } from './dead-redrive.js';
import { letterLines, letterTable } from './dead-report.js';
import { allOf, type LetterTest, parseTest } from './dead-selection.js';
import { jsonLine, oneLine, printable } from './terminal-text.js';

const HELP = `
list: one line for each; show: all that is known of each; redrive: back to the inqueue they came from; drop: gone for
good, each told. Fields of --where: reason, error, id, header.<name>. The text is looked for anywhere in the field; between
slashes it is a regular expression: --where 'reason=/^time(out|d out)/'.

redrive removes a letter only when the broker has confirmed the message. What it is about to send it notes in .msgflo/ of
this folder: after a crash the next run tells what may have been sent already, and leaves it alone unless --unsure says
otherwise. The payload, headers and message id stay; msgflo-redriven counts, and created-at begins anew.
--canary 1 sends one, and looks for up to --canary-wait whether it dies again of the same reason or error: then the rest is
not sent. That none died is a sign only: a participant may need longer.
SIGINT ends it after the letter in hand.

Exit code 0: done; 1: stopped, or something was left because it may have been sent; 2: a flag or file is wrong.

Examples:
  msgflo-dead list --role worker
  msgflo-dead show --role worker --where id=4f1c
  msgflo-dead redrive --role worker --port in --where reason=timeout --canary 1
  msgflo-dead drop --queue worker.IN --where 'error=SyntaxError'`;

/** `msgflo-dead`: looks at dead letters, sends them back, or drops them. */
export function dead(context: CliContext): Command {
  const described = command('msgflo-dead', 'Look at dead letters, send them back, or drop them');
  return withDeadOptions(described.argument('<action>', 'list, show, redrive or drop'))
    .addHelpText('after', HELP)
    .action(async (word: string, options: DeadOptions, self: Command) => {
      const action = checkOptions(word, options, self);
      const isMeant = allOf(options.where.map(parseTest));
      const payload = options.edit === undefined ? undefined : await readEdit(resolve(context.cwd, options.edit));
      const address = await joinBroker(options.broker, context);
      // Where queues are named nobody is asked for others.
      const client = { timeoutMs: ONE_SHOT_CONNECT_MS, ...(options.queue.length === 0 && managementOf(options)) };
      await withBroker(address, context, client, async (broker) => {
        const wish = { role: options.role, port: options.port };
        const places = await placesOf(
          broker,
          {
            ...present(wish),
            queues: queuesOf(options),
            waitMs: options.wait,
            isLooking: action === 'list' || action === 'show',
          },
          context,
        );
        const task: Task = { broker, address, places, isMeant, options, context };
        if (action === 'redrive') await redrive(payload === undefined ? task : { ...task, payload });
        else if (action === 'drop') await drop(task);
        else await look(task, action);
      });
    });
}

interface Task {
  readonly broker: Broker;
  readonly address: string;
  readonly places: readonly LetterPlace[];
  readonly isMeant: LetterTest;
  readonly options: DeadOptions;
  readonly context: CliContext;
  readonly payload?: Buffer;
}

/** Calls `found` for each letter that is meant, up to the limit; its answer is whether to remove it. @returns how many */
async function eachOf(
  { broker, places, isMeant, options, context }: Task,
  found: (facts: LetterFacts, letter: KeptLetter) => boolean,
): Promise<number> {
  let count = 0;
  for (const place of places) {
    await broker.visitDeadLetters(place.queue, async (letter) => {
      if (count >= options.limit || context.signal.aborted) return 'stop';
      const facts = factsOf(place, letter);
      if (!isMeant(facts)) return 'keep';
      count += 1;
      return found(facts, letter) ? 'remove' : 'keep';
    });
  }
  return count;
}

async function look(task: Task, action: 'list' | 'show'): Promise<void> {
  const { options, context } = task;
  const rows: LetterFacts[] = [];
  const count = await eachOf(task, (facts, { body }) => {
    if (options.json) context.print(jsonLine(jsonOf(facts, action === 'show' || options.body ? body : undefined)));
    else if (action === 'show') for (const line of letterLines(facts, body, Date.now())) context.print(line);
    else rows.push(facts);
    return false;
  });
  for (const line of letterTable(rows, Date.now())) context.print(line);
  if (!options.json) context.print(count === 0 ? 'no dead letters' : counted(count));
}

async function drop(task: Task): Promise<void> {
  const { options, context } = task;
  const verb = options.dryRun ? 'would drop' : 'dropped';
  const count = await eachOf(task, (facts) => {
    say(verb, facts, task);
    return !options.dryRun;
  });
  if (!options.json) context.print(`${verb} ${counted(count)}`);
  if (context.signal.aborted) throw new AlreadyToldError('interrupted');
}

async function redrive(task: Task): Promise<void> {
  const { broker, address, places, options, context, isMeant, payload } = task;
  if (payload) await onlyOne(task);
  const progress = new LetterProgress('redriven', process.stderr);
  const parts: RedriveParts = {
    ...{ broker, address, dir: stateDir(context.cwd), signal: context.signal, log: context.log },
    tell: (action, facts) => {
      if (action === 'unsure') context.log.warn(`${facts.id ?? facts.key} may have been sent already before a crash`);
      if (action !== 'sent' || options.json) say(action.replace('-', ' '), facts, task);
      else progress.step();
    },
  };
  const { limit, rate, canary, canaryWait, unsure, dryRun } = options;
  const work = new Redrive(parts, {
    ...{ isMeant, limit, unsure, everyMs: rate, canaries: canary, canaryWaitMs: canaryWait, isDryRun: dryRun },
    ...(payload ? { payload } : {}),
  });
  try {
    for (const place of places) await work.run(place);
  } finally {
    progress.end();
    if (!options.json) context.print(sumOf(work.tally, dryRun));
    // What is not confirmed by now has been waited for, and is told.
    await broker.close({ graceMs: 0 });
  }
  if (work.tally.isInterrupted) throw new AlreadyToldError('interrupted');
  if (work.tally.unsure > 0) throw new AlreadyToldError('some were left');
}

/** @throws {UsageError} unless one letter is meant */
async function onlyOne(task: Task): Promise<void> {
  if (task.options.limit === 1) return;
  const count = await eachOf(task, () => false);
  if (count > 1)
    throw new UsageError(`--edit is for one letter, and ${count} are meant: choose by --where id=..., or --limit 1`);
}

/** One line for a letter that something is done to. */
function say(action: string, facts: LetterFacts, { options, context }: Task): void {
  const reason = facts.reason === undefined ? '' : `: ${oneLine(facts.reason).slice(0, 100)}`;
  const line = options.json
    ? jsonLine({ action: action.replace(' ', '-'), ...jsonOf(facts) })
    : printable(`${action} ${placeName(facts)} ${facts.id ?? facts.key}${reason}`);
  context.print(line);
}

function sumOf({ sent, unsure, dropped, isInterrupted }: Tally, isDryRun: boolean): string {
  const more = [
    ...(dropped > 0 ? [`dropped ${counted(dropped)}`] : []),
    ...(unsure > 0
      ? [`left ${counted(unsure)} that may have been sent already (--unsure send, or --unsure drop)`]
      : []),
  ];
  const said = [`${isDryRun ? 'would redrive' : 'redriven'} ${counted(sent)}`, ...more].join('; ');
  return isInterrupted ? `interrupted: ${said}; the rest stays` : said;
}

const counted = (count: number): string => `${count} dead letter${count === 1 ? '' : 's'}`;
