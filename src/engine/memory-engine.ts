import { MemoryStore, openLogNode } from '../log/index.js';
import { QueueEngine, type QueueEngineOptions } from './queue-engine.js';

/** An engine in memory: nothing outlives the process, and what was taken is forgotten. */
export async function openMemoryEngine(options: QueueEngineOptions = {}): Promise<QueueEngine> {
  const node = openLogNode(new MemoryStore('memory', options.nowMs), { history: false });
  return await QueueEngine.open(node, options);
}
