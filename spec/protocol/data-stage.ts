import type { Graph } from '../../src/graph/index.js';
import { emptyGraph } from '../../src/graph/index.js';
import { asPortName, asRole } from '../../src/names.js';
import { DataFeed } from '../../src/protocol/data-feed.js';
import type { EdgeEnds, Wish } from '../../src/protocol/network.js';
import { Tracer } from '../../src/protocol/tracer.js';
import { fakeNetwork } from './fake-network.js';
import { RecordingClient } from './recording-client.js';

interface StageOptions {
  readonly graph: Graph;
}

export interface Stage {
  readonly feed: DataFeed;
  readonly tracer: Tracer;
  /** What the network was asked to look at, in order. */
  readonly wishes: Wish[];
  /** A client that has introduced itself. */
  client(...refused: readonly string[]): RecordingClient;
}

/** A feed of its own, its network one whose graph is called `main`. */
export function dataStage({ graph = emptyGraph('main') }: Partial<StageOptions> = {}): Stage {
  const wishes: Wish[] = [];
  const clients: RecordingClient[] = [];
  const network = fakeNetwork({ graphId: 'main', graph: () => graph, wish: (wish) => wishes.push(wish) });
  const tracer = new Tracer({ network });
  const feed = new DataFeed({ network, clients: () => clients, tracer });
  return {
    feed,
    tracer,
    wishes,
    client(...refused) {
      const client = new RecordingClient(...refused);
      clients.push(client);
      feed.introduced(client);
      return client;
    },
  };
}

/** `a.out b.in`, with `[n]` after a port for an index. */
export function edge(text: string): EdgeEnds {
  const [from = '', to = ''] = text.split(' ');
  return { from: end(from), to: end(to) };
}

export function end(text: string): EdgeEnds['to'] {
  const [, role = '', port = '', index] = /^(\w+)\.(\w+)(?:\[(\d+)\])?$/.exec(text) ?? [];
  const ref = { role: asRole(role), port: asPortName(port) };
  return index === undefined ? ref : { ...ref, index: Number(index) };
}
