import { isRecord } from '../support/index.js';
import { MAX_NAME_CHARS } from './names.js';

type Fields = Readonly<Record<string, unknown>>;
type Check = (value: unknown, where: string) => string | undefined;

const STATES: readonly unknown[] = ['unconnected', 'waiting', 'ready', 'exported'];

/**
 * Checks the fields of a wiring message; gives the first thing wrong in words, or undefined. By hand, since every
 * participant reads one as it starts: compiling a schema for it took longer than the rest of the start.
 */
export function checkWiring(message: Fields): string | undefined {
  if (message.wiring !== 1) return 'wiring must be 1';
  return (
    isName(message.role, 'role') ??
    isText(message.graph, 'graph') ??
    (message.run === undefined ? undefined : isText(message.run, 'run')) ??
    isName(message.hash, 'hash') ??
    isList(message.iips, 'iips', isIip) ??
    isTable(message.inports, 'inports', (sources, where) => isList(sources, where, isName)) ??
    isTable(message.outports, 'outports', isState) ??
    (message.targets === undefined
      ? undefined
      : isTable(message.targets, 'targets', (inqueues, where) => isList(inqueues, where, isName)))
  );
}

const isText: Check = (value, where) => (typeof value === 'string' ? undefined : `${where} must be text`);

const isName: Check = (value, where) => {
  const isOne = typeof value === 'string' && value !== '' && value.length <= MAX_NAME_CHARS;
  return isOne ? undefined : `${where} must be text of 1 to ${MAX_NAME_CHARS} characters`;
};

const isState: Check = (value, where) =>
  STATES.includes(value) ? undefined : `${where} must be one of ${STATES.join(', ')}`;

const isIip: Check = (value, where) => {
  if (!isRecord(value)) return `${where} must be an object`;
  if (!('data' in value)) return `${where} must have data`;
  return isName(value.port, `${where}.port`) ?? isName(value.key, `${where}.key`);
};

function isList(value: unknown, where: string, check: Check): string | undefined {
  if (!Array.isArray(value)) return `${where} must be a list`;
  return first(value.entries(), where, check);
}

function isTable(value: unknown, where: string, check: Check): string | undefined {
  return isRecord(value) ? first(Object.entries(value), where, check) : `${where} must be an object`;
}

function first(entries: Iterable<readonly [unknown, unknown]>, where: string, check: Check): string | undefined {
  for (const [name, value] of entries) {
    const problem = check(value, `${where}.${name}`);
    if (problem) return problem;
  }
  return undefined;
}
