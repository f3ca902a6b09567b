/** What one server takes on. Beyond a limit the client concerned is refused or closed, and counted; others go on. */
export interface ServerLimits {
  /** Of one message from a client, in bytes; a longer one closes the connection (1009). @default 16 MiB */
  readonly maxMessageBytes: number;
  /** WebSocket clients at a time; one more is refused (503). @default 256 */
  readonly maxClients: number;
  /**
   * What a client has not read yet, in bytes; beyond it copies of data are dropped until it has read half of them, and
   * its further requests wait. @default 1 MiB
   */
  readonly maxUnreadDataBytes: number;
  /** The same for what must not be dropped; more closes the connection (1013). @default 16 MiB */
  readonly maxUnreadBytes: number;
  /** Requests of a client not answered yet; its socket is not read until there are fewer. @default 64 */
  readonly maxUnanswered: number;
  /** The same for what they are long together, in bytes. @default 16 MiB */
  readonly maxUnansweredBytes: number;
  /** How long an HTTP request, an upgrade, a TLS handshake or the rest of a refused message may take. @default 10,000 */
  readonly requestWithinMs: number;
  /** How often clients are pinged; one that did not answer the last ping is cut off. @default 30,000 */
  readonly pingEveryMs: number;
  /** How long `stop` waits for clients to take their leave. @default 1,000 */
  readonly stopWithinMs: number;
}

export const DEFAULT_LIMITS: ServerLimits = {
  maxMessageBytes: 16 * 1024 * 1024,
  maxClients: 256,
  maxUnreadDataBytes: 1024 * 1024,
  maxUnreadBytes: 16 * 1024 * 1024,
  maxUnanswered: 64,
  maxUnansweredBytes: 16 * 1024 * 1024,
  requestWithinMs: 10_000,
  pingEveryMs: 30_000,
  stopWithinMs: 1000,
};
