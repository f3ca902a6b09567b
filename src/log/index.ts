/**
 * The embedded durable log. `store/` is its storage: append-only segments for all topics in one folder, commits in groups,
 * atomic batches of records and small keyed facts, reads by sequence and time. It knows files, not sockets; procs, claims
 * and the node stand on it.
 */
export {
  CorruptionError,
  DiskFullError,
  FormatVersionError,
  StoreClosedError,
  StoreFailedError,
  StoreLockedError,
} from './store/errors.js';
export { type RawEntry, type RawPart, readSegmentHeader, segmentFiles, segmentParts } from './store/inspect.js';
export { openStore } from './store/open-store.js';
export {
  type Batch,
  type CommitResult,
  type LogStore,
  type NewRecord,
  type Put,
  type ReadOptions,
  recordId,
  type StoredRecord,
  type StoreOptions,
  type StoreStats,
  type SyncPolicy,
  type TopicState,
} from './store/store.js';
