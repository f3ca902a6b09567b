import { openStore } from '../log/index.js';
import { AlreadyToldError, type CliContext } from './command.js';
import { asUsage, readLogFolder } from './log-folder.js';
import { ByteProgress } from './log-progress.js';
import { counted, sizeOf } from './log-text.js';
import { jsonLine, printable } from './terminal-text.js';

/** With less to gain a segment stays as it is: writing it anew is work too. */
const WASTE_SHARE = 0.05;
const MIN_FREED_BYTES = 4096;

/**
 * Takes back all the room that a log does not need, as far as that is worth the work.
 * @throws {StoreLockedError} while somebody has it open @throws {CorruptionError} @throws {DiskFullError}
 */
export async function compactLog(
  folder: string,
  { json }: { readonly json: boolean },
  { signal, log, print }: CliContext,
): Promise<void> {
  const { segments } = readLogFolder(folder);
  const before = segments.reduce((sum, { size }) => sum + size, 0);
  const progress = new ByteProgress(before, process.stderr);
  const store = await openStore(folder, { logger: log }).catch((error: unknown) => {
    throw asUsage(error);
  });
  try {
    const { rewritten } = await store.compact({
      ...{ wasteShare: WASTE_SHARE, minFreedBytes: MIN_FREED_BYTES, seals: true, signal },
      onCopied: progress.add,
    });
    progress.end();
    const now = store.stats();
    const freedBytes = before - now.bytes;
    const counts = { segmentsBefore: segments.length, segments: now.segments, rewritten };
    const line = `${counted(segments.length, 'segment')}, ${sizeOf(before)} -> ${counted(now.segments, 'segment')}, ${sizeOf(now.bytes)}`;
    if (json) print(jsonLine({ folder, ...counts, bytesBefore: before, bytes: now.bytes, freedBytes }));
    else print(printable(signal.aborted ? `interrupted: ${line}; the rest is as it was` : line));
  } finally {
    progress.end();
    await store.close();
  }
  if (signal.aborted) throw new AlreadyToldError('interrupted');
}
