/**
 * The door of a running network: one port on which visual editors find the FBP runtime protocol over WebSocket, people a
 * page, and watchdogs `/healthz` and `/readyz`. `Server` listens (`listen.ts`), lets browser pages of known origins and
 * all other programs in (`origin.ts`), and keeps each client within the limits (`connection.ts`, `limits.ts`); what the
 * frames mean is the business of the protocol folder. `RuntimePinger` tells a registry that the runtime is alive.
 */
export { CannotListenError, PortTakenError } from './errors.js';
export { DEFAULT_LIMITS, type ServerLimits } from './limits.js';
export { freePort } from './listen.js';
export { DEFAULT_IDE, liveUrl, liveUrlLine } from './live-url.js';
export { RuntimePinger, type RuntimePingerOptions } from './runtime-pinger.js';
export { Server, type ServerOptions } from './server.js';
