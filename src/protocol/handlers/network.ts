import { type Command, command, type Exchange } from '../command.js';
import { type EndMessage, endMessage, endOf } from '../edge-ends.js';
import { RequestError } from '../errors.js';
import { graphOf } from '../graph-identity.js';
import { startedMessage, statusMessage, stoppedMessage } from '../messages.js';
import { anyPayload, end, object } from '../schemas.js';

interface GraphRequest {
  readonly graph?: unknown;
}

interface EnableRequest extends GraphRequest {
  readonly enable: boolean;
}

interface EdgesRequest extends GraphRequest {
  readonly edges: readonly { readonly src: EndMessage; readonly tgt: EndMessage }[];
}

const enableRequest = object({ enable: { type: 'boolean' } }, ['enable']);
const edgesRequest = object({ edges: { type: 'array', items: object({ src: end, tgt: end }, ['src', 'tgt']) } }, [
  'edges',
]);

/** The sub-protocol `network`: running it, how it is doing, and what goes over its edges. */
export const networkCommands: Readonly<Record<string, Command>> = {
  start: command<GraphRequest>(anyPayload, start),
  stop: command<GraphRequest>(anyPayload, stop),
  getstatus: command<GraphRequest>(anyPayload, async ({ graph }, { network, reply }) => {
    const asked = graphOf(network, graph);
    reply('status', statusMessage(await network.status(), asked));
  }),
  debug: command<EnableRequest>(enableRequest, debug),
  edges: command<EdgesRequest>(edgesRequest, selectEdges),
  persist: command<object>(anyPayload, async (_payload, { network, reply }) => {
    await network.persist();
    reply('persist', {});
  }),
  watch: command<EnableRequest>(enableRequest, watch),
};

/** Who starts it looks at its data from the first message on, so that is said first. */
function start({ graph }: GraphRequest, { network, services, client, reply }: Exchange): void {
  const asked = graphOf(network, graph);
  services.feed.startedBy(client);
  network.setStarted(true, client);
  reply('started', startedMessage(asked));
}

function stop({ graph }: GraphRequest, { network, client, reply }: Exchange): void {
  const asked = graphOf(network, graph);
  const { uptimeSeconds } = network;
  network.setStarted(false, client);
  reply('stopped', stoppedMessage(asked, uptimeSeconds));
}

function debug({ graph, enable }: EnableRequest, { network, services, reply }: Exchange): void {
  const asked = graphOf(network, graph);
  network.setDebug(enable);
  services.feed.setDebug(enable);
  reply('debug', { graph: asked, enable });
}

function selectEdges({ graph, edges }: EdgesRequest, { network, services, client, reply }: Exchange): void {
  const asked = graphOf(network, graph);
  const chosen = edges.map(({ src, tgt }) => ({ from: endOf(src, network.graph()), to: endOf(tgt, network.graph()) }));
  services.feed.select(client, chosen);
  reply('edges', {
    graph: asked,
    edges: chosen.map(({ from, to }) => ({ src: endMessage(from), tgt: endMessage(to) })),
  });
}

/** Beyond the standard: what is told from then on is told to nobody who did not ask for it. */
function watch({ graph, enable }: EnableRequest, { network, services, client, reply }: Exchange): void {
  const asked = graphOf(network, graph);
  if (enable && !client.mayReceive('network', 'nodes')) {
    throw new RequestError('nothing can be told before runtime:getruntime, by whose capabilities it goes');
  }
  reply('watch', { graph: asked, enable });
  if (enable) services.watchers.watch(client, asked);
  else services.watchers.unwatch(client);
}
