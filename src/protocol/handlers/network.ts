import { type Command, command } from '../command.js';
import { graphOf } from '../graph-identity.js';
import { statusMessage } from '../messages.js';
import { anyPayload } from '../schemas.js';

interface GraphRequest {
  readonly graph?: unknown;
}

/** The sub-protocol `network`: how the network is doing. */
export const networkCommands: Readonly<Record<string, Command>> = {
  getstatus: command<GraphRequest>(anyPayload, ({ graph }, { network, reply }) => {
    reply('status', statusMessage(network, graphOf(network, graph)));
  }),
};
