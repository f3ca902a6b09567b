import { type Engine, MemoryEngine } from '../../src/engine/index.js';
import type { LogNode } from '../../src/log/index.js';

/** Queues on a node. */
export async function engineOf(_node: LogNode): Promise<Engine> {
  return new MemoryEngine({ expired: (_queue, headers) => headers });
}
