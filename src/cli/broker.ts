import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Option } from 'commander';
import { type BrokerFile, readBrokerFile } from '../embedded/index.js';
import { MsgfloError, UsageError } from '../errors.js';
import { timeLimit } from '../support/index.js';
import { builtinTransports } from '../transport/builtin/index.js';
import { type Broker, type ClientOptions, withoutPassword } from '../transport/index.js';
import { readNodeFile } from '../transport/log/index.js';
import type { CliContext } from './command.js';
import { isLoopback } from './embedded-options.js';

/** Where state lies beside a project: the embedded broker's address, coordinators' records. */
export const stateDir = (cwd: string): string => join(cwd, '.msgflo');

/** `--broker`, said once. */
export function brokerOption(): Option {
  return new Option(
    '--broker <url>',
    'broker: amqp://, amqps://, mqtt://, mqtts://, ws://, wss://, log:///folder, log://host:port, logs://host:port (else MSGFLO_BROKER, else CLOUDAMQP_URL, else the embedded broker)',
  );
}

/** `--management`, for those who ask for figures and for bindings of others. */
export function managementOption(): Option {
  return new Option(
    '--management <url>',
    "RabbitMQ's management interface, http://user:password@host:15672; auto: looked for at the broker's host; off: not asked",
  )
    .default('auto')
    .argParser((value) => {
      if (value === 'auto' || value === 'off') return value;
      if (/^https?:/i.test(value) && URL.canParse(value)) return value;
      // It may hold a password: not repeated.
      throw new UsageError('--management is an http or https URL, auto or off');
    });
}

/** What a client is told of it. */
export function managementOf({ management }: { readonly management: string }): Pick<ClientOptions, 'management'> {
  return management === 'off' ? {} : { management };
}

/** How long a one-shot tool tries to reach the broker, in ms. */
export const ONE_SHOT_CONNECT_MS = 10_000;

/** How long one that was killed is waited for: who keeps it starts another, in ms. */
const NEXT_BROKER_MS = 3000;
const LOOK_EVERY_MS = 50;

/** No broker was named and no embedded one runs here. */
export class NoBrokerError extends MsgfloError {
  readonly code = 'MSGFLO_NO_BROKER';
}

/** A broker, as our own programs reach it, and as others do where that is something else. */
export interface ChildBroker {
  readonly broker: string;
  readonly log?: string;
}

/** What is told to children on the embedded broker: old libraries understand its MQTT door, ours find the log's beside it. */
export function childBroker(address: string, mqtt: string | undefined): ChildBroker {
  return mqtt === undefined ? { broker: address } : { broker: mqtt, log: address };
}

/** Of the MQTT door, which children are told with its address; libraries show that. Empty where there is no door. */
export function tokenIn(mqtt: string | undefined): string {
  return mqtt === undefined ? '' : new URL(mqtt).password;
}

/** The broker named by flag or environment, or undefined: then it is the embedded one. */
export function namedBroker(
  flag: string | undefined,
  env: CliContext['env'],
): { readonly address: string; readonly from: string } | undefined {
  if (flag) return { address: flag, from: '--broker' };
  const log = env['MSGFLO_LOG'];
  if (log && isEmbeddedDoor(env['MSGFLO_BROKER'])) return { address: log, from: 'MSGFLO_LOG' };
  for (const from of ['MSGFLO_BROKER', 'CLOUDAMQP_URL']) {
    const address = env[from];
    if (address) return { address, from };
  }
  return undefined;
}

/** The MQTT door of an embedded broker. What is named besides, anywhere else, is meant. */
function isEmbeddedDoor(address = ''): boolean {
  if (!address.startsWith('mqtt://msgflo:') || !URL.canParse(address)) return false;
  return isLoopback(new URL(address).hostname);
}

/**
 * The address for an executable that joins a network but does not keep one up.
 * @throws {NoBrokerError} when none is named and no embedded broker runs for this folder
 */
export async function joinBroker(flag: string | undefined, context: CliContext): Promise<string> {
  const { address } = await joinWithChildren(flag, context);
  return address;
}

/** As `joinBroker`, for those who start children: with the address of the MQTT door beside it, where there is one. */
export async function joinWithChildren(
  flag: string | undefined,
  context: CliContext,
): Promise<{ readonly address: string; readonly mqtt?: string }> {
  const named = namedBroker(flag, context.env);
  const mqtt = context.env['MSGFLO_BROKER'];
  if (named) return { address: named.address, ...(named.from === 'MSGFLO_LOG' && mqtt ? { mqtt } : {}) };
  const embedded = await embeddedIn(stateDir(context.cwd), context.signal);
  if (embedded) return embedded;
  throw new NoBrokerError(
    `no broker: give --broker URL or set MSGFLO_BROKER, or start 'msgflo' in this folder (${context.cwd}), which brings an embedded one`,
  );
}

/** The broker of the folder; the next one, where its last one has gone without a word. */
async function embeddedIn(dir: string, signal: AbortSignal): Promise<BrokerFile | undefined> {
  for (const endMs = performance.now() + NEXT_BROKER_MS; ; await delay(LOOK_EVERY_MS, undefined, { signal })) {
    const broker = await readBrokerFile(dir);
    if (broker) return broker;
    const left = await readNodeFile(dir);
    if (left?.pid === undefined || performance.now() > endMs) return undefined;
  }
}

/**
 * Opens a client, hands it to `work` and closes it whatever happens.
 * @throws {BrokerUnreachableError} when there is no connection within `timeoutMs`
 */
export async function withBroker<T>(
  address: string,
  context: CliContext,
  options: Partial<ClientOptions> & { readonly timeoutMs?: number },
  work: (broker: Broker) => Promise<T>,
): Promise<T> {
  const { timeoutMs, ...client } = options;
  const broker = await builtinTransports().open(address, { id: `msgflo-${randomUUID()}`, ...client }, context.log);
  context.log.debug(`connecting to ${withoutPassword(address)}`);
  const limit = timeoutMs === undefined ? undefined : timeLimit(timeoutMs, context.signal);
  try {
    await broker.connect({ signal: limit?.signal ?? context.signal });
    return await work(broker);
  } finally {
    limit?.end();
    await broker.close();
  }
}
