/**
 * A node as a process of its own, started by `NodeProcess` with its settings as the argument. It tells its spawner where it
 * listens, or why it does not, and ends in order when the spawner lets go of it or dies, or on SIGTERM.
 */
import { messageOf } from '../../errors.js';
import { createLogger } from '../../support/index.js';
import { readSettings } from './node-settings.js';
import { RunningNode } from './running-node.js';
import { statusOf } from './status.js';

const logger = createLogger('log');

async function run(): Promise<void> {
  // Whoever read what is said here may leave, as a terminal does; the log must go on.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
  const stopping = new Promise<void>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => resolve());
    process.on('disconnect', () => resolve());
  });
  const running = await RunningNode.start(readSettings(process.argv[2] ?? ''), logger);
  tell({ address: running.address });
  await stopping;
  await running.stop();
  if (process.connected) process.disconnect();
}

function tell(report: object): void {
  if (process.connected) process.send?.(report, () => undefined); // a spawner that is gone is told nothing
}

run().catch((error: unknown) => {
  if (!process.connected) logger.warn(messageOf(error));
  tell({ failed: messageOf(error), code: statusOf(error).errStatus });
  process.exitCode = 1;
  if (process.connected) process.disconnect();
});
