/** Headers that msgflo itself sets or reads; all values are text. */
export const HEADER = {
  messageId: 'message-id',
  contentType: 'content-type',
  replyTo: 'reply-to',
  traceparent: 'traceparent',
  /** On a dead letter: why, and the inqueue it came from. */
  deadReason: 'msgflo-dead-reason',
  deadQueue: 'msgflo-dead-queue',
  deadRole: 'msgflo-dead-role',
  deadPort: 'msgflo-dead-port',
  deadError: 'msgflo-dead-error',
} as const;

/** The reason on a dead letter is cut to this many characters: header tables of a broker are small. */
export const MAX_REASON_CHARS = 2000;
