import type { ExportedPort, Graph } from '../graph/index.js';
import type { ComponentInfo, ComponentPort, Network, NetworkStatus } from './network.js';

/** The payload of `component:component`. Only fields that the protocol knows: clients refuse others. */
export function componentMessage(component: ComponentInfo): object {
  const { name, description, icon, inPorts, outPorts } = component;
  return {
    name,
    ...(description !== undefined && { description }),
    ...(icon !== undefined && { icon }),
    subgraph: false,
    inPorts: inPorts.map(portMessage),
    outPorts: outPorts.map(portMessage),
  };
}

function portMessage(port: ComponentPort): object {
  const { id, type = 'any', description, addressable = false, required = false } = port;
  const schema = addressOf(port.schema);
  return {
    id,
    type,
    ...(description !== undefined && { description }),
    addressable,
    required,
    ...(schema !== undefined && { schema }),
  };
}

/** The protocol knows schemas by their address alone: one that is given in full is its own. */
function addressOf(schema: ComponentPort['schema']): string | undefined {
  if (typeof schema === 'object') return `data:application/schema+json,${encodeURIComponent(JSON.stringify(schema))}`;
  return schema !== undefined && URL.canParse(schema) ? schema : undefined;
}

/** The payload of `network:status`. */
export function statusMessage({ started, running, uptimeSeconds, debug }: NetworkStatus, graph: string): object {
  return { graph, started, running, ...(started && uptimeOf(uptimeSeconds)), ...(debug && { debug }) };
}

/** The payload of `network:started`. A network that was just started counts as running: its processes begin. */
export function startedMessage(graph: string): object {
  return { graph, started: true, running: true, time: new Date().toISOString() };
}

/** The payload of `network:stopped`, after so many seconds, where that is known. */
export function stoppedMessage(graph: string, uptimeSeconds = 0): object {
  return { graph, started: false, running: false, time: new Date().toISOString(), ...uptimeOf(uptimeSeconds) };
}

/**
 * In whole seconds and left out before the first is full, since clients that start a network and ask at once compare the
 * answer with one that has none.
 */
function uptimeOf(seconds: number): { readonly uptime?: number } {
  const uptime = Math.floor(seconds);
  return uptime >= 1 ? { uptime } : {};
}

/** The payload of `runtime:ports`: the exported ports, each of the type that the port behind it has. */
export function portsMessage(network: Network): object {
  const graph = network.graph();
  const { inports, outports } = graph;
  // Asked for after each edit: a graph that exports nothing should not cost a look at all components.
  const known = inports.length + outports.length > 0 ? network.components() : [];
  const components = new Map(known.map((component) => [component.name, component]));
  return {
    graph: network.graphId,
    inPorts: inports.map((port) => exportedPort(port, componentBehind(port, graph, components)?.inPorts)),
    outPorts: outports.map((port) => exportedPort(port, componentBehind(port, graph, components)?.outPorts)),
  };
}

function componentBehind(
  { target }: ExportedPort,
  graph: Graph,
  components: ReadonlyMap<string, ComponentInfo>,
): ComponentInfo | undefined {
  const node = graph.nodes.find(({ role }) => role === target.role);
  return node && components.get(node.component);
}

function exportedPort({ name, target }: ExportedPort, ports: readonly ComponentPort[] = []): object {
  const behind = ports.find(({ id }) => id === target.port);
  return portMessage({ ...behind, id: name });
}
