/** What a runtime can do for a client. A client refuses messages that its capabilities do not cover. */
export type Capability = keyof typeof CAPABILITIES;

/** Which messages each capability stands for. Source: the enumeration in the protocol's shared schema. */
const CAPABILITIES = {
  'protocol:component': {
    inputs: ['component:list'],
    outputs: ['component:component', 'component:componentsready', 'component:error'],
  },
  'component:getsource': {
    inputs: ['component:getsource'],
    outputs: ['component:source', 'component:error'],
  },
  'network:status': {
    inputs: ['network:getstatus'],
    outputs: ['network:status', 'network:started', 'network:stopped', 'network:error'],
  },
  'protocol:runtime': {
    inputs: ['runtime:packet'],
    outputs: ['runtime:ports', 'runtime:packetsent', 'runtime:packet', 'runtime:error'],
  },
} as const satisfies Record<string, { inputs: readonly string[]; outputs: readonly string[] }>;

/** All that works. Never more: editors show what is listed and believe it. */
export const OFFERED: readonly Capability[] = ['protocol:component', 'component:getsource', 'network:status'];

/**
 * Whether a client with these capabilities may be sent the message. Editors fail the command they are waiting for when
 * something arrives that they hold no capability for, so nothing of the kind may be sent unasked.
 */
export function mayReceive(held: readonly Capability[], protocol: string, command: string): boolean {
  const name = `${protocol}:${command}`;
  return held.some((capability) => {
    const outputs: readonly string[] = CAPABILITIES[capability].outputs;
    return outputs.includes(name);
  });
}
