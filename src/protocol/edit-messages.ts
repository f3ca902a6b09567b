import type { Edge, Edit, Iip } from '../graph/index.js';
import { type EndMessage, endMessage } from './edge-ends.js';
import { edgeMetadata, groupMetadata, nodeMetadata } from './metadata.js';

/** A message of the sub-protocol `graph`. */
export interface EditMessage {
  readonly command: string;
  readonly payload: object;
}

/** An edit as clients are told of it, about the graph of that id. Undefined for what the protocol has no message for. */
export function editMessage(edit: Edit, graph: string): EditMessage | undefined {
  const told = toldOf(edit);
  return told && { command: told[0], payload: { ...told[1], graph } };
}

/** Only fields that the protocol knows, since clients refuse others. */
function toldOf(edit: Edit): readonly [command: string, fields: object] | undefined {
  switch (edit.do) {
    case 'add-node': {
      const { role, component, metadata } = edit.node;
      return ['addnode', { id: role, component, metadata: nodeMetadata(metadata) }];
    }
    case 'remove-node':
      return ['removenode', { id: edit.role }];
    case 'rename-node':
      return ['renamenode', { from: edit.from, to: edit.to }];
    case 'change-node':
      return ['changenode', { id: edit.role, metadata: nodeMetadata(edit.metadata) }];
    case 'add-edge':
      return ['addedge', { ...ends(edit.edge), metadata: edgeMetadata(edit.edge.metadata) }];
    case 'remove-edge':
      return ['removeedge', ends(edit)];
    case 'change-edge':
      return ['changeedge', { ...ends(edit), metadata: edgeMetadata(edit.metadata) }];
    case 'add-iip':
      return ['addinitial', { ...iipEnds(edit.iip), metadata: edgeMetadata(edit.iip.metadata) }];
    case 'remove-iip':
      return ['removeinitial', iipEnds(edit)];
    case 'add-port': {
      const { name, target, metadata } = edit.port;
      const port = { public: name, node: target.role, port: target.port };
      return [`add${edit.side}`, { ...port, ...(metadata && { metadata: nodeMetadata(metadata) }) }];
    }
    case 'remove-port':
      return [`remove${edit.side}`, { public: edit.name }];
    case 'rename-port':
      return [`rename${edit.side}`, { from: edit.from, to: edit.to }];
    case 'add-group': {
      const { name, roles, metadata } = edit.group;
      return ['addgroup', { name, nodes: roles, metadata: groupMetadata(metadata) }];
    }
    case 'remove-group':
      return ['removegroup', { name: edit.name }];
    case 'rename-group':
      return ['renamegroup', { from: edit.from, to: edit.to }];
    case 'change-group':
      return ['changegroup', { name: edit.name, metadata: groupMetadata(edit.metadata) }];
    case 'change-graph':
      return undefined;
  }
}

function ends({ from, to }: Pick<Edge, 'from' | 'to'>): { readonly src: EndMessage; readonly tgt: EndMessage } {
  return { src: endMessage(from), tgt: endMessage(to) };
}

function iipEnds({ data, to }: Pick<Iip, 'to'> & { readonly data?: unknown }): object {
  return { src: { data: data ?? null }, tgt: endMessage(to) };
}
