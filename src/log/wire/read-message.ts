import { isRecord } from '../../support/index.js';
import { WireError } from './errors.js';
import type {
  ProcData,
  RangeData,
  Reply,
  Request,
  RequestOf,
  Requests,
  RequestType,
  SystemProcData,
  WireRecord,
} from './messages.js';
import { REPLIES } from './messages.js';

type Fields = Readonly<Record<string, unknown>>;

/** A frame that can be answered, but not carried out: `type` is undefined when there is no such request. */
export interface Refused {
  readonly refused: string;
  readonly type: RequestType | undefined;
  readonly msgKey: string;
}

const MAX_KEY_CHARS = 200;
const readers: { readonly [T in RequestType]: (data: Fields) => Requests[T] } = {
  ping: () => ({}),
  leave: () => ({}),
  commit: (data) => ({ records: records(data) }),
  get_range: range,
  get_length: (data) => ({ topic: text(data, 'topic') }),
  proc: (data) => ({ proc: proc(record(data['proc'])), waitMs: number(data, 'waitMs') ?? 0 }),
  available_proc: (data) => ({
    procs: list(data, 'procs').map((one) => proc(record(one))),
    waitMs: number(data, 'waitMs') ?? 0,
  }),
  system_proc: systemProc,
  ack: claimed,
  ack_commit: (data) => ({ ...claimed(data), records: records(data) }),
  reclaim_proc: claimed,
  inspect_proc: named,
  destroy_proc: named,
  disable_proc: named,
  resume_proc: named,
  wait_for_procs: (data) => ({ names: texts(data, 'names') }),
};

/**
 * Undefined for a hello, which says the token to doors that ask for one; at others it says nothing.
 * @throws {WireError} for what is no message at all: nobody could be answered
 */
export function readRequest(frame: Buffer): Request | Refused | undefined {
  const message = readDocument(frame);
  const msgKey = message['msgKey'];
  const type = message['type'];
  if (type === 'hello') return undefined;
  if (typeof msgKey !== 'string' || msgKey.length > MAX_KEY_CHARS) throw new WireError('a request without a msgKey');
  if (typeof type !== 'string' || !isRequestType(type))
    return { refused: String(type).slice(0, 50), type: undefined, msgKey };
  const data = message['data'] ?? {};
  try {
    return request(type, msgKey, record(data));
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    return { refused: error.message, type, msgKey };
  }
}

/** @throws {WireError} */
export function readReply(frame: Buffer): Reply {
  const { type, msgKey, data, more, errStatus, detail } = readDocument(frame);
  if (typeof type !== 'string' || typeof msgKey !== 'string') throw new WireError('a reply without type or msgKey');
  return {
    type,
    msgKey,
    data,
    ...(more === true && { more }),
    ...(typeof errStatus === 'string' && { errStatus }),
    ...(typeof detail === 'string' && { detail }),
  };
}

function request<T extends RequestType>(type: T, msgKey: string, data: Fields): RequestOf<T> {
  return { type, msgKey, data: readers[type](data) };
}

function isRequestType(type: string): type is RequestType {
  return Object.hasOwn(REPLIES, type);
}

function readDocument(frame: Buffer): Fields {
  let document: unknown;
  try {
    document = JSON.parse(frame.toString());
  } catch (error) {
    throw new WireError('a frame is no JSON', { cause: error });
  }
  if (!isRecord(document)) throw new WireError('a frame is no message');
  return document;
}

function range(data: Fields): RangeData {
  return {
    topic: text(data, 'topic'),
    start: text(data, 'start', ''),
    end: text(data, 'end', ''),
    limit: number(data, 'limit') ?? 0,
    exclusive: data['exclusive'] === true,
    reverse: data['reverse'] === true,
  };
}

function proc(data: Fields): ProcData {
  return { topic: text(data, 'topic'), ...procOptions(data) };
}

function procOptions(data: Fields): Omit<ProcData, 'topic'> {
  return {
    name: text(data, 'name'),
    offset: text(data, 'offset'),
    count: number(data, 'count'),
    maxReclaims: number(data, 'maxReclaims'),
    reclaimTimeout: number(data, 'reclaimTimeout'),
    onMaxReclaimsReached: optionalText(data, 'onMaxReclaimsReached'),
    deadletter: optionalText(data, 'deadletter'),
    maxClaims: number(data, 'maxClaims'),
  };
}

function systemProc(data: Fields): SystemProcData {
  return {
    ...procOptions(data),
    from: texts(data, 'from'),
    isList: data['isList'] === true,
    to: texts(data, 'to'),
    processor: text(data, 'processor', ''),
  };
}

function named(data: Fields): { readonly name: string } {
  return { name: text(data, 'name') };
}

function claimed(data: Fields): { readonly name: string; readonly claim: string | undefined } {
  return { name: text(data, 'name'), claim: optionalText(data, 'claim') };
}

function records(data: Fields): readonly WireRecord[] {
  return list(data, 'records').map((one) => {
    const fields = record(one);
    return { topic: text(fields, 'topic'), body: fields['body'] };
  });
}

function text(data: Fields, key: string, otherwise?: string): string {
  const value = optionalText(data, key) ?? otherwise;
  if (value === undefined) throw wrong(key, 'a text');
  return value;
}

function optionalText(data: Fields, key: string): string | undefined {
  const value = data[key];
  if (value !== undefined && typeof value !== 'string') throw wrong(key, 'a text');
  return value;
}

function texts(data: Fields, key: string): readonly string[] {
  const values = list(data, key);
  if (!values.every((value) => typeof value === 'string')) throw wrong(key, 'a list of texts');
  return values;
}

function number(data: Fields, key: string): number | undefined {
  const value = data[key];
  if (value !== undefined && typeof value !== 'number') throw wrong(key, 'a number');
  return value;
}

function list(data: Fields, key: string): readonly unknown[] {
  const value = data[key];
  if (!Array.isArray(value)) throw wrong(key, 'a list');
  return value;
}

function record(value: unknown): Fields {
  if (!isRecord(value)) throw new WireError('an object was expected');
  return value;
}

function wrong(key: string, what: string): WireError {
  return new WireError(`'${key}' must be ${what}`);
}
