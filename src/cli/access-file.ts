import { isMap, isScalar, isSeq, LineCounter, parseDocument } from 'yaml';
import { messageOf, UsageError } from '../errors.js';
import { type AccessRules, type Capability, isCapability, OFFERED, READ_ONLY } from '../protocol/index.js';
import { type Logger, NotTextError, readTextFile, type TextFile } from '../support/index.js';

export type Secret = AccessRules['secrets'][number];

const MAX_BYTES = 64 * 1024;

/** Permission bits of a file, for its group and all others. */
const CAN_READ = 0o044;
const CAN_WRITE = 0o022;

/**
 * Secrets and what each opens: `{"<secret>": "all" | "read-only" | ["protocol:graph", ...]}`, as JSON or YAML.
 * @throws {UsageError} naming file and line, and repeating nothing of what stands there
 */
export async function readAccessFile(path: string, log: Logger): Promise<readonly Secret[]> {
  const { text, stats } = await read(path);
  if ((stats.mode & CAN_WRITE) !== 0) {
    throw new UsageError(`--access-file ${path}: others can write it, and so let themselves in (chmod 600 ${path})`);
  }
  if ((stats.mode & CAN_READ) !== 0) log.warn(`--access-file ${path}: others can read it (chmod 600 ${path})`);
  return readAccess(text, path);
}

/** The same from its text. @param path for messages only */
export function readAccess(text: string, path: string): readonly Secret[] {
  const lines = new LineCounter();
  const wrong = (offset: number | undefined, why: string): UsageError =>
    new UsageError(`--access-file ${path}${offset === undefined ? '' : `:${lines.linePos(offset).line}`}: ${why}`);
  // All scalars are text: a secret of digits is no number.
  const document = parseDocument(text, { schema: 'failsafe', lineCounter: lines, prettyErrors: false });
  const [error] = document.errors;
  // The parser's own words may quote the line, and a secret with it.
  if (error?.code === 'DUPLICATE_KEY') throw wrong(error.pos[0], 'a secret stands twice');
  if (error) throw wrong(error.pos[0], `it is neither JSON nor YAML (${error.code})`);
  if (!isMap(document.contents)) throw wrong(undefined, 'it is a map from secrets to what they open');
  return document.contents.items.map(({ key, value }) => {
    const at = offsetOf(key);
    const secret = textOf(key);
    if (secret === undefined || secret === '') throw wrong(at, 'a secret is text, and not empty');
    return { secret, capabilities: capabilitiesOf(value, (node, why) => wrong(offsetOf(node) ?? at, why)) };
  });
}

function capabilitiesOf(value: unknown, wrong: (node: unknown, why: string) => UsageError): readonly Capability[] {
  const word = textOf(value);
  if (word === 'all') return OFFERED;
  if (word === 'read-only') return READ_ONLY;
  if (!isSeq(value)) throw wrong(value, "a secret opens 'all', 'read-only' or a list of capabilities");
  return value.items.map((item) => {
    const name = textOf(item);
    if (name === undefined || !isCapability(name)) throw wrong(item, `no capability; there are ${OFFERED.join(', ')}`);
    return name;
  });
}

function textOf(node: unknown): string | undefined {
  return isScalar(node) && typeof node.value === 'string' ? node.value : undefined;
}

function offsetOf(node: unknown): number | undefined {
  return (isScalar(node) || isMap(node) || isSeq(node)) && node.range ? node.range[0] : undefined;
}

async function read(path: string): Promise<TextFile> {
  try {
    return await readTextFile(path, MAX_BYTES);
  } catch (error) {
    const isAbsent = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    const why = isAbsent ? 'there is no such file' : messageOf(error);
    const known = isAbsent || error instanceof NotTextError;
    throw new UsageError(`--access-file ${path}: ${known ? why : `cannot be read: ${why}`}`, { cause: error });
  }
}
