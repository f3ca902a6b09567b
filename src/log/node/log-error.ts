/** What a node refuses, as callers compare it. */
export type LogErrorCode =
  | 'commit_too_large'
  | 'invalid_ack'
  | 'invalid_log_format'
  | 'invalid_proc'
  | 'invalid_proc_name'
  | 'invalid_range_offset'
  | 'invalid_tone_id_search'
  | 'invalid_topic'
  | 'invalid_topic_format'
  | 'no_valid_processor_provided'
  | 'nothing_to_reclaim'
  | 'proc_already_active'
  | 'proc_already_disabled'
  | 'proc_is_disabled'
  | 'proc_name_not_unique'
  | 'stale_claim';

/**
 * A call that the node refused; nothing has changed. Code and message are the same plain word, which programs written for
 * other logs compare: so it is not one of the project's prefixed codes. What the disk does comes as the store's errors.
 */
export class LogError extends Error {
  readonly code: LogErrorCode;
  /** What was wrong, for people; empty when the code says it all. */
  readonly detail: string;
  constructor(code: LogErrorCode, detail = '') {
    super(code);
    this.code = code;
    this.detail = detail;
  }
  override get name(): string {
    return 'LogError';
  }
}
