import { basename, extname } from 'node:path';
import type { Command } from 'commander';
import { brokerOption } from './broker.js';
import { booleanOption, type CliContext, command, secondsOption } from './command.js';
import { announce, readForeignFile } from './register.js';

interface Options {
  readonly broker?: string;
  readonly role?: string;
  readonly interval: number;
  readonly forever: boolean;
}

/** `msgflo-register-foreign`: the older form of `msgflo-register`, one file, once unless told otherwise. */
export function registerForeign(context: CliContext): Command {
  return command('msgflo-register-foreign', 'Announce one foreign participant (older form of msgflo-register)')
    .argument('<file>', 'YAML file that describes it')
    .addOption(brokerOption())
    .option('--role <role>', 'its role (else the name of the file)')
    .addOption(secondsOption('--interval <seconds>', 'how often to announce', 60))
    .addOption(booleanOption('--forever', 'go on until interrupted'))
    .action(async (file: string, { broker, role, interval, forever }: Options) => {
      const files = [await readForeignFile(file, role ?? basename(file, extname(file)), context)];
      await announce({ broker, files, intervalMs: interval, forever, watch: false }, context);
    });
}
