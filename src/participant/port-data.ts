import { MsgfloError } from '../errors.js';

/** What the data of a port is, by the `type` the author gave it. */
export type PortData<P> = P extends { readonly type: infer T }
  ? T extends keyof TypeNames
    ? TypeNames[T]
    : unknown
  : unknown;

interface TypeNames {
  string: string;
  number: number;
  int: number;
  integer: number;
  boolean: boolean;
  object: Readonly<Record<string, unknown>>;
  array: readonly unknown[];
}

/** The data of a message is not of the type that the inport declares. Reaches this message only. */
export class PortTypeError extends MsgfloError {
  readonly code = 'MSGFLO_PORT_TYPE';
  constructor(port: string, type: string, data: unknown) {
    super(`inport '${port}' takes ${type}, got ${kindOf(data)}`);
  }
}

/** Data as the port's type has it, or undefined where it does not fit. */
type Reader = (data: unknown) => unknown;

const readers: Readonly<Record<string, Reader>> = {
  string: (data) => (typeof data === 'string' ? data : Buffer.isBuffer(data) ? data.toString('utf8') : undefined),
  number: readNumber,
  int: readInteger,
  integer: readInteger,
  boolean: (data) => (typeof data === 'boolean' ? data : data === 'true' ? true : data === 'false' ? false : undefined),
  object: (data) => (kindOf(data) === 'an object' ? data : readJson(data, 'an object')),
  array: (data) => (Array.isArray(data) ? data : readJson(data, 'an array')),
};

/** The check that a port's type asks for, or undefined where any data will do. */
export function portReader(port: string, type: string | undefined): Reader | undefined {
  const read = type === undefined ? undefined : readers[type];
  if (!type || !read) return undefined;
  return (data) => {
    const value = read(data);
    if (value === undefined) throw new PortTypeError(port, type, data);
    return value;
  };
}

function readNumber(data: unknown): unknown {
  if (typeof data === 'number') return data;
  if (typeof data !== 'string' || data.trim() === '') return undefined;
  const number = Number(data);
  return Number.isFinite(number) ? number : undefined;
}

function readInteger(data: unknown): unknown {
  const number = readNumber(data);
  return Number.isInteger(number) ? number : undefined;
}

/** An IIP in an .fbp file is text, also where JSON is meant. */
function readJson(data: unknown, kind: string): unknown {
  if (typeof data !== 'string') return undefined;
  try {
    const value: unknown = JSON.parse(data);
    return kindOf(value) === kind ? value : undefined;
  } catch {
    return undefined;
  }
}

function kindOf(data: unknown): string {
  if (data === null || data === undefined) return 'null';
  if (Array.isArray(data)) return 'an array';
  if (Buffer.isBuffer(data)) return `${data.length} bytes that are not JSON`;
  if (typeof data === 'object') return 'an object';
  return `the ${typeof data} ${JSON.stringify(data).slice(0, 40)}`;
}
