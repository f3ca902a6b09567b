import { impliedOutports } from '../coordinator/index.js';
import type { Definition, PortDefinition } from '../discovery/index.js';
import { type BindingKind, type Graph, type Node, VIRTUAL_COMPONENTS, virtualPorts } from '../graph/index.js';
import type { Library } from '../library/index.js';
import type { Role } from '../names.js';
import type { ComponentInfo, ComponentPort, ComponentSource } from '../protocol/index.js';

/** Components that were announced, most remembered. */
const MAX_ANNOUNCED = 20_000;

interface Sources {
  library(): Library;
  /** The definition that counts for each known role. */
  definitions(): readonly Definition[];
}

/**
 * The kinds of programs there are: those of the library, and those that participants announce. Ports are known only of what
 * was announced at least once, and stay known while it does not run.
 */
export class ComponentCatalog {
  readonly #sources: Sources;
  readonly #announced = new Map<string, { readonly info: ComponentInfo; readonly text: string }>();

  constructor(sources: Sources) {
    this.#sources = sources;
  }

  all(): readonly ComponentInfo[] {
    const byName = new Map<string, ComponentInfo>(
      VIRTUAL_COMPONENTS.map(({ name, kind }) => [name, virtualInfo(name, kind)]),
    );
    for (const { name } of this.#sources.library().components()) byName.set(name, this.#lastOf(name));
    for (const definition of this.#sources.definitions()) {
      const name = this.nameOf(definition.component);
      byName.set(name, this.#announced.get(name)?.info ?? this.#infoOf(definition));
    }
    return [...byName.values()];
  }

  /** Takes an announcement in. @returns its component, if that is new or other than before */
  announced(definition: Definition): ComponentInfo | undefined {
    const info = this.#infoOf(definition);
    const text = JSON.stringify(info);
    if (this.#announced.get(info.name)?.text === text) return undefined;
    if (this.#announced.size >= MAX_ANNOUNCED) this.#announced.clear();
    this.#announced.set(info.name, { info, text });
    return info;
  }

  /** A component by any of its names, as it was announced last; without ports where it never was. */
  find(component: string): ComponentInfo {
    const name = this.nameOf(component);
    return this.all().find((info) => info.name === name) ?? { name, inPorts: [], outPorts: [] };
  }

  /** Undefined where the project has no text of it. */
  async source(component: string): Promise<ComponentSource | undefined> {
    const library = this.#sources.library();
    const info = library.find(component);
    if (info?.path === undefined) return undefined;
    const source = await library.source(component);
    return { ...source, ...(library.namespace === undefined ? {} : { library: library.namespace }) };
  }

  /** The very name that the list of components gives, by which editors look it up. */
  nameOf(component: string): string {
    return this.#sources.library().find(component)?.name ?? component;
  }

  /** A graph for editors: with `roles`, discovered beside it, among its nodes, and all components by their full names. */
  shown(graph: Graph, roles: readonly Role[]): Graph {
    const nodes = graph.nodes.map((node) => ({ ...node, component: this.nameOf(node.component) }));
    return { ...graph, nodes: [...nodes, ...this.nodesOf(roles)] };
  }

  /** Discovered roles as nodes. */
  nodesOf(roles: readonly Role[]): readonly Node[] {
    if (roles.length === 0) return [];
    const components = new Map(this.#sources.definitions().map(({ role, component }) => [role, component]));
    return roles.map((role) => ({ role, component: this.nameOf(components.get(role) ?? '') }));
  }

  #lastOf(name: string): ComponentInfo {
    return this.#announced.get(name)?.info ?? { name, inPorts: [], outPorts: [] };
  }

  #infoOf(definition: Definition): ComponentInfo {
    const { component, label, icon, inports, outports } = definition;
    return {
      name: this.nameOf(component),
      ...(label === undefined ? {} : { description: label }),
      ...(icon === undefined ? {} : { icon }),
      inPorts: inports.filter(({ hidden }) => !hidden).map(portOf),
      outPorts: [...outports.filter(({ hidden }) => !hidden).map(portOf), ...deadLetterPorts(definition)],
    };
  }
}

const MEANING: Readonly<Record<BindingKind, string>> = {
  pubsub: 'What comes in goes to everybody behind it; no process, only a way to bind',
  roundrobin:
    'What comes in goes to one of those behind it, and what they cannot do to DEADLETTER; no process, only a way to bind',
};

function virtualInfo(name: string, kind: BindingKind): ComponentInfo {
  const { inports, outports } = virtualPorts(kind);
  const all = (ids: readonly string[]): ComponentPort[] => ids.map((id) => ({ id }));
  return { name, description: MEANING[kind], icon: 'random', inPorts: all(inports), outPorts: all(outports) };
}

/** Editors can draw an edge only from a port that they know: those of our participants are listed behind their own. */
function deadLetterPorts({ wiring, inports, outports }: Definition): ComponentPort[] {
  if (wiring !== 1) return [];
  const implied = impliedOutports({ inports: inports.filter(({ hidden }) => !hidden), outports }, false);
  return implied.map(({ id }) => ({ id, description: 'Dead letters, their reason in the headers', isImplied: true }));
}

function portOf({ id, type, description, schema }: PortDefinition): ComponentPort {
  return {
    id,
    ...(type === undefined ? {} : { type }),
    ...(description === undefined ? {} : { description }),
    ...(schema === undefined ? {} : { schema }),
  };
}
