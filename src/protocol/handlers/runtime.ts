import { OFFERED } from '../capabilities.js';
import { type Command, command, type Exchange } from '../command.js';
import { anyPayload } from '../schemas.js';
import { PROTOCOL_VERSION, RUNTIME_TYPE } from '../wire.js';
import { packetCommand } from './packet.js';

/** The sub-protocol `runtime`: what this is, what it can do for the one who asks, and its exported ports. */
export const runtimeCommands: Readonly<Record<string, Command>> = {
  getruntime: command<object>(anyPayload, (_payload, exchange) => getRuntime(exchange)),
  packet: packetCommand,
};

function getRuntime(exchange: Exchange): void {
  const { network, client, services, capabilities, reply, introduce } = exchange;
  const { id, label } = network;
  const about = { id, label, type: RUNTIME_TYPE, version: PROTOCOL_VERSION };
  reply('runtime', {
    ...about,
    capabilities,
    allCapabilities: OFFERED,
    ...(capabilities.length > 0 && project(exchange)),
  });
  introduce();
  if (client.mayReceive('runtime', 'ports')) reply('ports', services.ports.payloadFor(client));
}

/** For those who may do anything at all: a stranger learns what to ask with which secret, and no more. */
function project({ network: { graphId, namespace, repository, repositoryVersion } }: Exchange): object {
  return {
    graph: graphId,
    ...(namespace !== undefined && { namespace }),
    ...(repository !== undefined && { repository }),
    ...(repositoryVersion !== undefined && { repositoryVersion }),
  };
}
