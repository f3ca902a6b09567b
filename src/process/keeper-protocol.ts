import { isRecord } from '../support/index.js';
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

const STATUSES: readonly unknown[] = ['starting', 'running', 'backoff', 'failed', 'stopping', 'stopped', 'ended'];

/** Whether a message is one that a keeper can carry out. */
export function isRequest(message: unknown): message is KeeperRequest {
  if (!isRecord(message) || message.keeper !== 1 || !isWhole(message.id)) return false;
  if (message.call === 'list') return true;
  return message.call === 'stop' ? isText(message.key) : message.call === 'start' && isSpec(message.spec);
}

/** Whether a message is one that a coordinator expects from its keeper. */
export function isReport(message: unknown): message is KeeperReport {
  if (!isRecord(message) || message.keeper !== 1) return false;
  if ('change' in message) return isState(message.change);
  if ('output' in message) return isOutput(message.output);
  if (!isWhole(message.re)) return false;
  if ('error' in message) return isRecord(message.error) && isText(message.error.code) && isText(message.error.message);
  return message.states === undefined || isListOf(message.states, isState);
}

function isSpec(spec: unknown): spec is ProcessSpec {
  if (!isRecord(spec) || !isText(spec.key) || !isText(spec.role) || !isListOf(spec.argv, isText)) return false;
  const { shell, env, cwd, shared } = spec;
  const isEnv = env === undefined || (isRecord(env) && Object.values(env).every(isText));
  return isEnv && (shell === true || isTextOrNone(shell)) && isTextOrNone(cwd) && isTextOrNone(shared);
}

function isState(state: unknown): state is ProcessState {
  if (!isRecord(state) || !isText(state.key) || !isText(state.role) || !isWhole(state.restarts)) return false;
  const { status, pid, lastExit, stderrTail } = state;
  const isTail = stderrTail === undefined || isListOf(stderrTail, isText);
  return STATUSES.includes(status) && (pid === undefined || isWhole(pid)) && isTail && isExitOrNone(lastExit);
}

function isExitOrNone(exit: unknown): boolean {
  if (exit === undefined) return true;
  if (!isRecord(exit) || typeof exit.atMs !== 'number') return false;
  return (exit.code === null || isWhole(exit.code)) && (exit.signal === null || isText(exit.signal));
}

function isOutput(output: unknown): output is OutputLine {
  if (!isRecord(output) || !isText(output.key) || !isText(output.role) || !isText(output.line)) return false;
  return output.stream === 'stdout' || output.stream === 'stderr';
}

const isText = (value: unknown): value is string => typeof value === 'string';
const isTextOrNone = (value: unknown): boolean => value === undefined || isText(value);
const isWhole = (value: unknown): value is number => Number.isInteger(value);

function isListOf(value: unknown, check: (item: unknown) => boolean): boolean {
  return Array.isArray(value) && value.every(check);
}
