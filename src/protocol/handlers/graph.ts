import { type Command, command, type Exchange } from '../command.js';
import { editMessage } from '../edit-messages.js';
import { EDIT_REQUESTS, type EditRequest } from '../edit-requests.js';
import { graphOf } from '../graph-identity.js';
import type { NewGraph } from '../network.js';
import { anyPayload, name, object, optionalText } from '../schemas.js';

interface GraphRequest {
  readonly graph?: unknown;
}

interface ClearRequest {
  readonly id: string;
  readonly name?: string | null;
  readonly library?: string | null;
  readonly main?: boolean | null;
  readonly icon?: string | null;
  readonly description?: string | null;
}

const clearRequest = object(
  {
    id: name,
    name: optionalText,
    library: optionalText,
    main: { type: 'boolean', nullable: true },
    icon: optionalText,
    description: optionalText,
  },
  ['id'],
);

/**
 * The sub-protocol `graph`: changing the graph there is, or beginning another. Everything is done, told to the others and
 * answered in one go, so that all clients hear of all edits in the order in which they were made.
 */
export const graphCommands: Readonly<Record<string, Command>> = {
  clear: command<ClearRequest>(clearRequest, clear),
  ...Object.fromEntries(Object.entries(EDIT_REQUESTS).map(([name, request]) => [name, editCommand(request)])),
};

/** Answered with what was sent. */
function clear(asked: ClearRequest, { network, client, reply }: Exchange): void {
  const { id, main } = asked;
  const { name, ...words } = wordsOf(asked);
  const graph: NewGraph = { id, isMain: main ?? false, ...words };
  network.clear(graph, client);
  reply('clear', { id, ...(typeof main === 'boolean' && { main }), ...(name !== undefined && { name }), ...words });
}

/** Those that were given. */
function wordsOf({ name, library, icon, description }: ClearRequest): Partial<Record<keyof ClearRequest, string>> {
  const words = { name, library, icon, description };
  return Object.fromEntries(
    Object.entries(words).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}

/**
 * What goes with an edit, as the edges of a node that is removed, is told before it. The last is the answer: clients wait
 * for a message of the name of their request.
 */
function editCommand(request: EditRequest): Command {
  return {
    run(payload, check, { network, client, push, reply }) {
      const graph = graphOf(network, check<GraphRequest>(anyPayload, payload).graph);
      const asked = request(payload, check, network.graph());
      const told = network.edit(asked, client).flatMap((change) => editMessage(change, graph) ?? []);
      const answer = told.pop() ?? editMessage(asked, graph);
      for (const message of told) push(message.command, message.payload);
      if (answer) reply(answer.command, answer.payload);
    },
  };
}
