import { Ajv, type ValidateFunction } from 'ajv';
import type { OutputLine, ProcessSpec, ProcessState } from './model.js';

/**
 * What keeper and coordinator say to each other over Node's channel for messages between parent and child.
 * The coordinator asks, with an id of its own; the keeper answers each, and tells of changes and output unasked.
 */
export type KeeperRequest =
  | { readonly keeper: 1; readonly id: number; readonly call: 'list' }
  | { readonly keeper: 1; readonly id: number; readonly call: 'start'; readonly spec: ProcessSpec }
  | { readonly keeper: 1; readonly id: number; readonly call: 'stop'; readonly key: string };

export type KeeperReport =
  | { readonly keeper: 1; readonly re: number; readonly states?: readonly ProcessState[] }
  | { readonly keeper: 1; readonly re: number; readonly error: { readonly code: string; readonly message: string } }
  | { readonly keeper: 1; readonly change: ProcessState }
  | { readonly keeper: 1; readonly output: OutputLine };

/** One end of the channel: a child process as its parent sees it, or `process` in the child. */
export interface IpcChannel {
  readonly connected: boolean;
  send?(message: object, callback: (error: Error | null) => void): boolean;
  on(event: 'message' | 'disconnect', listener: (message: unknown) => void): unknown;
  off(event: 'message' | 'disconnect', listener: (message: unknown) => void): unknown;
}

const text = { type: 'string' };
const whole = { type: 'integer' };
const texts = { type: 'array', items: text };
const spec = object(
  { key: text, role: text, argv: texts },
  {
    shell: { anyOf: [text, { const: true }] },
    env: { type: 'object', additionalProperties: text },
    cwd: text,
    shared: text,
  },
);
const state = object(
  {
    key: text,
    role: text,
    restarts: whole,
    status: { enum: ['starting', 'running', 'backoff', 'failed', 'stopping', 'stopped', 'ended'] },
  },
  {
    pid: whole,
    stderrTail: texts,
    lastExit: object({
      code: { type: ['integer', 'null'] },
      signal: { type: ['string', 'null'] },
      atMs: { type: 'number' },
    }),
  },
);
const output = object({ key: text, role: text, stream: { enum: ['stdout', 'stderr'] }, line: text });
const keeper = { const: 1 };

/** True for messages that a keeper can carry out. */
export function requestReader(): ValidateFunction<KeeperRequest> {
  return new Ajv({ allowUnionTypes: true }).compile<KeeperRequest>({
    anyOf: [
      object({ keeper, id: whole, call: { const: 'list' } }),
      object({ keeper, id: whole, call: { const: 'start' }, spec }),
      object({ keeper, id: whole, call: { const: 'stop' }, key: text }),
    ],
  });
}

/** True for messages that a coordinator expects from its keeper. */
export function reportReader(): ValidateFunction<KeeperReport> {
  return new Ajv({ allowUnionTypes: true }).compile<KeeperReport>({
    anyOf: [
      object({ keeper, re: whole, error: object({ code: text, message: text }) }),
      object({ keeper, re: whole }, { states: { type: 'array', items: state } }),
      object({ keeper, change: state }),
      object({ keeper, output }),
    ],
  });
}

function object(required: Readonly<Record<string, object>>, optional: Readonly<Record<string, object>> = {}): object {
  return {
    type: 'object',
    required: Object.keys(required),
    properties: { ...required, ...optional },
    additionalProperties: false,
  };
}
