import { setTimeout as delay, setImmediate as turn } from 'node:timers/promises';
import { type RawPart, SEGMENT_HEADER_BYTES, segmentParts } from '../log/index.js';
import { checkSame, type LogFolder, type LogSegment } from './log-folder.js';

/** A stretch of a segment, as a start of the log would take it. */
export type LogPart =
  | Extract<RawPart, { readonly state: 'whole' }>
  | { readonly state: 'damaged' | 'torn' | 'unused'; readonly offset: number; readonly bytes: number };

export interface WalkOptions {
  readonly log: Pick<LogFolder, 'checkpoint' | 'openIn'>;
  readonly signal: AbortSignal;
  /** Offset where a frame begins. @default the first one */
  readonly from?: number;
  /** Told of parts in order. Their buffers hold until it returns. */
  readonly onPart: (part: LogPart) => void;
}

/** Between two moments in which others have their turn. */
const STRETCH_BYTES = 8 * 1024 * 1024;
/** What is written while it is read looks damaged for a moment: so often, and after so many ms, it is looked at again. */
const LOOKS = 4;
const LOOK_AGAIN_MS = 25;

/** Walks a segment to its end, or to where the log ends in it. */
export async function walkSegment(segment: LogSegment, options: WalkOptions): Promise<void> {
  const { log, signal, onPart } = options;
  const isWritten = segment.isLast && log.openIn !== undefined;
  // What an index or a checkpoint knows was on disk.
  const known = Math.max(
    typeof segment.index === 'object' ? segment.index.end : 0,
    (log.checkpoint?.offset ?? 0) - segment.base,
  );
  let from: number | undefined = options.from ?? SEGMENT_HEADER_BYTES;
  for (let looks = 1; from !== undefined; looks++) {
    const start: number = from;
    from = undefined;
    let turned = start;
    for (const part of segmentParts(segment.file, start, segment.fd)) {
      const isWhole = part.state === 'whole' || part.state === 'unused';
      if (!isWhole && isWritten && looks < LOOKS) {
        if (part.offset > start) looks = 0;
        from = part.offset;
        break;
      }
      const seen = seenAs(part, segment, known);
      onPart(seen);
      if (seen.state === 'torn') return checkWalked(segment);
      if (part.offset - turned < STRETCH_BYTES) continue;
      turned = part.offset;
      await turn();
      signal.throwIfAborted();
    }
    if (from !== undefined) await delay(LOOK_AGAIN_MS, undefined, { signal });
  }
  checkWalked(segment);
}

/** One that is held is what it was. */
function checkWalked(segment: LogSegment): void {
  if (segment.fd === undefined) checkSame(segment);
}

function seenAs(part: RawPart, { isLast, size }: LogSegment, known: number): LogPart {
  if (part.state === 'whole') return part;
  const { state, offset, bytes } = part;
  if (!isLast || offset < known) return { state: 'damaged', offset, bytes };
  if (state !== 'damaged') return { state, offset, bytes };
  return part.isCertain ? { state, offset, bytes } : { state: 'torn', offset, bytes: Math.max(size - offset, bytes) };
}
