/**
 * The door of a running network: one port on which visual editors find the FBP runtime protocol over WebSocket, people a
 * page, watchdogs `/healthz` and `/readyz`, and Prometheus `/metrics` (`metrics.ts`). `Server` listens (`listen.ts`), with TLS if it has a certificate
 * (`http-servers.ts`), lets browser pages of known origins and all other programs in (`origin.ts`), keeps each client
 * within the limits (`connection.ts` for what it sends, `outbox.ts` for what it does not read, `limits.ts`), and counts
 * whom it refused (`tally.ts`); what the frames mean, and who may do what, is the business of the protocol folder.
 * `RuntimePinger` tells a registry that the runtime is alive.
 */
export { CannotListenError, PortTakenError, TlsError } from './errors.js';
export { checkTls, type TlsPem } from './http-servers.js';
export { DEFAULT_LIMITS, type ServerLimits } from './limits.js';
export { freePort, isLoopback } from './listen.js';
export { DEFAULT_IDE, liveUrl, liveUrlLine } from './live-url.js';
export { webOrigin } from './origin.js';
export { RuntimePinger, type RuntimePingerOptions } from './runtime-pinger.js';
export { Server, type ServerCounts, type ServerOptions } from './server.js';
