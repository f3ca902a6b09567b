/** Headers that msgflo itself sets or reads; all values are text. */
export const HEADER = {
  messageId: 'message-id',
  /** When the message was first sent: milliseconds since 1970 in decimal digits. */
  createdAt: 'created-at',
  contentType: 'content-type',
  replyTo: 'reply-to',
  /** W3C Trace Context. */
  traceparent: 'traceparent',
  tracestate: 'tracestate',
  /** 0 to 255 in decimal digits; counts at inqueues that were declared with `maxPriority`. */
  priority: 'priority',
  /** On a dead letter: why, the inqueue it came from, and when (as `created-at`). */
  deadReason: 'msgflo-dead-reason',
  deadQueue: 'msgflo-dead-queue',
  deadAt: 'msgflo-dead-at',
  /** What a participant of ours adds: who it was, and what it threw. */
  deadRole: 'msgflo-dead-role',
  deadPort: 'msgflo-dead-port',
  deadComponent: 'msgflo-dead-component',
  deadParticipant: 'msgflo-dead-participant',
  deadHost: 'msgflo-dead-host',
  deadError: 'msgflo-dead-error',
  deadStack: 'msgflo-dead-stack',
  /** JSON: `[{"at": <ms since 1970>, "error": "..."}, ...]`, the latest last. */
  deadAttempts: 'msgflo-dead-attempts',
  /** On a message that was sent back from the dead letters: how often that was done. */
  redriven: 'msgflo-redriven',
  /** The `created-at` that it had when it was first sent; that is new with each redrive, so that no limit to its age counts twice. */
  firstCreatedAt: 'msgflo-first-created-at',
} as const;

/** The reason on a dead letter is cut to this many characters: header tables of a broker are small. */
export const MAX_REASON_CHARS = 2000;
/** The same of a stack, and of the attempts as JSON. */
export const MAX_STACK_CHARS = 4000;
export const MAX_ATTEMPTS_CHARS = 4000;

/**
 * Characters that Mosquitto ends the connection for, in headers and topics: control characters, line feeds among them, and
 * what is no character ([MQTT-1.5.4-2] and the paragraph behind it).
 */
const UNSENDABLE = /[\p{Cc}\p{Noncharacter_Code_Point}]/u;
const ALL_UNSENDABLE = new RegExp(`${UNSENDABLE.source}+`, 'gu');

const NOT_PLAIN = /[^ -~]/;

/** Source: W3C Trace Context, section 3.2; neither id is all zeros. */
const TRACEPARENT = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;

/** Whether a text is a traceparent of version 00. */
export function isTraceparent(text: string): boolean {
  return TRACEPARENT.test(text);
}

/** Whether some brokers would not take it in a header. Mostly it is plain ASCII, which is seen in a fraction of the time. */
export function isUnsendable(text: string): boolean {
  return NOT_PLAIN.test(text) && UNSENDABLE.test(text);
}

/** The same text on one line, as every broker takes it in a header. */
export function sendable(text: string): string {
  return text.replace(ALL_UNSENDABLE, ' ');
}
