/**
 * The embedded durable log. `store/` is its storage: append-only segments for all topics in one folder, commits in groups,
 * atomic batches of records and small keyed facts, reads by sequence and time. It knows files, not sockets; procs, claims
 * and the node stand on it. `node/` is what clients see of it: ids, procs and their claims, bindings, collection.
 * `server/` is its door for other processes and the process that it runs in, `client/` what programs use (`PipeProc`),
 * `wire/` what both agree on.
 */
export { LogCallError } from './client/errors.js';
export type {
  AckCommitted,
  AvailableProc,
  ConnectOptions,
  Id,
  Ids,
  LiveProc,
  LiveProcOptions,
  NewLog,
  OnChanges,
  PipeProcClient,
  Processor,
  Rec,
  SpawnOptions,
  SystemProcOptions,
} from './client/pipe-proc.js';
export { PipeProc } from './client/pipe-proc-client.js';
export type { NodeClock } from './node/clock.js';
export { openLogNode } from './node/local-node.js';
export type { InqueueOptions, TopicBinding } from './node/log-bindings.js';
export type { AckCommitResult, Claim, Peek } from './node/log-claims.js';
export { LogError, type LogErrorCode } from './node/log-error.js';
export type { Unsubscribe } from './node/log-listening.js';
export type { LogFacts, LogNode, NodeStats } from './node/log-node.js';
export type { ProcessorDefinition } from './node/log-processors.js';
export type { Backlog, ProcChange, ProcOptions, ProcState, ReclaimStrategy } from './node/log-procs.js';
export type { RangeOptions } from './node/log-records.js';
export { type ReadHeaders, readHeaders, splitSource, writeHeaders } from './node/marked-source.js';
export { MemoryStore } from './node/memory-store.js';
export { INQUEUE, isObjectText, isTopicName } from './node/names.js';
export type { DeadLetterFacts, LogNodeOptions } from './node/node-options.js';
export {
  CorruptionError,
  DiskFullError,
  FormatVersionError,
  StoreClosedError,
  StoreFailedError,
  StoreLockedError,
} from './store/errors.js';
export { FORMAT_VERSION, SEGMENT_HEADER_BYTES } from './store/format.js';
export { type RawEntry, type RawPart, readSegmentHeader, segmentFiles, segmentParts } from './store/inspect.js';
export {
  type CheckpointFile,
  checkpointFiles,
  type RawCheckpoint,
  type RawIndex,
  segmentIndex,
} from './store/inspect-sidecars.js';
export { type FolderLock, folderHolder, lockFolder } from './store/lock.js';
export { type LogView, openLogView } from './store/log-view.js';
export { openStore } from './store/open-store.js';
export { seedStore, type TopicSeed } from './store/seed.js';
export {
  type Batch,
  type CommitResult,
  type CompactOptions,
  type CompactResult,
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
