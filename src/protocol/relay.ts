import { RequestError } from './errors.js';
import { isMainGraph } from './graph-identity.js';
import type { Network, RelayedMessage } from './network.js';
import type { Request } from './wire.js';

/** What is about the runtime as a whole, whatever graph a client names with it. */
const OURS: ReadonlySet<string> = new Set(['runtime:getruntime', 'component:list']);

/**
 * Hands a request on to the participant that speaks the protocol itself and whose graph it names; resolves to the
 * participant's answer. Undefined if the request is for us: it names the main graph, none, or one of no such participant.
 * @throws {MsgfloError} whose message is for the client, when the participant does not answer
 */
export function relayed(network: Network, request: Request): Promise<RelayedMessage> | undefined {
  const { protocol, command, payload } = request;
  const name = `${protocol}:${command}`;
  const graph = name === 'component:getsource' ? payload['name'] : payload['graph'];
  if (typeof graph !== 'string' || OURS.has(name) || isMainGraph(network, graph)) return undefined;
  return network.relay(graph, { protocol, command, payload })?.then((answer) => checked(answer, protocol));
}

/** Participants are peers: what they send is no more to be believed than what clients send. */
function checked(answer: RelayedMessage, protocol: string): RelayedMessage {
  const { secret: _, ...payload } = answer.payload;
  if (answer.protocol === protocol) return { ...answer, payload };
  throw new RequestError(`the participant answered with a message of another sub-protocol than '${protocol}'`);
}
