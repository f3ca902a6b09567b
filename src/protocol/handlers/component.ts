import { stringify } from 'yaml';
import { messageOf } from '../../errors.js';
import type { Graph } from '../../graph/index.js';
import { type Command, command, type Exchange } from '../command.js';
import { RequestError } from '../errors.js';
import { isMainGraph, splitName } from '../graph-identity.js';
import { graphForEditors } from '../graph-source.js';
import { componentMessage } from '../messages.js';
import type { ComponentInfo, ComponentPort, ComponentSource, Network } from '../network.js';
import { anyPayload, name, object } from '../schemas.js';
import { excerpt } from '../wire.js';

interface SourceRequest {
  readonly name: string;
}

interface NewSource {
  readonly name: string;
  readonly library?: string | null;
  readonly language: string;
  readonly code: string;
}

const sourceRequest = object({ name }, ['name']);
const newSource = object(
  { name, library: { ...name, minLength: 0, nullable: true }, language: name, code: { type: 'string' } },
  ['name', 'language', 'code'],
);

/** The sub-protocol `component`: what there is to build graphs from, and how it is written. */
export const componentCommands: Readonly<Record<string, Command>> = {
  list: command<object>(anyPayload, (_payload, exchange) => list(exchange)),
  getsource: command<SourceRequest>(sourceRequest, getSource),
  source: command<NewSource>(newSource, setSource),
};

function list({ network, reply }: Exchange): void {
  const components = network.components();
  for (const component of components) reply('component', componentMessage(component));
  reply('componentsready', components.length);
}

/** Editors fetch every component of the project and show no graph at all if one fails: what is known is answered. */
async function getSource({ name }: SourceRequest, { network, reply, warn }: Exchange): Promise<void> {
  if (isMainGraph(network, name)) return replyGraph(network, name, reply);
  let source: ComponentSource | undefined;
  try {
    source = await network.componentSource(name);
  } catch (error) {
    warn(`the source of component '${excerpt(name)}' cannot be read: ${messageOf(error)}`);
  }
  source ??= definitionSource(network, name);
  if (!source) throw new RequestError(`there is no component '${excerpt(name)}'`);
  const { library, language, code } = source;
  reply('source', { name: source.name, ...(library !== undefined && { library }), language, code });
}

/** Edits can come all the time. */
const MAX_TRIES = 10;

/** An edit that the client is told of while the text is made must be in the text: editors believe what comes last. */
async function replyGraph(network: Network, asked: string, reply: Exchange['reply']): Promise<void> {
  let graph: Graph | undefined;
  let source = '';
  for (let tries = 0; tries < MAX_TRIES && graph !== network.graph(); tries += 1) {
    graph = network.graph();
    const making = network.graphSource();
    source = typeof making === 'string' ? making : await making;
  }
  reply('source', { ...splitName(asked), language: 'json', code: graphForEditors(source) });
}

/** Answered with the component, as editors expect; to the others it is a change like any other. */
async function setSource({ name, library, language, code }: NewSource, { network, reply }: Exchange): Promise<void> {
  const full = library ? { name, library } : splitName(name);
  reply('component', componentMessage(await network.setComponentSource({ ...full, language, code })));
}

/** The definition of a component whose program cannot be shown, as YAML. */
function definitionSource(network: Network, name: string): ComponentSource | undefined {
  const component = network.components().find((one) => one.name === name);
  return component && { ...splitName(name), language: 'yaml', code: stringify(definitionOf(component)) };
}

function definitionOf({ name, description, icon, inPorts, outPorts }: ComponentInfo): object {
  return {
    component: name,
    ...(description !== undefined && { label: description }),
    ...(icon !== undefined && { icon }),
    inports: portsOf(inPorts),
    outports: portsOf(outPorts.filter(({ isImplied }) => !isImplied)),
  };
}

function portsOf(ports: readonly ComponentPort[]): object {
  return Object.fromEntries(
    ports.map(({ id, type = 'any', description }) => [id, { type, ...(description !== undefined && { description }) }]),
  );
}
