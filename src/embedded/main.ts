/**
 * The embedded broker as a process of its own: `node main.js --dir .msgflo`. When it is ready it leaves its address in
 * `<dir>/broker.json`, and with `--print-address` prints one line `{"address": "..."}` too. It ends on SIGTERM and
 * SIGINT, and, where its stdin is a pipe, when that is closed: whoever started it holds the other end, so that it never
 * outlives its parent. Its exit code is BROKER_RUNNING where another one answers already.
 */
import { once } from 'node:events';
import { fstatSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { messageOf } from '../errors.js';
import { createLogger } from '../support/index.js';
import { removeBrokerFile, writeBrokerFile } from './broker-file.js';
import { EmbeddedBroker } from './embedded-broker.js';
import { BROKER_RUNNING, BrokerRunningError } from './unix-socket.js';

async function run(): Promise<void> {
  const options = {
    dir: { type: 'string', default: '.msgflo' },
    'print-address': { type: 'boolean', default: false },
  } as const;
  const { values } = parseArgs({ options });
  const { dir, 'print-address': isPrinting } = values;
  // Whoever read what is said here may leave, as a terminal does; what lies in the queues must not go with it.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
  const stopping = new AbortController();
  const stop = (): void => stopping.abort();
  process.on('SIGTERM', stop).on('SIGINT', stop);
  if (isPipe(0)) process.stdin.on('end', stop).on('error', stop).resume();
  const broker = await EmbeddedBroker.listen({ dir, log: createLogger('broker') });
  await writeBrokerFile(dir, broker.address);
  if (isPrinting) process.stdout.write(`${JSON.stringify({ address: broker.address })}\n`);
  if (!stopping.signal.aborted) await once(stopping.signal, 'abort');
  process.stdin.destroy();
  await broker.stop();
  await removeBrokerFile(dir, broker.address);
}

function isPipe(fd: number): boolean {
  const stat = fstatSync(fd);
  return stat.isFIFO() || stat.isSocket();
}

run().catch((error: unknown) => {
  process.stderr.write(`broker: ${messageOf(error)}\n`);
  process.exitCode = error instanceof BrokerRunningError ? BROKER_RUNNING : 1;
  process.stdin.destroy();
});
