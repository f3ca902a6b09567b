import { randomUUID } from 'node:crypto';
import { createLogger } from '../../dist/support/index.js';
import { builtinTransports } from '../../dist/transport/builtin/index.js';

/**
 * A connected client of ours, for a bench to look on with.
 * @param {string} url
 */
export async function openBroker(url) {
  const broker = await builtinTransports().open(url, { id: `msgflo-bench-${randomUUID()}` }, createLogger('bench'));
  await broker.connect({ signal: AbortSignal.timeout(10_000) });
  return broker;
}
