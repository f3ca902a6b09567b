/** Numbers of AMQP 0-9-1 (sections 2.3.5 and 4.2 of its specification), for those who write and read frames themselves. */

/** The first byte of a frame, and the last. */
export const FRAME = { method: 1, header: 2, body: 3, end: 206 } as const;
/** Type, channel and size of a frame, in bytes. */
export const FRAME_HEAD_BYTES = 7;
/** The same with the end. */
export const FRAME_BYTES = FRAME_HEAD_BYTES + 1;

/** The class, and its methods with the class in front. */
export const BASIC = 0x3c;
export const BASIC_PUBLISH = 0x3c0028;
export const BASIC_DELIVER = 0x3c003c;

/** Which properties a content header holds; they come in this order. */
export const FLAG = {
  contentType: 0x8000,
  headers: 0x2000,
  deliveryMode: 0x1000,
  priority: 0x0800,
  replyTo: 0x0200,
  messageId: 0x0080,
  timestamp: 0x0040,
} as const;

/** The type of a text in a table of headers. */
export const LONG_STRING = 'S'.charCodeAt(0);
