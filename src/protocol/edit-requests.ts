import type { SchemaObject } from 'ajv';
import { type Edit, type ExportSide, type Graph, type Metadata, portNameIn } from '../graph/index.js';
import { asRole } from '../names.js';
import { type EndMessage, endOf } from './edge-ends.js';
import type { PayloadCheck } from './payload-check.js';
import { end, metadata, name, object } from './schemas.js';

/** Makes the payload of a `graph` command into the edit it asks for. @throws {RequestError} saying what does not fit */
export type EditRequest = (payload: unknown, check: PayloadCheck, graph: Graph) => Edit;

interface Annotated {
  readonly metadata?: Metadata;
}
interface Named {
  readonly name: string;
}
interface Renamed {
  readonly from: string;
  readonly to: string;
}
interface NodePayload extends Annotated {
  readonly id: string;
}
interface NewNode extends NodePayload {
  readonly component: string;
}
interface EdgePayload extends Annotated {
  readonly src: EndMessage;
  readonly tgt: EndMessage;
}
interface IipPayload extends Annotated {
  readonly src: { readonly data: unknown };
  readonly tgt: EndMessage;
}
interface NewPort extends Annotated {
  readonly public: string;
  readonly node: string;
  readonly port: string;
}
interface NewGroup extends Named, Annotated {
  readonly nodes: readonly string[];
}

const renamed = object({ from: name, to: name }, ['from', 'to']);
const data = object({}, ['data']);

/** The commands that change something in the graph there is. Ports are spelled as the graph spells them. */
export const EDIT_REQUESTS: Readonly<Record<string, EditRequest>> = {
  addnode: edit<NewNode>(
    object({ id: name, component: { ...name, minLength: 0 }, metadata }, ['id', 'component']),
    (node) => ({
      do: 'add-node',
      node: { role: asRole(node.id), component: node.component, ...given(node.metadata) },
    }),
  ),
  removenode: edit<NodePayload>(object({ id: name }, ['id']), ({ id }) => ({ do: 'remove-node', role: asRole(id) })),
  renamenode: edit<Renamed>(renamed, ({ from, to }) => ({ do: 'rename-node', from: asRole(from), to: asRole(to) })),
  changenode: edit<Required<NodePayload>>(object({ id: name, metadata }, ['id', 'metadata']), (node) => ({
    do: 'change-node',
    role: asRole(node.id),
    metadata: node.metadata,
  })),
  addedge: edit<EdgePayload>(object({ src: end, tgt: end, metadata }, ['src', 'tgt']), (edge, graph) => ({
    do: 'add-edge',
    edge: { ...endsOf(edge, graph), ...given(edge.metadata) },
  })),
  removeedge: edit<EdgePayload>(object({ src: end, tgt: end }, ['src', 'tgt']), (edge, graph) => ({
    do: 'remove-edge',
    ...endsOf(edge, graph),
  })),
  changeedge: edit<EdgePayload>(object({ src: end, tgt: end, metadata }, ['src', 'tgt']), (edge, graph) => ({
    do: 'change-edge',
    ...endsOf(edge, graph),
    metadata: edge.metadata ?? {},
  })),
  addinitial: edit<IipPayload>(object({ src: data, tgt: end, metadata }, ['src', 'tgt']), (iip, graph) => ({
    do: 'add-iip',
    iip: { data: iip.src.data, to: endOf(iip.tgt, graph), ...given(iip.metadata) },
  })),
  removeinitial: edit<Partial<IipPayload> & Pick<IipPayload, 'tgt'>>(
    object({ src: data, tgt: end }, ['tgt']),
    ({ src, tgt }, graph) => ({ do: 'remove-iip', to: endOf(tgt, graph), ...(src && { data: src.data }) }),
  ),
  addgroup: edit<NewGroup>(
    object({ name, nodes: { type: 'array', items: name }, metadata }, ['name', 'nodes']),
    (group) => ({
      do: 'add-group',
      group: { name: group.name, roles: group.nodes.map(asRole), ...given(group.metadata) },
    }),
  ),
  removegroup: edit<Named>(object({ name }, ['name']), (group) => ({ do: 'remove-group', name: group.name })),
  renamegroup: edit<Renamed>(renamed, ({ from, to }) => ({ do: 'rename-group', from, to })),
  changegroup: edit<Named & Required<Annotated>>(object({ name, metadata }, ['name', 'metadata']), (group) => ({
    do: 'change-group',
    name: group.name,
    metadata: group.metadata,
  })),
  ...portRequests('inport'),
  ...portRequests('outport'),
};

function portRequests(side: ExportSide): Readonly<Record<string, EditRequest>> {
  const added = object({ public: name, node: name, port: name, metadata }, ['public', 'node', 'port']);
  return {
    [`add${side}`]: edit<NewPort>(added, (port, graph) => {
      const target = { role: asRole(port.node), port: portNameIn(graph, port.port) };
      return {
        do: 'add-port',
        side,
        port: { name: portNameIn(graph, port.public), target, ...given(port.metadata) },
      };
    }),
    [`remove${side}`]: edit<Pick<NewPort, 'public'>>(object({ public: name }, ['public']), (port, graph) => ({
      do: 'remove-port',
      side,
      name: portNameIn(graph, port.public),
    })),
    [`rename${side}`]: edit<Renamed>(renamed, ({ from, to }, graph) => ({
      do: 'rename-port',
      side,
      from: portNameIn(graph, from),
      to: portNameIn(graph, to),
    })),
  };
}

function edit<P>(schema: SchemaObject, read: (payload: P, graph: Graph) => Edit): EditRequest {
  return (payload, check, graph) => read(check<P>(schema, payload), graph);
}

function endsOf({ src, tgt }: EdgePayload, graph: Graph): Pick<Extract<Edit, { do: 'remove-edge' }>, 'from' | 'to'> {
  return { from: endOf(src, graph), to: endOf(tgt, graph) };
}

function given(metadata: Metadata | undefined): Annotated {
  return metadata ? { metadata } : {};
}
