import { Option } from 'commander';
import { UsageError } from '../errors.js';
import { type AccessRules, type Capability, OFFERED, READ_ONLY } from '../protocol/index.js';
import { isLoopback, webOrigin } from '../server/index.js';
import type { Logger } from '../support/index.js';
import { readAccessFile, type Secret } from './access-file.js';
import { repeatable } from './command.js';

/** The options by which it is said who may do what. */
export interface AccessFlags {
  readonly secret?: string;
  readonly access?: Access;
  readonly accessFile?: string;
  readonly allowOrigin: readonly string[];
}

type Access = 'none' | 'read-only' | 'all';

const GRANTS: Readonly<Record<Access, readonly Capability[]>> = { none: [], 'read-only': READ_ONLY, all: OFFERED };

/** Who has it can put programs on this machine and have them run. */
const RUNS_PROGRAMS: Capability = 'component:setsource';

/** Environment holds at most 128 KiB a variable, and that is how the coordinator is told. */
const MAX_RULES_BYTES = 96 * 1024;

export function accessOptions(): readonly Option[] {
  return [
    new Option('--secret <text>', 'who gives it may do everything (better: MSGFLO_SECRET, which others cannot read)'),
    new Option('--access-file <file>', 'JSON or YAML, from each secret to all, read-only or a list of capabilities'),
    new Option(
      '--access <what>',
      'for clients without a secret (without: none if there are secrets, else all; on other hosts than this all but component source)',
    ).choices(Object.keys(GRANTS)),
    repeatable('--allow-origin <origin>', 'let browser pages of this origin connect too; * for all').argParser(
      (value: string, before: unknown) => [...((before ?? []) as string[]), parseOrigin(value)],
    ),
  ];
}

/** Takes the secret out of the environment, so that no process that is started inherits it. */
export function takeSecret(env: NodeJS.ProcessEnv): string | undefined {
  const secret = env['MSGFLO_SECRET'];
  delete env['MSGFLO_SECRET'];
  return secret;
}

interface Surroundings {
  /** Where it listens. */
  readonly host: string;
  readonly isTls: boolean;
  /** From the environment. */
  readonly secret: string | undefined;
  readonly log: Logger;
}

/**
 * Who may do what, and warnings where that is more than people may think. Without `--access`: with a secret nothing for
 * those who do not give it; without any all on this machine, and from elsewhere all but what runs programs.
 * @throws {UsageError} which repeats no secret
 * @throws {CannotListenError} for a host that there is not
 */
export async function accessOf(flags: AccessFlags, around: Surroundings): Promise<AccessRules> {
  const isLocal = await isLoopback(around.host);
  const secrets = await secretsOf(flags, around);
  const rules: AccessRules = {
    anonymous: flags.access === undefined ? byDefault(secrets.length > 0, isLocal) : GRANTS[flags.access],
    secrets,
  };
  if (Buffer.byteLength(JSON.stringify(rules)) > MAX_RULES_BYTES) {
    throw new UsageError(`--access-file ${flags.accessFile}: too many secrets, or too long ones`);
  }
  if (!isLocal) warnOfStrangers(rules, flags, around);
  if (flags.allowOrigin.includes('*')) {
    around.log.warn('any web page that somebody opens can connect (--allow-origin *)');
  }
  return rules;
}

async function secretsOf(flags: AccessFlags, { secret, log }: Surroundings): Promise<readonly Secret[]> {
  const listed = flags.accessFile === undefined ? [] : await readAccessFile(flags.accessFile, log);
  const [given, from] = flags.secret === undefined ? [secret, 'MSGFLO_SECRET'] : [flags.secret, '--secret'];
  if (given === undefined) return listed;
  // Taken for no secret at all it would leave the door open that it was to close.
  if (given === '') throw new UsageError(`${from} is empty: give it a text, or leave it out`);
  if (listed.some((one) => one.secret === given)) {
    throw new UsageError(`the secret of ${from} stands in --access-file ${flags.accessFile} as well`);
  }
  if (from === '--secret') {
    log.warn('everybody on this machine can read --secret in the list of processes: set MSGFLO_SECRET instead');
  }
  return [{ secret: given, capabilities: OFFERED }, ...listed];
}

function byDefault(hasSecrets: boolean, isLocal: boolean): readonly Capability[] {
  if (hasSecrets) return [];
  return isLocal ? OFFERED : OFFERED.filter((capability) => capability !== RUNS_PROGRAMS);
}

function warnOfStrangers(
  { anonymous, secrets }: AccessRules,
  flags: AccessFlags,
  { host, isTls, log }: Surroundings,
): void {
  if (anonymous.includes(RUNS_PROGRAMS)) {
    log.warn(`whoever reaches ${host} can run programs here (--access all); --access read-only lets them only look`);
  } else if (flags.access === undefined && anonymous.length > 0) {
    log.warn(
      `whoever reaches ${host} can edit the network, all but the source of components: ` +
        'close it with MSGFLO_SECRET or --access-file, or let them only look with --access read-only',
    );
  }
  if (secrets.length > 0 && !isTls) {
    log.warn(`secrets come to ${host} unencrypted: use --tls-cert and --tls-key, unless something in front encrypts`);
  }
}

function parseOrigin(text: string): string {
  if (text === '*') return text;
  const origin = webOrigin(text);
  // What a browser sends has no path, and no star stands for anything in it.
  if (origin !== undefined && !text.includes('*') && new URL(text).href === `${origin}/`) return origin;
  throw new UsageError(`--allow-origin is scheme, host and port, as in https://editor.example.org, not '${text}'`);
}
