import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { AddressError } from './errors.js';

/** Paths of PEM files: what one side shows, and the authority that the other side's certificate must come from. */
export interface TlsFiles {
  readonly key: string;
  readonly cert: string;
  readonly ca: string;
}

export interface TlsTexts {
  readonly key: Buffer;
  readonly cert: Buffer;
  readonly ca: Buffer;
}

/** @param side who shows them, for the message. @throws {AddressError} that names the file which is missing */
export function readTlsFiles(files: TlsFiles, side: 'client' | 'server'): TlsTexts {
  const read = (what: keyof TlsFiles): Buffer => {
    const path = files[what];
    if (!path) throw new AddressError(`tls options require a ${side} ${what}`);
    try {
      return readFileSync(resolve(path));
    } catch (error) {
      throw new AddressError(`tls options require a ${side} ${what}: cannot read ${path}`, { cause: error });
    }
  };
  return { key: read('key'), cert: read('cert'), ca: read('ca') };
}
