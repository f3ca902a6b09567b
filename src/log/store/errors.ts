import { MsgfloError } from '../../errors.js';

/** Another process, or another store of this one, has the folder open. */
export class StoreLockedError extends MsgfloError {
  readonly code = 'MSGFLO_LOG_LOCKED';
  override readonly retryable = true;
  readonly pid: number;
  constructor(folder: string, pid: number) {
    super(`the log in ${folder} is open in process ${pid}`);
    this.pid = pid;
  }
}

/** The store was closed before the call, or while it waited. */
export class StoreClosedError extends MsgfloError {
  readonly code = 'MSGFLO_LOG_CLOSED';
  constructor(folder: string) {
    super(`the log in ${folder} is closed`);
  }
}

/** No room for the commits of one group. None of them is stored, everything before is; later ones may succeed. */
export class DiskFullError extends MsgfloError {
  readonly code = 'MSGFLO_LOG_DISK_FULL';
  override readonly retryable = true;
  constructor(folder: string, options?: ErrorOptions) {
    super(`no room for commits in ${folder}`, options);
  }
}

/** Writing failed in a way that leaves unknown what is on disk. The store has to be opened again. */
export class StoreFailedError extends MsgfloError {
  readonly code = 'MSGFLO_LOG_FAILED';
  constructor(folder: string, options?: ErrorOptions) {
    super(`writing to the log in ${folder} failed; open it again`, options);
  }
}

/** Stored bytes are not what was written. Says where; nothing behind is skipped in silence. */
export class CorruptionError extends MsgfloError {
  readonly code = 'MSGFLO_LOG_CORRUPT';
  readonly file: string;
  /** In bytes from the start of the file. */
  readonly offset: number;
  constructor(file: string, offset: number, what: string) {
    super(`${file} is damaged at byte ${offset}: ${what}`);
    this.file = file;
    this.offset = offset;
  }
}

/** A file of the log was written by a version that this one cannot read. */
export class FormatVersionError extends MsgfloError {
  readonly code = 'MSGFLO_LOG_VERSION';
  constructor(file: string, version: number, known: number) {
    super(`${file} has format version ${version}; this program reads version ${known}`);
  }
}
