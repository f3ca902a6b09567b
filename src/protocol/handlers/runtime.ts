import { mayReceive, OFFERED } from '../capabilities.js';
import { type Command, command, type Exchange } from '../command.js';
import { mainGraphId } from '../graph-identity.js';
import { portsMessage } from '../messages.js';
import { anyPayload } from '../schemas.js';
import { PROTOCOL_VERSION, RUNTIME_TYPE } from '../wire.js';

/** The sub-protocol `runtime`: what this is, and what it can do for the one who asks. */
export const runtimeCommands: Readonly<Record<string, Command>> = {
  getruntime: command<object>(anyPayload, (_payload, exchange) => getRuntime(exchange)),
};

function getRuntime({ network, capabilities, reply, watch }: Exchange): void {
  const { id, label, namespace, repository } = network;
  reply('runtime', {
    id,
    label,
    type: RUNTIME_TYPE,
    version: PROTOCOL_VERSION,
    capabilities,
    allCapabilities: OFFERED,
    graph: mainGraphId(network),
    ...(namespace !== undefined && { namespace }),
    ...(repository !== undefined && { repository }),
  });
  if (mayReceive(capabilities, 'runtime', 'ports')) reply('ports', portsMessage(network));
  watch();
}
