import { messageOf } from '../errors.js';
import { edgeKey } from '../graph/index.js';
import type { Logger } from '../support/index.js';
import type { Client } from './client.js';
import { endMessage } from './edge-ends.js';
import { isMainGraph } from './graph-identity.js';
import type { EdgeEnds, EdgeStatus, Network, NodeStatus, QueueFigures } from './network.js';
import { Told } from './told.js';

export interface WatchersOptions {
  readonly network: Network;
  readonly log: Logger;
  /** How long after one look at the queues comes the next. @default 1,000 */
  readonly everyMs?: number;
}

/** Changes of states come in bursts; so long they are gathered. */
const GATHER_MS = 50;

/** A message for watchers but for the graph, which each of them spells in its own way. */
interface News {
  readonly command: 'nodes' | 'edgestates' | 'queue';
  readonly list: readonly object[];
}

/**
 * Tells how nodes, edges and queues are doing to the clients that asked for it by `network:watch`: all of it first, then
 * what has changed. The broker is asked only while somebody watches.
 */
export class Watchers {
  readonly #network: Network;
  readonly #log: Logger;
  readonly #everyMs: number;
  /** With the graph as each of them spells it. */
  readonly #watching = new Map<Client, string>();
  readonly #nodes = new Told(nodeMessage);
  readonly #edges = new Told(edgeMessage);
  readonly #queues = new Told(queueMessage);
  #gathering: NodeJS.Timeout | undefined;
  #polling: NodeJS.Timeout | undefined;
  #isAsking = false;

  constructor({ network, log, everyMs = 1000 }: WatchersOptions) {
    this.#network = network;
    this.#log = log;
    this.#everyMs = everyMs;
  }

  /** Tells the client all there is, at once, and from then on what changes. */
  watch(client: Client, graph: string): void {
    if (this.#watching.size > 0) this.#tellStates();
    else this.#lookAtStates();
    this.#watching.set(client, graph);
    this.#send(
      [client],
      [
        { command: 'nodes', list: this.#nodes.all() },
        { command: 'edgestates', list: this.#edges.all() },
        ...nonEmpty('queue', this.#queues.all()),
      ],
    );
    if (this.#polling === undefined && !this.#isAsking) void this.#poll();
  }

  /** Idempotent. */
  unwatch(client: Client): void {
    this.#watching.delete(client);
    if (this.#watching.size === 0) this.close();
  }

  /** States may be other than before. */
  changed(): void {
    if (this.#watching.size === 0) return;
    this.#gathering ??= setTimeout(() => this.#tellStates(), GATHER_MS);
  }

  /** Tells nobody anything more. Idempotent. */
  close(): void {
    this.#watching.clear();
    clearTimeout(this.#gathering);
    clearTimeout(this.#polling);
    this.#gathering = undefined;
    this.#polling = undefined;
    for (const told of [this.#nodes, this.#edges, this.#queues]) told.clear();
  }

  #lookAtStates(): readonly News[] {
    const nodes = this.#nodes.changes(this.#network.nodes().map((node) => [node.role, node]));
    const gone = nodes.gone.filter(({ state }) => state === 'foreign').map(lost);
    const edges = this.#edges.changes(this.#network.edges().map((edge) => [edgeKey(edge), edge]));
    return [...nonEmpty('nodes', [...nodes.changed, ...gone]), ...nonEmpty('edgestates', edges.changed)];
  }

  #tellStates(): void {
    clearTimeout(this.#gathering);
    this.#gathering = undefined;
    this.#send([...this.#watching.keys()], this.#lookAtStates());
  }

  /** One look at the queues, and the next when that is done and some time has gone by. */
  async #poll(): Promise<void> {
    this.#polling = undefined;
    this.#isAsking = true;
    try {
      const queues = await this.#network.queues();
      if (this.#watching.size > 0) this.#tellQueues(queues);
    } catch (error) {
      this.#log.warnOnce('queues', `the queues cannot be looked at: ${messageOf(error)}`);
    }
    this.#isAsking = false;
    if (this.#watching.size > 0) this.#polling = setTimeout(() => void this.#poll(), this.#everyMs);
  }

  #tellQueues(queues: readonly QueueFigures[]): void {
    const keyed = queues.map((figures): [string, QueueFigures] => [`${figures.queue} ${edgeKey(figures)}`, figures]);
    this.#send([...this.#watching.keys()], nonEmpty('queue', this.#queues.changes(keyed).changed));
  }

  /** Serialised once for all who spell the graph alike. */
  #send(clients: readonly Client[], news: readonly News[]): void {
    for (const { command, list } of news) {
      const field = FIELDS[command];
      const frames = new Map<string, string>();
      for (const client of clients) {
        const graph = this.#graphOf(client);
        const payload = { graph, [field]: list };
        const frame = frames.get(graph) ?? JSON.stringify({ protocol: 'network', command, payload });
        frames.set(graph, frame);
        client.tell({ protocol: 'network', command }, frame);
      }
    }
  }

  /** What a client called the graph may be the name of none since. */
  #graphOf(client: Client): string {
    const graph = this.#watching.get(client);
    return graph !== undefined && isMainGraph(this.#network, graph) ? graph : this.#network.graphId;
  }
}

const FIELDS = { nodes: 'nodes', edgestates: 'edges', queue: 'queues' } as const;

function nonEmpty(command: News['command'], list: readonly object[]): readonly News[] {
  return list.length > 0 ? [{ command, list }] : [];
}

function nodeMessage({ role, state, participants, why }: NodeStatus): object {
  return { id: role, state, participants, ...(why !== undefined && { why }) };
}

/** Of a discovered role nothing else tells that it is gone. */
function lost({ role }: NodeStatus): object {
  return nodeMessage({ role, state: 'lost', participants: 0 });
}

function ends({ from, to }: EdgeEnds): object {
  return { src: endMessage(from), tgt: endMessage(to) };
}

function edgeMessage({ from, to, state, why }: EdgeStatus): object {
  return { ...ends({ from, to }), state, ...(why !== undefined && { why }) };
}

function queueMessage(figures: QueueFigures): object {
  const { queue, ready, unacked, consumers, inPerSecond, outPerSecond } = figures;
  return {
    ...ends(figures),
    queue,
    ...(ready !== undefined && { ready }),
    ...(unacked !== undefined && { unacked }),
    ...(consumers !== undefined && { consumers }),
    ...(inPerSecond !== undefined && { in: inPerSecond }),
    ...(outPerSecond !== undefined && { out: outPerSecond }),
  };
}
