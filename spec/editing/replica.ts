import type { Payload, Told } from './editor.js';

interface End {
  readonly node: string;
  readonly port: string;
  readonly index?: number;
}

type Metadata = Readonly<Record<string, unknown>>;

/** The fields of graph commands. */
interface GraphPayload {
  readonly id: string;
  readonly component: string;
  readonly metadata?: Metadata;
  readonly from: string;
  readonly to: string;
  readonly src: End & { readonly data?: unknown };
  readonly tgt: End;
  readonly public: string;
  readonly node: string;
  readonly port: string;
  readonly name: string;
  readonly nodes: readonly string[];
}

interface JsonEnd {
  readonly process: string;
  readonly port: string;
  readonly index?: number;
}

interface GraphJson {
  readonly processes?: Readonly<Record<string, { readonly component: string; readonly metadata?: Metadata }>>;
  readonly connections?: readonly {
    readonly src?: JsonEnd;
    readonly data?: unknown;
    readonly tgt: JsonEnd;
    readonly metadata?: Metadata;
  }[];
  readonly inports?: Readonly<Record<string, JsonEnd>>;
  readonly outports?: Readonly<Record<string, JsonEnd>>;
  readonly groups?: readonly {
    readonly name: string;
    readonly nodes: readonly string[];
    readonly metadata?: Metadata;
  }[];
}

interface Connection {
  src?: End;
  tgt: End;
  data?: unknown;
  metadata: Metadata;
}

/** A graph as a client knows it: read from its source once, and changed by what the client was told since. */
export class Replica {
  readonly #nodes = new Map<string, { component: string; metadata: Metadata }>();
  #connections: Connection[] = [];
  readonly #ports = { in: new Map<string, End>(), out: new Map<string, End>() };
  readonly #groups = new Map<string, { nodes: string[]; metadata: Metadata }>();

