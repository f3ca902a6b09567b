import { randomUUID } from 'node:crypto';

/** @typedef {import('../../dist/protocol/index.js').Network} Network */
/** @typedef {import('../../dist/protocol/index.js').NetworkEvent} NetworkEvent */

/**
 * What the protocol is given in place of a running network: a row of `size` nodes, each of a component of its own, that
 * stands still. What a real network costs is not in it.
 * @param {number} size
 * @returns {Promise<Network & { sendData(data: unknown): void }>} `sendData` goes over the first edge
 */
export async function fakeNetwork(size) {
  const { readJson, writeJson } = await import('../../dist/graph/index.js');
  const names = Array.from({ length: size }, (_, n) => `demo/Component${n}`);
  const source = {
    properties: { name: 'main' },
    processes: Object.fromEntries(names.map((component, n) => [`node${n}`, { component, metadata: { x: n, y: n } }])),
    connections: names.slice(1).map((_, n) => ({
      src: { process: `node${n}`, port: 'out' },
      tgt: { process: `node${n + 1}`, port: 'in' },
    })),
  };
  const { graph } = readJson(JSON.stringify(source), { path: 'main.json' });
  const code = `${'// a line of a program that people wrote\n'.repeat(50)}`;
  const components = names.map((name) => ({
    name,
    description: 'Does one thing',
    icon: 'cog',
    inPorts: [{ id: 'in', type: 'object', description: 'what comes' }],
    outPorts: [{ id: 'out', type: 'object' }, { id: 'error' }],
  }));
  /** @type {Set<(event: NetworkEvent) => void>} */
  const listeners = new Set();
  const [edge] = graph.edges;
  if (!edge) throw new Error('a network of one node has no edge');
  return {
    id: randomUUID(),
    label: 'bench',
    namespace: 'demo',
    graphId: 'demo/main',
    graph: () => graph,
    graphSource: () => writeJson(graph),
    components: () => components,
    componentSource: async (name) => ({
      name: name.slice('demo/'.length),
      library: 'demo',
      language: 'javascript',
      code,
    }),
    uptimeSeconds: 60,
    status: async () => ({ started: true, running: true, uptimeSeconds: 60, debug: false }),
    setStarted() {},
    setDebug() {},
    wish() {},
    nodes: () => [],
    edges: () => [],
    queues: async () => [],
    relay: () => undefined,
    edit: refuse,
    clear: refuse,
    persist: refuse,
    sendPacket: refuse,
    setComponentSource: refuse,
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    sendData(data) {
      for (const listener of listeners) listener({ kind: 'data', from: edge.from, to: edge.to, data });
    },
  };
}

/** @returns {never} */
function refuse() {
  throw new Error('this network stands still');
}
