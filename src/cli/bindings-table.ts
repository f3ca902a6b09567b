import type { PortRef } from '../names.js';
import type { BindingRow, BindingsReport, RoleSeen } from './bindings-report.js';
import { columns, printable } from './terminal-text.js';

/** A report as lines to read: a table of the bindings, then what is not connected, and who is there besides. */
export function bindingsTable(
  report: BindingsReport,
  { caseSensitive }: { readonly caseSensitive: boolean },
): string[] {
  const rows = [...report.bindings, ...report.foreign];
  const cells = rows.map((row) => [row.state, row.kind, queuesOf(row), edgeOf(row, caseSensitive), row.why ?? '']);
  const others = report.roles.filter(({ inGraph }) => inGraph !== true);
  return [
    ...(rows.length > 0 ? columns([['STATE', 'KIND', 'QUEUES', 'EDGE', ''], ...cells]) : ['no binding is known']),
    ...report.unconnected.map(({ role, port, direction, queue }) => {
      return `unconnected ${direction}port: ${shown({ role, port }, caseSensitive)} (${queue})`;
    }),
    ...report.silent.map((role) => `nobody has announced: ${role}`),
    ...others.map((one) => `${one.inGraph === undefined ? 'there' : 'not in the graph'}: ${roleOf(one)}`),
  ].map(printable);
}

function queuesOf({ source, target }: BindingRow): string {
  return `${source ?? '?'} -> ${target ?? '?'}`;
}

function edgeOf({ kind, from, to }: BindingRow, caseSensitive: boolean): string {
  if (from === undefined && to === undefined) return '';
  const source = from === undefined ? '?' : shown(from, caseSensitive);
  const target = to === undefined ? '?' : `${cased(to.port, caseSensitive)} ${to.role}`;
  return `${kind === 'deadletter' ? 'dead letters of ' : ''}${source} -> ${target}`;
}

function roleOf({ role, component, participants }: RoleSeen): string {
  return `${role} (${component})${participants.length > 1 ? ` x ${participants.length}` : ''}`;
}

const shown = ({ role, port }: PortRef, caseSensitive: boolean): string => `${role} ${cased(port, caseSensitive)}`;

/** As in a `.fbp` file. */
const cased = (port: string, caseSensitive: boolean): string => (caseSensitive ? port : port.toUpperCase());
