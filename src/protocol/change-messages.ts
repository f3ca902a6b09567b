import { editMessage } from './edit-messages.js';
import { componentMessage, startedMessage, stoppedMessage } from './messages.js';
import type { Network, NetworkEvent } from './network.js';
import type { Outgoing } from './wire.js';

const CHANGES = ['component', 'edited', 'cleared', 'started', 'stopped', 'ports'] as const;

/** What everybody is told of, whatever they look at. */
export type NetworkChange = Extract<NetworkEvent, { readonly kind: (typeof CHANGES)[number] }>;

export function isChange(event: NetworkEvent): event is NetworkChange {
  return CHANGES.some((kind) => kind === event.kind);
}

/** The messages of a change, in order; the exported ports are told beside them. */
export function changeMessages(change: NetworkChange, network: Network): readonly Outgoing[] {
  const { graphId } = network;
  switch (change.kind) {
    case 'component':
      return [{ protocol: 'component', command: 'component', payload: componentMessage(change.component) }];
    case 'edited':
      return change.changes
        .flatMap((edit) => editMessage(edit, graphId) ?? [])
        .map((message): Outgoing => ({ protocol: 'graph', ...message }));
    case 'cleared': {
      const { name } = network.graph();
      return [{ protocol: 'graph', command: 'clear', payload: { id: graphId, main: true, name } }];
    }
    case 'started':
      return [{ protocol: 'network', command: 'started', payload: startedMessage(graphId) }];
    case 'stopped':
      return [{ protocol: 'network', command: 'stopped', payload: stoppedMessage(graphId, change.uptimeSeconds) }];
    case 'ports':
      return [];
  }
}
