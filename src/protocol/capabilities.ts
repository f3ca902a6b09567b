/** What a client may do. A client refuses messages that its capabilities do not cover. */
export type Capability = keyof typeof CAPABILITIES;

const GRAPH_COMMANDS = [
  'graph:clear',
  'graph:addnode',
  'graph:removenode',
  'graph:renamenode',
  'graph:changenode',
  'graph:addedge',
  'graph:removeedge',
  'graph:changeedge',
  'graph:addinitial',
  'graph:removeinitial',
  'graph:addinport',
  'graph:removeinport',
  'graph:renameinport',
  'graph:addoutport',
  'graph:removeoutport',
  'graph:renameoutport',
  'graph:addgroup',
  'graph:removegroup',
  'graph:renamegroup',
  'graph:changegroup',
] as const;
const STATUS = ['network:status', 'network:started', 'network:stopped', 'network:error'] as const;
const DATA = [
  'network:edges',
  'network:output',
  'network:error',
  'network:data',
  'network:icon',
  'network:processerror',
] as const;
/** Beyond the standard: sent only to who asked by `network:watch`. */
const WATCH = ['network:watch', 'network:nodes', 'network:edgestates', 'network:queue'] as const;
const TRACE = ['trace:start', 'trace:stop', 'trace:clear', 'trace:dump'] as const;

/** Which messages each capability stands for. Source: the enumeration in the protocol's shared schema (0.8). */
const CAPABILITIES = {
  'protocol:runtime': {
    inputs: ['runtime:packet'],
    outputs: ['runtime:ports', 'runtime:packetsent', 'runtime:packet', 'runtime:error'],
  },
  'protocol:graph': { inputs: GRAPH_COMMANDS, outputs: [...GRAPH_COMMANDS, 'graph:error'] },
  'graph:readonly': { inputs: [], outputs: GRAPH_COMMANDS },
  'protocol:component': {
    inputs: ['component:list'],
    outputs: ['component:component', 'component:componentsready', 'component:error'],
  },
  'component:getsource': { inputs: ['component:getsource'], outputs: ['component:source', 'component:error'] },
  'component:setsource': { inputs: ['component:source'], outputs: ['component:component', 'component:error'] },
  'protocol:network': {
    inputs: ['network:start', 'network:getstatus', 'network:stop', 'network:debug', 'network:edges', 'network:watch'],
    outputs: [...STATUS, ...DATA, ...WATCH, 'network:debug'],
  },
  'network:status': { inputs: ['network:getstatus', 'network:watch'], outputs: [...STATUS, ...WATCH] },
  'network:control': {
    inputs: ['network:start', 'network:stop', 'network:getstatus', 'network:debug'],
    outputs: [...STATUS, 'network:debug'],
  },
  'network:data': { inputs: ['network:edges'], outputs: DATA },
  'network:persist': { inputs: ['network:persist'], outputs: ['network:persist', 'network:error'] },
  'protocol:trace': { inputs: TRACE, outputs: [...TRACE, 'trace:error'] },
} as const satisfies Record<string, { inputs: readonly string[]; outputs: readonly string[] }>;

/** All that works. Never more: editors show what is listed and believe it. */
export const OFFERED: readonly Capability[] = Object.keys(CAPABILITIES).filter(isCapability);

export function isCapability(name: string): name is Capability {
  return Object.hasOwn(CAPABILITIES, name);
}

/**
 * The messages, as `protocol:command`, that a client with these capabilities may be sent unasked. Editors fail the
 * command they are waiting for when something else arrives, so nothing else may be sent.
 */
export function receivable(held: readonly Capability[]): ReadonlySet<string> {
  return new Set(held.flatMap((capability): readonly string[] => CAPABILITIES[capability].outputs));
}

/** Whether a client with these capabilities may send the message. Everybody may ask what this is: `runtime:getruntime`. */
export function maySend(held: readonly Capability[], protocol: string, command: string): boolean {
  const name = `${protocol}:${command}`;
  return name === 'runtime:getruntime' || held.some((capability) => isInput(capability, name));
}

/** The capabilities any of which lets a client send the message. */
export function capabilitiesToSend(protocol: string, command: string): readonly Capability[] {
  return OFFERED.filter((capability) => isInput(capability, `${protocol}:${command}`));
}

function isInput(capability: Capability, name: string): boolean {
  const messages: readonly string[] = CAPABILITIES[capability].inputs;
  return messages.includes(name);
}
