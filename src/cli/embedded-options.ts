import { isIPv4 } from 'node:net';
import { join } from 'node:path';
import { type Command, Option } from 'commander';
import { UsageError } from '../errors.js';
import type { DoorSettings, NodeSettings } from '../log/server/index.js';
import { formatAddress, readAddress } from '../log/wire/index.js';
import { readLogTarget } from '../transport/log/index.js';
import { booleanOption, repeatable } from './command.js';
import { parseAge, parseDuration } from './duration.js';

/** What the node of the embedded broker is told. */
export type EmbeddedSettings = NodeSettings;

/** Flags of the embedded broker; without meaning where another one is named. */
export interface EmbeddedFlags {
  readonly logSync: NodeSettings['sync'];
  readonly logKeep: number;
  readonly logKeepBytes: number;
  readonly logMemory: boolean;
  readonly logListen: readonly string[];
  readonly mqttListen: { readonly host: string; readonly port: number };
}

const DEFAULTS: EmbeddedFlags = {
  logSync: 'always',
  logKeep: 3_600_000,
  logKeepBytes: 2 ** 30,
  logMemory: false,
  logListen: [],
  mqttListen: { host: '127.0.0.1', port: 0 },
};
const LOOK_EVERY_MS = 30_000;
const UNITS: Readonly<Record<string, number>> = { KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40 };

export function embeddedOptions(): readonly Option[] {
  return [
    new Option('--log-sync <policy>', 'when messages are synced to disk: always, interval:<time> or never')
      .default(DEFAULTS.logSync)
      .argParser(parseSync),
    new Option('--log-keep <time>', 'what has been taken is kept so long, for replay: 30m, 1h, 7d')
      .default(DEFAULTS.logKeep, '1h')
      .argParser((text) => parseAge('--log-keep', text)),
    new Option('--log-keep-bytes <size>', 'and no more than this of it: 500MiB, 1GiB')
      .default(DEFAULTS.logKeepBytes, '1GiB')
      .argParser((text) => parseSize('--log-keep-bytes', text)),
    booleanOption('--log-memory', 'keep nothing on disk: a restart of the broker loses what is in its queues'),
    repeatable('--log-listen <url>', 'listen for other machines too: logs://host:port?key=FILE&cert=FILE&ca=FILE').env(
      'MSGFLO_LOG_LISTEN',
    ),
    new Option('--mqtt-listen <host:port>', 'where MQTT clients may come (without: a free port of this machine)')
      .default(DEFAULTS.mqttListen, '127.0.0.1:0')
      .argParser(parsePlace),
  ];
}

/** Flags and variables of the embedded broker that were given: where they do not count, that is to be said. */
export function givenEmbedded(parser: Command): readonly string[] {
  return embeddedOptions().flatMap((option) => {
    const source = parser.getOptionValueSource(option.attributeName());
    return (source === 'cli' ? option.long : source === 'env' ? option.envVar : undefined) ?? [];
  });
}

/** @throws {UsageError} naming the flag */
export function embeddedSettings(stateDir: string, flags: EmbeddedFlags = DEFAULTS): EmbeddedSettings {
  const { logSync: sync, logKeep, logKeepBytes: maxBytes, logMemory, logListen, mqttListen: mqtt } = flags;
  return {
    dir: stateDir,
    ...(logMemory ? { history: false } : { location: join(stateDir, 'log') }),
    sync,
    gc: { minPruneTimeMs: logKeep, intervalMs: Math.max(1000, Math.min(logKeep, LOOK_EVERY_MS)), maxBytes },
    listen: logListen.map(doorOf),
    mqtt,
  };
}

function parseSync(text: string): NodeSettings['sync'] {
  if (text === 'always' || text === 'never') return text;
  const [, interval] = /^interval:(.+)$/.exec(text) ?? [];
  const intervalMs = interval === undefined ? 0 : parseDuration('--log-sync', interval);
  if (intervalMs > 0) return { intervalMs };
  throw new UsageError(`--log-sync is always, interval:<time> or never, not '${text}'`);
}

function parseSize(flag: string, text: string): number {
  const [, number = '', unit] = /^(\d+|\d*\.\d+)\s*(KiB|MiB|GiB|TiB)?$/.exec(text.trim()) ?? [];
  const bytes = Math.round(Number(number) * (unit ? (UNITS[unit] ?? 1) : 1));
  if (number !== '' && bytes > 0) return bytes;
  throw new UsageError(`${flag} is a size such as 500MiB or 1GiB, not '${text}'`);
}

function parsePlace(text: string): { host: string; port: number } {
  const [, host = '', digits = ''] = /^(\[[\da-fA-F:.]+\]|[^\s/:@[\]]+):(\d{1,5})$/.exec(text) ?? [];
  const port = Number(digits);
  if (digits !== '' && port <= 65_535) return { host: host.replace(/^\[|\]$/g, ''), port };
  throw new UsageError(`--mqtt-listen is host:port, not '${text}'`);
}

/** What others could hear on the way is let in with a token at least, and only where somebody asked for it. */
function doorOf(text: string): DoorSettings {
  const target = /^logs?:/.test(text) && URL.canParse(text) ? readLogTarget(new URL(text)) : undefined;
  if (target?.kind !== 'port')
    throw new UsageError('--log-listen is logs://host:port?key=FILE&cert=FILE&ca=FILE, or log://host:port?token=TEXT');
  const { host, port, token, tls } = target;
  if (!tls && token === undefined && !isLoopback(host))
    throw new UsageError('--log-listen for other machines wants TLS, logs://host:port?..., or a token at least');
  return { address: formatAddress({ kind: 'tcp', host, port }), ...(tls ? { tls } : { token }) };
}

/** Somebody on another machine could come in. */
export function isForOthers({ listen = [], mqtt }: EmbeddedSettings): boolean {
  const places = listen.map(({ address }) => readAddress(address));
  const hosts = places.flatMap((place) => (place.kind === 'tcp' ? place.host : []));
  return [...hosts, ...(mqtt ? [mqtt.host] : [])].some((host) => !isLoopback(host));
}

/** Only this machine can come there. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host === '[::1]' || (isIPv4(host) && host.startsWith('127.'));
}
