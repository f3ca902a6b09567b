import type { Command } from 'commander';
import { UsageError } from '../errors.js';
import { runParticipant, type ScriptOptions, scriptComponent } from '../participant/index.js';
import { brokerOption } from './broker.js';
import { booleanOption, type CliContext, command, secondsOption } from './command.js';
import { parseIips, runOptions, tellKeeper } from './participant.js';

interface Options {
  readonly role: string;
  readonly cmd: string;
  readonly broker?: string;
  readonly shell: boolean;
  readonly timeout: number;
  readonly prefetch: number;
  readonly maxBytes: number;
  readonly iips?: Readonly<Record<string, unknown>>;
}

/** `msgflo-script`: a command as a participant, run once for every message. */
export function script(context: CliContext): Command {
  return command('msgflo-script', 'Run a command for every message: message on stdin, stdout to out, failures to error')
    .requiredOption('--role <role>', 'role to play')
    .requiredOption('--cmd <command>', "the command, e.g. 'jq .x'; its arguments are split as a shell does")
    .addOption(brokerOption())
    .addOption(booleanOption('--shell', 'run the command by /bin/sh'))
    .addOption(secondsOption('--timeout <seconds>', 'a message that takes longer has failed; 0: no limit', 0))
    .option('--prefetch <n>', 'messages worked on at a time', count('--prefetch'), 1)
    .option('--max-bytes <n>', 'most bytes of output for one message', count('--max-bytes'), 16 * 1024 * 1024)
    .option('--iips <json>', 'initial data by inport, as a JSON object', parseIips)
    .action(async ({ role, broker, iips, ...options }: Options) => {
      const component = scriptComponent(scriptOptions(options));
      const run = await runOptions(role, broker, context);
      await runParticipant(component, { ...run, ...(iips === undefined ? {} : { iips }) });
      tellKeeper(context);
    });
}

function scriptOptions({ cmd, shell, timeout, prefetch, maxBytes }: Omit<Options, 'role'>): ScriptOptions {
  return { cmd, shell, prefetch, maxBytes, ...(timeout > 0 ? { timeoutMs: timeout } : {}) };
}

function count(flag: string): (text: string) => number {
  return (text) => {
    const number = Number(text);
    if (Number.isInteger(number) && number > 0) return number;
    throw new UsageError(`${flag} is a whole number above 0, not '${text}'`);
  };
}
