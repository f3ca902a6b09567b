import { type Command, command, type Exchange } from '../command.js';
import { RequestError } from '../errors.js';
import { graphOf } from '../graph-identity.js';
import { anyPayload, object } from '../schemas.js';
import { MAX_TRACE_BYTES } from '../tracer.js';

interface GraphRequest {
  readonly graph?: unknown;
}

interface StartRequest extends GraphRequest {
  readonly buffersize?: number | null;
}

interface DumpRequest extends GraphRequest {
  readonly type: string;
}

const startRequest = object({
  buffersize: { type: 'integer', minimum: 1, maximum: MAX_TRACE_BYTES, nullable: true },
});
const dumpRequest = object({ type: { type: 'string', enum: ['flowtrace.json'] } }, ['type']);

/** The sub-protocol `trace`: a record of what went on, one for all clients, to be looked at afterwards. */
export const traceCommands: Readonly<Record<string, Command>> = {
  start: command<StartRequest>(startRequest, start),
  stop: command<GraphRequest>(anyPayload, ({ graph }, { network, services, reply }) => {
    const asked = graphOf(network, graph);
    services.tracer.stop();
    reply('stop', { graph: asked });
  }),
  clear: command<GraphRequest>(anyPayload, ({ graph }, { network, services, reply }) => {
    const asked = graphOf(network, graph);
    services.tracer.clear();
    reply('clear', { graph: asked });
  }),
  dump: command<DumpRequest>(dumpRequest, dump),
};

function start({ graph, buffersize }: StartRequest, { network, services, reply }: Exchange): void {
  const asked = graphOf(network, graph);
  services.tracer.start(buffersize ?? undefined);
  reply('start', { graph: asked, ...(typeof buffersize === 'number' && { buffersize }) });
}

async function dump({ graph, type }: DumpRequest, { network, services, reply }: Exchange): Promise<void> {
  const asked = graphOf(network, graph);
  const { tracer } = services;
  if (!tracer.hasBegun) throw new RequestError('nothing was traced: trace:start begins a trace');
  reply('dump', { graph: asked, type, flowtrace: await tracer.dump() });
}
