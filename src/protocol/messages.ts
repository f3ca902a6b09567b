import type { ExportedPort, Graph } from '../graph/index.js';
import { mainGraphId } from './graph-identity.js';
import type { ComponentInfo, ComponentPort, Network } from './network.js';

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
  const { id, type = 'any', description, addressable = false, required = false, schema } = port;
  return {
    id,
    type,
    ...(description !== undefined && { description }),
    addressable,
    required,
    ...(typeof schema === 'string' && URL.canParse(schema) && { schema }),
  };
}

/**
 * The payload of `network:status`. The uptime is in whole seconds and left out before the first is full, since clients
 * that start a network and ask at once compare the answer with one that has none.
 */
export function statusMessage(network: Network, graph = mainGraphId(network)): object {
  const { started, running, uptimeSeconds } = network.status();
  const uptime = Math.floor(uptimeSeconds);
  return { graph, started, running, ...(started && uptime >= 1 && { uptime }) };
}

/** The payload of `runtime:ports`: the exported ports, each of the type that the port behind it has. */
export function portsMessage(network: Network): object {
  const graph = network.graph();
  const components = new Map(network.components().map((component) => [component.name, component]));
  return {
    graph: mainGraphId(network),
    inPorts: graph.inports.map((port) => exportedPort(port, componentBehind(port, graph, components)?.inPorts)),
    outPorts: graph.outports.map((port) => exportedPort(port, componentBehind(port, graph, components)?.outPorts)),
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
