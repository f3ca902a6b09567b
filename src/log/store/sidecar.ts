import { readFileSync } from 'node:fs';
import { writeFileAtomic } from '../../support/index.js';
import { crc32c } from './crc32c.js';
import { viewOf } from './format.js';

const VERSION = 2;
const HEADER_BYTES = 16;

export type SidecarMagic = 'MSGFLOIX' | 'MSGFLOCP';

/** A small file beside the segments: magic, version, checksum, JSON. Replaced as a whole, never half. */
export async function writeSidecar(path: string, magic: SidecarMagic, content: object): Promise<void> {
  const bytes = Buffer.from(`${' '.repeat(HEADER_BYTES)}${JSON.stringify(content)}`);
  bytes.write(magic, 0, 'latin1');
  bytes.writeUInt32LE(VERSION, 8);
  bytes.writeUInt32LE(crc32c(viewOf(bytes), HEADER_BYTES, bytes.length), 12);
  await writeFileAtomic(path, bytes, 0o600);
}

/** Undefined when it is not there, or is not what was written. */
export function readSidecar(path: string, magic: SidecarMagic): unknown {
  try {
    const bytes = readFileSync(path);
    if (bytes.toString('latin1', 0, 8) !== magic || bytes.readUInt32LE(8) !== VERSION) return undefined;
    if (crc32c(viewOf(bytes), HEADER_BYTES, bytes.length) !== bytes.readUInt32LE(12)) return undefined;
    return JSON.parse(bytes.toString('utf8', HEADER_BYTES));
  } catch {
    return undefined;
  }
}

/** Fields of a sidecar whose checksum was right: what is wrong now is an error of ours, not of the disk. */
export function fieldOf(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || !(name in value)) throw new TypeError(`no field '${name}'`);
  return value[name as keyof typeof value];
}

export function numberOf(value: unknown, name: string): number {
  const field = fieldOf(value, name);
  if (typeof field !== 'number') throw new TypeError(`'${name}' is no number`);
  return field;
}

export function textOf(value: unknown, name: string): string {
  const field = fieldOf(value, name);
  if (typeof field !== 'string') throw new TypeError(`'${name}' is no text`);
  return field;
}

export function listOf(value: unknown, name: string): readonly unknown[] {
  const field = fieldOf(value, name);
  if (!Array.isArray(field)) throw new TypeError(`'${name}' is no list`);
  return field;
}
