import { Option } from 'commander';
import { messageOf, UsageError } from '../errors.js';
import { checkTls, type TlsPem } from '../server/index.js';
import { type Logger, readTextFile } from '../support/index.js';

export interface TlsFlags {
  readonly tlsCert?: string;
  readonly tlsKey?: string;
}

/** Where a certificate and its key lie. Paths are handed on, never what the files hold. */
export interface TlsFiles {
  readonly certFile: string;
  readonly keyFile: string;
}

const MAX_BYTES = 1024 * 1024;
const LOOK_EVERY_MS = 60_000;

export function tlsOptions(): readonly Option[] {
  return [
    new Option('--tls-cert <file>', 'certificate (PEM, with those in between): wss and https instead of ws and http'),
    new Option('--tls-key <file>', 'its private key (PEM)'),
  ];
}

/** Undefined without TLS. @throws {UsageError} for one file without the other, and for files that do not serve */
export async function tlsFilesOf({ tlsCert, tlsKey }: TlsFlags): Promise<TlsFiles | undefined> {
  if (tlsCert === undefined && tlsKey === undefined) return undefined;
  if (tlsCert === undefined || tlsKey === undefined) {
    throw new UsageError(`--tls-cert and --tls-key go together: ${tlsCert ? '--tls-key' : '--tls-cert'} is missing`);
  }
  const files = { certFile: tlsCert, keyFile: tlsKey };
  await readTls(files);
  return files;
}

/** @throws {UsageError} naming the file that cannot be read, or saying why the two do not serve */
export async function readTls({ certFile, keyFile }: TlsFiles): Promise<TlsPem> {
  const [cert, key] = await Promise.all([read('--tls-cert', certFile), read('--tls-key', keyFile)]);
  try {
    checkTls({ cert, key });
  } catch (error) {
    throw new UsageError(`--tls-cert ${certFile}, --tls-key ${keyFile}: ${messageOf(error)}`, { cause: error });
  }
  return { cert, key };
}

/**
 * Looks once a minute whether the files have changed and gives `renew` what they hold then, so that a renewed
 * certificate needs no restart. What cannot be used is said once, and the one before stays.
 * @param now what is in use
 * @returns ends it
 */
export function renewTls(
  files: TlsFiles,
  now: TlsPem,
  { renew, log, everyMs = LOOK_EVERY_MS }: { renew(tls: TlsPem): void; log: Logger; everyMs?: number },
): () => void {
  let known = now;
  let timer: NodeJS.Timeout | undefined;
  let isOver = false;
  const look = async (): Promise<void> => {
    try {
      const found = await readTls(files);
      if (found.cert === known.cert && found.key === known.key) return;
      renew(found);
      known = found;
      log.info(`${files.certFile} was renewed: new connections get it`);
    } catch (error) {
      log.warnOnce(`tls ${messageOf(error)}`, `${messageOf(error)}; the certificate before stays in use`);
    }
    next();
  };
  const next = (): void => {
    if (!isOver) timer = setTimeout(() => void look(), everyMs);
  };
  next();
  return () => {
    isOver = true;
    clearTimeout(timer);
  };
}

async function read(flag: string, path: string): Promise<string> {
  try {
    return (await readTextFile(path, MAX_BYTES)).text;
  } catch (error) {
    const isAbsent = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    const why = isAbsent ? 'there is no such file' : messageOf(error);
    throw new UsageError(`${flag} ${path}: ${why}`, { cause: error });
  }
}
