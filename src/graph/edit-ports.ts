import type { PortName } from '../names.js';
import { withoutNullMetadata } from './decorated.js';
import type { Edit, Edited, EditOf, ExportSide } from './edit.js';
import { knownPort } from './edit-checks.js';
import { shown } from './edit-text.js';
import { EditRefusedError } from './errors.js';
import type { ExportedPort, Graph } from './model.js';

export function addPort(graph: Graph, edit: EditOf<'add-port'>): Edited {
  const { side } = edit;
  const port = withoutNullMetadata(edit.port);
  checkFree(graph, port.name, edit);
  knownPort(graph, port.target, side, edit);
  return { graph: withPorts(graph, side, [...portsOf(graph, side), port]), changes: [{ do: 'add-port', side, port }] };
}

export function removePort(graph: Graph, edit: EditOf<'remove-port'>): Edited {
  const { side, name } = edit;
  checkKnown(graph, name, edit);
  const ports = portsOf(graph, side).filter((port) => port.name !== name);
  return { graph: withPorts(graph, side, ports), changes: [edit] };
}

export function renamePort(graph: Graph, edit: EditOf<'rename-port'>): Edited {
  const { side, from, to } = edit;
  checkKnown(graph, from, edit);
  checkFree(graph, to, edit);
  const ports = portsOf(graph, side).map((port) => (port.name === from ? { ...port, name: to } : port));
  return { graph: withPorts(graph, side, ports), changes: [edit] };
}

type PortEdit = Edit & { readonly side: ExportSide };

function checkKnown(graph: Graph, name: PortName, edit: PortEdit): void {
  if (!portsOf(graph, edit.side).some((port) => port.name === name))
    throw new EditRefusedError(edit, `the graph exports no ${edit.side} '${shown(name)}'`);
}

function checkFree(graph: Graph, name: PortName, edit: PortEdit): void {
  if (name === '') throw new EditRefusedError(edit, 'the name is empty');
  if (portsOf(graph, edit.side).some((port) => port.name === name))
    throw new EditRefusedError(edit, `the graph exports an ${edit.side} '${shown(name)}' already`);
}

const portsOf = ({ inports, outports }: Graph, side: ExportSide): readonly ExportedPort[] =>
  side === 'inport' ? inports : outports;

const withPorts = (graph: Graph, side: ExportSide, ports: readonly ExportedPort[]): Graph =>
  side === 'inport' ? { ...graph, inports: ports } : { ...graph, outports: ports };
