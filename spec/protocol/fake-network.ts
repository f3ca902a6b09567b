import type { Graph } from '../../src/graph/index.js';
import { asPortName, asRole } from '../../src/names.js';
import type { ComponentInfo, Network, NetworkEvent } from '../../src/protocol/index.js';

const read: ComponentInfo = {
  name: 'files/Read',
  description: 'Reads a file',
  icon: 'file',
  inPorts: [{ id: 'in', type: 'string', description: 'path' }],
  outPorts: [{ id: 'out', type: 'object', schema: 'https://example.net/text.json' }, { id: 'error' }],
};
const count: ComponentInfo = { name: 'Count', inPorts: [{ id: 'in' }], outPorts: [] };

const graph: Graph = {
  name: 'main',
  properties: {},
  caseSensitive: false,
  nodes: [
    { role: asRole('read'), component: 'files/Read' },
    { role: asRole('count'), component: 'Count' },
  ],
  edges: [
    {
      from: { role: asRole('read'), port: asPortName('out') },
      to: { role: asRole('count'), port: asPortName('in') },
    },
  ],
  iips: [],
  inports: [{ name: asPortName('path'), target: { role: asRole('read'), port: asPortName('in') } }],
  outports: [{ name: asPortName('failed'), target: { role: asRole('read'), port: asPortName('error') } }],
  groups: [],
};

const source = {
  properties: { name: 'main', environment: { type: 'other', content: 'kept' } },
  processes: { read: { component: 'files/Read' }, count: { component: 'Count' } },
  connections: [{ src: { process: 'read', port: 'out' }, tgt: { process: 'count', port: 'in' } }],
};

export interface FakeNetwork extends Network {
  /** Has the subscribers told. */
  emit(event: NetworkEvent): void;
  readonly listeners: ReadonlySet<(event: NetworkEvent) => void>;
}

/** A network of two roles that stands still; anything can be replaced. */
export function fakeNetwork(changes: Partial<Network> = {}): FakeNetwork {
  const listeners = new Set<(event: NetworkEvent) => void>();
  return {
    id: 'c1b9cc2b-1b5c-4f0c-9a1b-8f4d1a2f6a10',
    label: 'specs',
    graph: () => graph,
    graphSource: () => JSON.stringify(source),
    components: () => [read, count],
    componentSource: async (name) =>
      name === 'files/Read' ? { name: 'Read', library: 'files', language: 'javascript', code: '// reads' } : undefined,
    status: () => ({ started: true, running: false, uptimeSeconds: 12.7 }),
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    emit(event) {
      for (const listener of listeners) listener(event);
    },
    listeners,
    ...changes,
  };
}

/** The parts of a message that specs look at. */
export interface Told {
  readonly protocol: string;
  readonly command: string;
  readonly payload: Record<string, unknown>;
  readonly responseTo?: string;
}

/** `protocol:command` of each. */
export function names(messages: readonly Told[]): readonly string[] {
  return messages.map(({ protocol, command }) => `${protocol}:${command}`);
}
