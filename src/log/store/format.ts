import { crc32c } from './crc32c.js';
import { CorruptionError, FormatVersionError } from './errors.js';

/** The numbers of docs/log-format.md. */
export const SEGMENT_HEADER_BYTES = 40;
export const FRAME_HEADER_BYTES = 20;
/** Bytes of a frame that its length does not count. */
export const FRAME_PREFIX_BYTES = 8;
export const MAX_FRAME_BYTES = 64 * 1024 * 1024;
export const FRAME_KIND = 0xb1;
/** In the flags of a frame: everything before it was synced before it was written. */
export const FLAG_SYNCED_BEFORE = 1;
export const ENTRY = { topic: 1, record: 2, put: 3, delete: 4, drop: 5 } as const;
export const RECORD_ENTRY_BYTES = 19;
export const TOPIC_ENTRY_BYTES = 7;
export const PUT_ENTRY_BYTES = 7;
export const DELETE_ENTRY_BYTES = 3;
export const DROP_ENTRY_BYTES = 11;

const MAGIC = Buffer.from('MSGFLOLG', 'latin1');
export const FORMAT_VERSION = 2;
const OFFSET_DIGITS = 16;
const CHECKED_BYTES = SEGMENT_HEADER_BYTES - 4;

export interface SegmentHeader {
  readonly number: number;
  /** Log offset of the first byte of the file. */
  readonly base: number;
  readonly createdMs: number;
  /** Of one that was compacted: log offset up to which it stands for all that was there. */
  readonly until?: number;
}

export function encodeSegmentHeader({ number, base, createdMs, until = 0 }: SegmentHeader): Buffer {
  const bytes = Buffer.alloc(SEGMENT_HEADER_BYTES);
  MAGIC.copy(bytes);
  bytes.writeUInt32LE(FORMAT_VERSION, 8);
  bytes.writeUInt32LE(number, 12);
  bytes.writeUIntLE(base, 16, 6);
  bytes.writeUIntLE(createdMs, 22, 6);
  bytes.writeUIntLE(until, 28, 6);
  bytes.writeUInt32LE(crc32c(viewOf(bytes), 0, CHECKED_BYTES), CHECKED_BYTES);
  return bytes;
}

/** @throws {CorruptionError} @throws {FormatVersionError} */
export function decodeSegmentHeader(bytes: Buffer, file: string): SegmentHeader {
  if (bytes.length < SEGMENT_HEADER_BYTES) throw new CorruptionError(file, bytes.length, 'the header is cut short');
  if (!bytes.subarray(0, 8).equals(MAGIC)) throw new CorruptionError(file, 0, 'this is no segment');
  const isRight = crc32c(viewOf(bytes), 0, CHECKED_BYTES) === bytes.readUInt32LE(CHECKED_BYTES);
  const version = bytes.readUInt32LE(8);
  if (version !== FORMAT_VERSION && (isRight || version === 1))
    throw new FormatVersionError(file, version, FORMAT_VERSION); // the first one had a shorter header
  if (!isRight) throw new CorruptionError(file, 0, 'the header is wrong');
  const until = bytes.readUIntLE(28, 6);
  return {
    number: bytes.readUInt32LE(12),
    base: bytes.readUIntLE(16, 6),
    createdMs: bytes.readUIntLE(22, 6),
    ...(until > 0 ? { until } : {}),
  };
}

export type FileKind = 'seg' | 'idx' | 'ckp';

export function fileName(offset: number, kind: FileKind): string {
  return `${String(offset).padStart(OFFSET_DIGITS, '0')}.${kind}`;
}

/** The offset in the name of one of our files; undefined for other names. */
export function offsetOf(name: string, kind: FileKind): number | undefined {
  const digits = name.slice(0, OFFSET_DIGITS);
  return /^\d{16}$/.test(digits) && name.slice(OFFSET_DIGITS) === `.${kind}` ? Number(digits) : undefined;
}

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

const TWO_32 = 4_294_967_296;

export function setUint48(view: DataView, at: number, value: number): void {
  view.setUint32(at, value >>> 0, true);
  view.setUint16(at + 4, Math.floor(value / TWO_32), true);
}

export function getUint48(view: DataView, at: number): number {
  return view.getUint16(at + 4, true) * TWO_32 + view.getUint32(at, true);
}