  /** @param json as `component:getsource` gives it */
  static read(json: string): Replica {
    const graph: GraphJson = JSON.parse(json);
    const replica = new Replica();
    for (const [id, { component, metadata = {} }] of Object.entries(graph.processes ?? {})) {
      replica.#nodes.set(id, { component, metadata });
    }
    replica.#connections = (graph.connections ?? []).map(({ src, tgt, data, metadata = {} }) => ({
      ...(src ? { src: endOf(src) } : { data }),
      tgt: endOf(tgt),
      metadata,
    }));
    for (const [name, end] of Object.entries(graph.inports ?? {})) replica.#ports.in.set(name, endOf(end));
    for (const [name, end] of Object.entries(graph.outports ?? {})) replica.#ports.out.set(name, endOf(end));
    for (const { name, nodes, metadata = {} } of graph.groups ?? []) {
      replica.#groups.set(name, { nodes: [...nodes], metadata });
    }
    return replica;
  }

  get nodes(): readonly string[] {
    return [...this.#nodes.keys()];
  }

  nodesOf(component: string): readonly string[] {
    return [...this.#nodes].flatMap(([id, node]) => (node.component === component ? [id] : []));
  }

  get edges(): readonly { readonly src: End; readonly tgt: End }[] {
    return this.#connections.flatMap(({ src, tgt }) => (src ? [{ src, tgt }] : []));
  }

  get iips(): readonly { readonly tgt: End }[] {
    return this.#connections.filter(({ src }) => !src);
  }

  get groups(): readonly string[] {
    return [...this.#groups.keys()];
  }

  exported(side: 'in' | 'out'): readonly string[] {
    return [...this.#ports[side].keys()];
  }

  /** Everything in an order of its own, to be compared with another. */
  value(): object {
    const sorted = <T>(map: ReadonlyMap<string, T>): object =>
      Object.fromEntries([...map].sort(([a], [b]) => (a < b ? -1 : 1)));
    const connections = this.#connections.map(({ src, tgt, data, metadata }) => ({
      src: src ?? { data },
      tgt,
      metadata,
    }));
    return {
      nodes: sorted(this.#nodes),
      connections: connections.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)),
      inports: sorted(this.#ports.in),
      outports: sorted(this.#ports.out),
      groups: sorted(this.#groups),
    };
  }

  /** Takes over what a message says of the graph; others are let by. */
  take({ protocol, command, payload }: Pick<Told, 'protocol' | 'command' | 'payload'>): void {
    if (protocol === 'graph') this.#change(command, fieldsOf(payload));
  }

  #change(command: string, given: GraphPayload): void {
    const { id, component, metadata = {}, from, to, src, tgt, name } = given;
    switch (command) {
      case 'addnode':
        this.#nodes.set(id, { component, metadata });
        return;
      case 'removenode':
        this.#removeNode(id);
        return;
      case 'renamenode':
        this.#renameNode(from, to);
        return;
      case 'changenode':
        this.#nodes.set(id, { component: this.#nodes.get(id)?.component ?? '?', metadata });
        return;
      case 'addedge':
        this.#connections.push({ src: plain(src), tgt: plain(tgt), metadata });
        return;
      case 'removeedge':
        this.#drop((one) => one.src !== undefined && isSame(one.src, src) && isSame(one.tgt, tgt));
        return;
      case 'changeedge':
        for (const one of this.#connections) {
          if (one.src !== undefined && isSame(one.src, src) && isSame(one.tgt, tgt)) one.metadata = metadata;
        }
        return;
      case 'addinitial':
        this.#connections.push({ data: src.data, tgt: plain(tgt), metadata });
        return;
      case 'removeinitial':
        this.#drop((one) => !one.src && isSame(one.tgt, tgt) && JSON.stringify(one.data) === JSON.stringify(src?.data));
        return;
      default:
        this.#changePortOrGroup(command, given);
        if (command === 'removegroup') this.#groups.delete(name);
    }
  }

  #changePortOrGroup(
    command: string,
    { from, to, name, nodes, node, port, metadata = {}, ...given }: GraphPayload,
  ): void {
    const match = /^(add|remove|rename)(in|out)port$/.exec(command);
    if (match) {
      const ports = match[2] === 'in' ? this.#ports.in : this.#ports.out;
      if (match[1] === 'add') ports.set(given.public, { node, port });
      else if (match[1] === 'remove') ports.delete(given.public);
      else rename(ports, from, to);
      return;
    }
    if (command === 'addgroup') this.#groups.set(name, { nodes: [...nodes], metadata });
    if (command === 'renamegroup') rename(this.#groups, from, to);
    if (command === 'changegroup') this.#groups.set(name, { nodes: this.#groups.get(name)?.nodes ?? [], metadata });
  }

  /** Whatever hangs on the node goes with it, as in the graphs of editors. */
  #removeNode(id: string): void {
    this.#nodes.delete(id);
    this.#connections = this.#connections.filter(({ src, tgt }) => src?.node !== id && tgt.node !== id);
    for (const ports of Object.values(this.#ports)) {
      for (const [name, { node }] of ports) if (node === id) ports.delete(name);
    }
    for (const group of this.#groups.values()) group.nodes = group.nodes.filter((node) => node !== id);
  }

  #renameNode(from: string, to: string): void {
    rename(this.#nodes, from, to);
    const renamed = (end: End): End => (end.node === from ? { ...end, node: to } : end);
    for (const one of this.#connections) {
      if (one.src) one.src = renamed(one.src);
      one.tgt = renamed(one.tgt);
    }
    for (const ports of Object.values(this.#ports)) for (const [name, end] of ports) ports.set(name, renamed(end));
    for (const group of this.#groups.values()) group.nodes = group.nodes.map((node) => (node === from ? to : node));
  }

  /** The latest of those that match. */
  #drop(isMeant: (one: Connection) => boolean): void {
    const at = this.#connections.findLastIndex(isMeant);
    if (at >= 0) this.#connections.splice(at, 1);
  }
}

function fieldsOf(payload: Payload): GraphPayload {
  const text: GraphPayload = JSON.parse(JSON.stringify(payload));
  return text;
}

function endOf({ process, port, index }: JsonEnd): End {
  return plain({ node: process, port, ...(index === undefined ? {} : { index }) });
}

function plain({ node, port, index }: End): End {
  return { node, port, ...(index === undefined || index === null ? {} : { index }) };
}

function isSame(a: End, b: End): boolean {
  return JSON.stringify(plain(a)) === JSON.stringify(plain(b));
}

function rename<T>(map: Map<string, T>, from: string, to: string): void {
  const value = map.get(from);
  if (value === undefined) return;
  map.delete(from);
  map.set(to, value);
}
