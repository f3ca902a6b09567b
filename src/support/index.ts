/**
 * Small, general pieces without a word of the domain: back-off, a semaphore, atomic files, frames on a stream, canonical
 * JSON, the logger. Everything above may use them; they use nothing of ours but the base error.
 */
export { newAjv } from './ajv.js';
export { type ReplaceOptions, removeLeftovers, replaceFile, writeFileAtomic } from './atomic-file.js';
export { Backoff } from './backoff.js';
export { ByteBlocks } from './byte-blocks.js';
export { canonicalJson, contentHash } from './canonical-json.js';
export { FramePipe } from './frame-pipe.js';
export { encodeFrame, FrameDecoder, type TakeFrame } from './framing.js';
export { groupBy } from './group-by.js';
export { isRecord } from './is-record.js';
export { LastText } from './last-text.js';
export { createLogger, type Logger, silentLogger } from './log.js';
export { type Program, programOf } from './program-path.js';
export { Semaphore } from './semaphore.js';
export { NotTextError, readTextFile, type TextFile } from './text-file.js';
export { timeLimit } from './time-limit.js';
export { within } from './within.js';
