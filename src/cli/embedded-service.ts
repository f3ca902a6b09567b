import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { readBrokerFile } from '../embedded/index.js';
import { MsgfloError } from '../errors.js';
import { type Guard, KeptService } from '../process/index.js';
import type { CliContext } from './command.js';

/** The embedded broker did not come up; it said why on stderr. */
class EmbeddedBrokerError extends MsgfloError {
  readonly code = 'MSGFLO_EMBEDDED_BROKER';
}

const READY_WITHIN_MS = 10_000;

/** Starts the embedded broker of this folder as a process of its own, kept running. Resolves when it answers. */
export async function startEmbedded(
  stateDir: string,
  guard: Guard,
  { log, signal }: CliContext,
): Promise<{ readonly service: KeptService; readonly address: string }> {
  const main = fileURLToPath(new URL('../embedded/main.js', import.meta.url));
  const argv = [process.execPath, main, '--dir', stateDir];
  const service = new KeptService({ role: 'broker', argv }, { guard, log });
  const limit = AbortSignal.any([signal, AbortSignal.timeout(READY_WITHIN_MS)]);
  try {
    for (;;) {
      const found = await readBrokerFile(stateDir);
      if (found) return { service, address: found.address };
      await delay(25, undefined, { signal: limit });
    }
  } catch (error) {
    await service.stop();
    throw new EmbeddedBrokerError(`the embedded broker did not start in ${stateDir}`, { cause: error });
  }
}
