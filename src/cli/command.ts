import { Command, CommanderError, Option } from 'commander';
import { MsgfloError, messageOf, UsageError } from '../errors.js';
import { createLogger, type Logger } from '../support/index.js';
import { version } from './version.js';

/** What a command is given by the process it runs in; specs give it their own. */
export interface CliContext {
  /** Aborted by SIGINT and SIGTERM. */
  readonly signal: AbortSignal;
  readonly env: Readonly<NodeJS.ProcessEnv>;
  readonly cwd: string;
  readonly log: Logger;
  /** One line of results on stdout. Everything else goes through `log` to stderr. */
  print(line: string): void;
}

/** Builds the parser of one executable; its action does the work. */
export type CommandFactory = (context: CliContext) => Command;

/** A command with the habits all of ours share: `--version`, errors thrown instead of ending the process. */
export function command(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .version(version(), '--version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .showHelpAfterError('(--help lists the options)')
    .exitOverride();
}

const BOOLEAN = Symbol('takes true or false');

/** A flag that may stand bare, with `true` or `false` behind it, or as `--flag=false`; it never takes another word. */
export function booleanOption(flag: `--${string}`, description: string, defaultValue = false): Option {
  const option = new Option(`${flag} [boolean]`, description).default(defaultValue).argParser((value) => {
    if (value === 'true' || value === 'false') return value === 'true';
    throw new UsageError(`${flag} is true or false, not '${value}'`);
  });
  return Object.assign(option, { [BOOLEAN]: true });
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

/**
 * Runs a command as this process: parses, waits for its action, prints what went wrong as one line on stderr.
 * @returns the exit code: 0 done, 1 failed, 2 misused
 */
export async function run(factory: CommandFactory, argv: readonly string[]): Promise<number> {
  const abort = new AbortController();
  const onSignal = (): void => abort.abort(new Error('interrupted'));
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
  const context: CliContext = {
    signal: abort.signal,
    env: process.env,
    cwd: process.cwd(),
    log: createLogger('msgflo'),
    print: (line) => process.stdout.write(`${line}\n`),
  };
  try {
    return await runWith(factory, argv.slice(2), context);
  } finally {
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
  }
}

/** The same with a context of the caller's. @param args without interpreter and script */
export async function runWith(factory: CommandFactory, args: readonly string[], context: CliContext): Promise<number> {
  const parser = factory(context);
  try {
    await parser.parseAsync(withBooleans(parser, args), { from: 'user' });
    return 0;
  } catch (error) {
    return failure(parser.name(), error);
  }
}

function failure(name: string, error: unknown): number {
  // Commander has printed its own words already; asking for help or the version is no failure.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  const expected = error instanceof MsgfloError || process.env.DEBUG === undefined;
  const detail = expected || !(error instanceof Error) ? messageOf(error) : (error.stack ?? error.message);
  process.stderr.write(`${name}: ${detail}\n`);
  return error instanceof UsageError ? 2 : 1;
}

/** Gives every bare boolean flag its value, so that it cannot swallow the word behind it. */
function withBooleans(parser: Command, args: readonly string[]): string[] {
  const flags = new Set(parser.options.filter((option) => BOOLEAN in option).map((option) => option.long));
  const given: string[] = [];
  for (let at = 0; at < args.length; at += 1) {
    const word = args[at] ?? '';
    if (word === '--') return [...given, ...args.slice(at)];
    if (!flags.has(word)) {
      given.push(word);
      continue;
    }
    const next = args[at + 1];
    const isValue = next === 'true' || next === 'false';
    given.push(`${word}=${isValue ? next : 'true'}`);
    if (isValue) at += 1;
  }
  return given;
}
