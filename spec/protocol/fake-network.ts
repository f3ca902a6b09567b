import { applyEdit, emptyGraph, type Graph } from '../../src/graph/index.js';
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

const initial: Graph = {
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

/** A network of two roles that stands still, but for its graph, which can be edited; anything can be replaced. */
export function fakeNetwork(changes: Partial<Network> = {}): FakeNetwork {
  const listeners = new Set<(event: NetworkEvent) => void>();
  const emit = (event: NetworkEvent): void => {
    for (const listener of listeners) listener(event);
  };
  let graph = changes.graph?.() ?? initial;
  let cleared: string | undefined;
  let isStarted = true;
  return {
    id: 'c1b9cc2b-1b5c-4f0c-9a1b-8f4d1a2f6a10',
    label: 'specs',
    get graphId() {
      return cleared ?? (changes.namespace === undefined ? graph.name : `${changes.namespace}/${graph.name}`);
    },
    graph: () => graph,
    graphSource: () => JSON.stringify(source),
    components: () => [read, count],
    componentSource: async (name) =>
      name === 'files/Read' ? { name: 'Read', library: 'files', language: 'javascript', code: '// reads' } : undefined,
    setComponentSource: async ({ name, library }) => {
      const component = { name: library ? `${library}/${name}` : name, inPorts: [{ id: 'in' }], outPorts: [] };
      emit({ kind: 'component', component });
      return component;
    },
    uptimeSeconds: 12.7,
    status: async () => ({ started: isStarted, running: false, uptimeSeconds: 12.7, debug: false }),
    edit(edit, by) {
      const edited = applyEdit(graph, edit);
      graph = edited.graph;
      emit({ kind: 'edited', changes: edited.changes, ...(by && { by }) });
      return edited.changes;
    },
    clear({ id }, by) {
      cleared = id;
      graph = emptyGraph(id);
      isStarted = false;
      emit({ kind: 'cleared', ...(by && { by }) });
    },
    setStarted(wanted, by) {
      isStarted = wanted;
      const origin = by && { by };
      emit(wanted ? { kind: 'started', ...origin } : { kind: 'stopped', uptimeSeconds: 12.7, ...origin });
    },
    setDebug() {},
    persist: async () => {},
    sendPacket: async () => {},
    wish() {},
    nodes: () => [],
    edges: () => [],
    queues: async () => [],
    relay: () => undefined,
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    emit,
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
