import { Command, CommanderError, Option } from 'commander';
import { MsgfloError, messageOf, UsageError } from '../errors.js';
import { asQueueName, type QueueName } from '../names.js';
import type { Permits } from '../participant/index.js';
import { createLogger, type Logger } from '../support/index.js';
import { version } from './version.js';

/** What a command is given by the process it runs in; specs give it their own. */
export interface CliContext {
  /** Aborted by SIGINT, SIGTERM and SIGHUP, which comes when the terminal is closed. */
  readonly signal: AbortSignal;
  readonly env: Readonly<NodeJS.ProcessEnv>;
  readonly cwd: string;
  readonly log: Logger;
  /** One line of results on stdout. Everything else goes through `log` to stderr. */
  print(line: string): void;
  /** What went wrong, in one line. @default to stderr */
  complain?(line: string): void;
  /** Of a process that several participants share. */
  readonly processPermits?: Permits;
}

/** Builds the parser of one executable; its action does the work. */
export type CommandFactory = (context: CliContext) => Command;

/** A command with the habits all of ours share: `--version`, errors thrown instead of ending the process. */
export function command(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .version(version(), '--version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .configureOutput({ outputError: (text, write) => write(`${name}: ${oneLine(text)} (--help lists the options)\n`) })
    .exitOverride();
}

const oneLine = (text: string): string =>
  text
    .replace(/^error: /, '')
    .trim()
    .replace(/\s+/g, ' ');

/** Marks an option that may stand bare, with the words that it takes as its value. */
const TAKES = Symbol('takes only some words');

/** A flag that may stand bare, with `true` or `false` behind it, or as `--flag=false`; it never takes another word. */
export function booleanOption(flag: `--${string}`, description: string, defaultValue = false): Option {
  const option = new Option(`${flag} [boolean]`, description).default(defaultValue).argParser((value) => {
    if (value === 'true' || value === 'false') return value === 'true';
    throw new UsageError(`${flag} is true or false, not '${value}'`);
  });
  return Object.assign(option, { [TAKES]: (word: string) => word === 'true' || word === 'false' });
}

/** A flag that may stand bare, which means `true`, or with a value; what looks like a graph file is none. */
export function presetOption(flag: `--${string}`, value: string, description: string): Option {
  const option = new Option(`${flag} [${value}]`, description);
  return Object.assign(option, { [TAKES]: (word: string) => !/^-|\.(fbp|json)$/i.test(word) });
}

/** A number option given in seconds; the command gets milliseconds. */
export function secondsOption(flag: string, description: string, defaultSeconds: number): Option {
  const name = flag.split(' ')[0];
  return new Option(flag, description).default(defaultSeconds * 1000, `${defaultSeconds} s`).argParser((value) => {
    const seconds = Number(value);
    if (value.trim() === '' || !(seconds >= 0)) throw new UsageError(`${name} is a number of seconds, not '${value}'`);
    return seconds * 1000;
  });
}

/** An option that may be given several times. */
export function repeatable(flag: string, description: string): Option {
  return new Option(flag, description).default([] as string[], 'none').argParser((value: string, before: unknown) => {
    return [...((before ?? []) as string[]), value];
  });
}

/** The value of `--queue`. */
export function parseQueue(text: string): QueueName {
  if (text.trim() === '') throw new UsageError('--queue is the name of a queue; it is empty');
  return asQueueName(text);
}

/**
 * Runs a command as this process: parses, waits for its action, prints what went wrong as one line on stderr.
 * @returns the exit code: 0 done; 1 not done, or not well; 2 what it was given is wrong (docs/commands.md)
 */
export async function run(factory: CommandFactory, argv: readonly string[]): Promise<number> {
  const abort = new AbortController();
  const onSignal = (): void => abort.abort(new Error('interrupted'));
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal).on('SIGHUP', onSignal);
  goOnWhenNobodyReads();
  const context: CliContext = {
    signal: abort.signal,
    env: process.env,
    cwd: process.cwd(),
    log: createLogger('msgflo'),
    print: (line) => process.stdout.write(`${line}\n`),
  };
  // The handlers stay to the end: a second Ctrl-C must not cut short what the first began.
  return runWith(factory, argv.slice(2), context);
}

/** A reader that left, as `head` does, is no reason to end in the middle of something: the rest is said to nobody. */
export function goOnWhenNobodyReads(): void {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
}

/** The same with a context of the caller's. @param args without interpreter and script */
export async function runWith(factory: CommandFactory, args: readonly string[], context: CliContext): Promise<number> {
  const parser = factory(context);
  try {
    await parser.parseAsync(withValues(parser, args), { from: 'user' });
    return 0;
  } catch (error) {
    return failure(parser.name(), error, context);
  }
}

/** Something else has said already what went wrong: nothing more is printed. */
export class AlreadyToldError extends MsgfloError {
  readonly code = 'MSGFLO_ALREADY_TOLD';
}

/** 128 and SIGTERM, as a shell counts: ended in good order, but not because there was nothing left to do. */
const EXIT_TERMINATED = 143;

/** Whoever started this process is to know that a signal ended it. */
export class TerminatedError extends MsgfloError {
  readonly code = 'MSGFLO_TERMINATED';
}

/**
 * What the command was given is wrong, and will be when it is run again: a flag, a variable, an address, or a file that they
 * name, which is not there or not what it should be. Everything else may be well another time.
 */
const WRONG_INPUT: readonly string[] = [
  ...['MSGFLO_USAGE', 'MSGFLO_UNKNOWN_SCHEME', 'MSGFLO_LOG_ADDRESS', 'MSGFLO_TLS', 'MSGFLO_MODULE'],
  ...['MSGFLO_GRAPH_SYNTAX', 'MSGFLO_GRAPH_INVALID', 'MSGFLO_GRAPH_CYCLE', 'MSGFLO_COMPONENT_MISSING'],
];

function failure(name: string, error: unknown, { signal, log, complain = toStderr }: CliContext): number {
  // Commander has printed its own words already; asking for help or the version is no failure.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (error instanceof AlreadyToldError) return 1;
  if (error instanceof TerminatedError) return EXIT_TERMINATED;
  if (signal.aborted) {
    // Whoever interrupts knows why it ends; what broke off by that is no news.
    log.debug(messageOf(error));
    return 1;
  }
  const expected = error instanceof MsgfloError || process.env.DEBUG === undefined;
  const detail = expected || !(error instanceof Error) ? messageOf(error) : (error.stack ?? error.message);
  complain(`${name}: ${detail}`);
  return error instanceof MsgfloError && WRONG_INPUT.includes(error.code) ? 2 : 1;
}

function toStderr(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** Gives every flag that stands bare its value, so that it cannot swallow the word behind it. */
function withValues(parser: Command, args: readonly string[]): string[] {
  const flags = new Map(parser.options.flatMap((option) => (isPicky(option) ? [[option.long, option[TAKES]]] : [])));
  const given: string[] = [];
  for (let at = 0; at < args.length; at += 1) {
    const word = args[at] ?? '';
    if (word === '--') return [...given, ...args.slice(at)];
    const takes = flags.get(word);
    if (!takes) {
      given.push(word);
      continue;
    }
    const next = args[at + 1];
    const isValue = next !== undefined && takes(next);
    given.push(`${word}=${isValue ? next : 'true'}`);
    if (isValue) at += 1;
  }
  return given;
}

function isPicky(option: Option): option is Option & { readonly long: string; [TAKES](word: string): boolean } {
  return TAKES in option;
}
