import { portNameIn } from '../../graph/index.js';
import type { PortName } from '../../names.js';
import { type Command, command, type Exchange } from '../command.js';
import { RequestError } from '../errors.js';
import { graphOf } from '../graph-identity.js';
import type { Network } from '../network.js';
import { name, object, optionalText } from '../schemas.js';
import { excerpt } from '../wire.js';

interface PacketRequest {
  readonly graph?: unknown;
  readonly port: string;
  readonly event: string;
  readonly payload?: unknown;
  readonly type?: string | null;
  readonly schema?: string | null;
}

const packetRequest = object(
  {
    port: name,
    event: { type: 'string', enum: ['connect', 'begingroup', 'data', 'endgroup', 'disconnect'] },
    type: optionalText,
    schema: optionalText,
  },
  ['port', 'event'],
);

/**
 * `runtime:packet`: a message for an exported inport. Answered when the broker has it. The brackets around data are
 * acknowledged and otherwise nothing: between processes there are only messages.
 */
export const packetCommand: Command = command<PacketRequest>(packetRequest, sendPacket);

async function sendPacket(packet: PacketRequest, { network, reply }: Exchange): Promise<void> {
  const graph = graphOf(network, packet.graph);
  const port = exportedInport(network, packet.port);
  if (packet.event === 'data') await network.sendPacket(port, packet.payload ?? null);
  reply('packetsent', { ...fieldsOf(packet), graph });
}

/** @throws {RequestError} saying which there are */
function exportedInport(network: Network, asked: string): PortName {
  const graph = network.graph();
  const wanted = portNameIn(graph, asked);
  const names = graph.inports.map((inport) => inport.name);
  const found = names.find((one) => portNameIn(graph, one) === wanted);
  if (found !== undefined) return found;
  throw new RequestError(`the graph exports no inport '${excerpt(asked)}'; it exports ${names.join(', ') || 'none'}`);
}

/** Only fields that the protocol knows. */
function fieldsOf({ port, event, payload, type, schema }: PacketRequest): object {
  return {
    port,
    event,
    ...(payload !== undefined && { payload }),
    ...(typeof type === 'string' && { type }),
    ...(typeof schema === 'string' && URL.canParse(schema) && { schema }),
  };
}
