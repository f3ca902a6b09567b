import type { Coordinator } from '../coordinator/index.js';
import type { Definition, PortDefinition } from '../discovery/index.js';
import { type Graph, type Node, writeJson } from '../graph/index.js';
import type { Library } from '../library/index.js';
import type {
  ComponentInfo,
  ComponentPort,
  ComponentSource,
  Network,
  NetworkEvent,
  NetworkStatus,
} from '../protocol/index.js';

interface Parts {
  readonly id: string;
  readonly coordinator: Coordinator;
  readonly library: Library;
}

/** The running network as visual editors are shown it: graph, library and what discovery tells, put together. */
export class RuntimeNetwork implements Network {
  readonly id: string;
  readonly label = 'msgflo';
  readonly namespace?: string;
  readonly repository?: string;
  readonly #coordinator: Coordinator;
  readonly #library: Library;
  readonly #startedAtMs = performance.now();

  constructor({ id, coordinator, library }: Parts) {
    this.id = id;
    this.#coordinator = coordinator;
    this.#library = library;
    if (library.namespace !== undefined) this.namespace = library.namespace;
    if (library.repository !== undefined) this.repository = library.repository;
  }

  graph(): Graph {
    return this.#coordinator.graph;
  }

  /** Roles that were discovered but that the graph does not name stand among its nodes; they are never saved. */
  graphSource(): string {
    const { graph } = this.#coordinator;
    const definitions = new Map(this.#coordinator.definitions().map((definition) => [definition.role, definition]));
    const foreign = this.#coordinator.report().nodes.filter(({ state }) => state === 'foreign');
    const nodes = foreign.map(({ role }): Node => ({ role, component: definitions.get(role)?.component ?? '' }));
    // Editors look components up by the very name that the list of components gives.
    const named = [...graph.nodes, ...nodes].map((node) => ({ ...node, component: this.#nameOf(node.component) }));
    return writeJson({ ...graph, nodes: named });
  }

  /** What the library has and what was announced; ports are known only of what was announced at least once. */
  components(): readonly ComponentInfo[] {
    const byName = new Map<string, ComponentInfo>();
    for (const { name } of this.#library.components()) byName.set(name, { name, inPorts: [], outPorts: [] });
    for (const definition of this.#coordinator.definitions()) {
      const info = this.#componentOf(definition);
      byName.set(info.name, info);
    }
    return [...byName.values()];
  }

  async componentSource(component: string): Promise<ComponentSource | undefined> {
    const info = this.#library.find(component);
    if (info?.path === undefined) return undefined;
    const source = await this.#library.source(component);
    return { ...source, ...(this.namespace === undefined ? {} : { library: this.namespace }) };
  }

  status(): NetworkStatus {
    const { isStarted } = this.#coordinator;
    const uptimeSeconds = isStarted ? (performance.now() - this.#startedAtMs) / 1000 : 0;
    const isAnyLive = this.#coordinator.report().nodes.some(({ state }) => state === 'live' || state === 'degraded');
    return { started: isStarted, running: isStarted && isAnyLive, uptimeSeconds };
  }

  subscribe(listener: (event: NetworkEvent) => void): () => void {
    let last = JSON.stringify({ ...this.status(), uptimeSeconds: 0 });
    return this.#coordinator.subscribe((event) => {
      if (event.kind === 'participant') listener({ kind: 'component', component: this.#componentOf(event.definition) });
      if (event.kind !== 'report') return;
      const status = JSON.stringify({ ...this.status(), uptimeSeconds: 0 });
      if (status === last) return;
      last = status;
      listener({ kind: 'status' });
    });
  }

  #nameOf(component: string): string {
    return this.#library.find(component)?.name ?? component;
  }

  #componentOf({ component, label, icon, inports, outports }: Definition): ComponentInfo {
    return {
      name: this.#nameOf(component),
      ...(label === undefined ? {} : { description: label }),
      ...(icon === undefined ? {} : { icon }),
      inPorts: inports.filter(({ hidden }) => !hidden).map(portOf),
      outPorts: outports.filter(({ hidden }) => !hidden).map(portOf),
    };
  }
}

function portOf({ id, type, description, schema }: PortDefinition): ComponentPort {
  return {
    id,
    ...(type === undefined ? {} : { type }),
    ...(description === undefined ? {} : { description }),
    ...(schema === undefined ? {} : { schema }),
  };
}
