import type { LogNode } from '../log/index.js';
import { asQueueName, type QueueName } from '../names.js';
import type { EngineDepth } from './engine.js';
import type { Topology } from './topology.js';

/** How a queue stands; what is no inqueue but has readers stands as the one that is furthest behind. */
export function depthOf(name: QueueName, node: LogNode, topology: Topology): EngineDepth | undefined {
  const queue = topology.inqueue(name);
  if (queue) return queue.depth();
  const procs = node.readers(name).flatMap((proc) => node.backlog(proc) ?? []);
  const copies = node.targets(name).flatMap((target) => topology.inqueue(asQueueName(target))?.depth() ?? []);
  if (procs.length + copies.length === 0) return undefined;
  const all = [...procs.map((backlog) => ({ ...backlog, consumers: 1 })), ...copies];
  return {
    queue: name,
    ready: Math.max(...all.map(({ ready }) => ready)),
    unacked: all.reduce((sum, { unacked }) => sum + unacked, 0),
    consumers: all.reduce((sum, { consumers }) => sum + consumers, 0),
  };
}
