/**
 * A node as a process of its own: `node main.js --dir .msgflo`, or with its settings as one argument of JSON, as
 * `PipeProc.spawn` starts it. When it is ready it leaves its address in `<dir>/broker.json`, tells it to the process that
 * forked it, and with `--print-address` prints one line `{"address": "..."}` too.
 *
 * It ends in order on SIGTERM, SIGINT and SIGHUP; when who forked it lets go of it or dies; where its stdin is a pipe, when
 * that is closed; with `--idle-exit`, when it has had no client for so many seconds. Its exit code is NODE_RUNNING where
 * another one has the folder, and NODE_HOPELESS where trying again would not help.
 */
import { once } from 'node:events';
import { fstatSync } from 'node:fs';
import { messageOf, UsageError } from '../errors.js';
import { CorruptionError, FormatVersionError } from '../log/index.js';
import { statusOf } from '../log/server/index.js';
import { AddressError } from '../log/wire/index.js';
import { createLogger } from '../support/index.js';
import { NODE_RUNNING } from '../transport/log/index.js';
import { EmbeddedBroker } from './embedded-broker.js';
import { BrokerRunningError, FolderUnwritableError, NODE_HOPELESS } from './errors.js';
import { readRun } from './node-flags.js';

const HOPELESS = [
  ...[CorruptionError, FormatVersionError, FolderUnwritableError],
  ...[UsageError, AddressError, RangeError],
];

async function run(): Promise<void> {
  // Whoever read what is said here may leave, as a terminal does; the log must go on.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
  const stopping = new AbortController();
  const stop = (): void => stopping.abort();
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, stop);
  process.on('disconnect', stop);
  if (isPipe(0)) process.stdin.on('end', stop).on('error', stop).resume();
  const { settings, isPrinting, idleExitMs } = readRun(process.argv.slice(2), process.env);
  const log = createLogger('broker');
  const onFailure = (error: unknown): void => {
    log.warn(`the log can write no more: ${messageOf(error)}`);
    process.exitCode = 1;
    stop();
  };
  const broker = await EmbeddedBroker.listen({ ...settings, log, onFailure });
  tell({ address: broker.door });
  if (isPrinting) process.stdout.write(`${JSON.stringify({ address: broker.address })}\n`);
  const idle = idleExitMs === undefined ? undefined : stopWhenIdle(broker, idleExitMs, stop);
  if (!stopping.signal.aborted) await once(stopping.signal, 'abort');
  clearInterval(idle);
  await broker.stop();
  letGo();
}

/** Looks ten times within the time. */
function stopWhenIdle(broker: EmbeddedBroker, idleMs: number, stop: () => void): NodeJS.Timeout {
  let busyAtMs = performance.now();
  return setInterval(() => {
    const nowMs = performance.now();
    if (broker.clients > 0) busyAtMs = nowMs;
    else if (nowMs - busyAtMs >= idleMs) stop();
  }, idleMs / 10);
}

function tell(report: object): void {
  if (process.connected) process.send?.(report, () => undefined); // a spawner that is gone is told nothing
}

function letGo(): void {
  process.stdin.destroy();
  if (process.connected) process.disconnect();
}

function isPipe(fd: number): boolean {
  const stat = fstatSync(fd);
  return stat.isFIFO() || stat.isSocket();
}

function complaint(error: unknown): string {
  const advice = error instanceof CorruptionError ? `; to see what is left: msgflo-log verify` : '';
  return `${messageOf(error)}${advice}`;
}

function exitCodeOf(error: unknown): number {
  if (error instanceof BrokerRunningError) return NODE_RUNNING;
  return HOPELESS.some((kind) => error instanceof kind) ? NODE_HOPELESS : 1;
}

run().catch((error: unknown) => {
  const cause = error instanceof BrokerRunningError ? error.cause : error;
  if (!process.connected) process.stderr.write(`broker: ${complaint(error)}\n`);
  tell({ failed: messageOf(cause), code: statusOf(cause).errStatus });
  process.exitCode = exitCodeOf(error);
  letGo();
});
