import type { Server } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { Logger } from '../../support/index.js';
import { tlsReason } from '../wire/index.js';

/** Says whom a door with TLS refused, and why: once for each address and reason. */
export function tellTlsRefusals(server: Server, logger: Logger): void {
  const places = new WeakMap<TLSSocket, string>();
  // In the middle of the handshake; a connection that is over does not know any more where it came from.
  server.on('keylog', (_secret: Buffer, socket: TLSSocket) => {
    if (!places.has(socket) && socket.remoteAddress !== undefined) places.set(socket, socket.remoteAddress);
  });
  server.on('tlsClientError', (error: Error, socket: TLSSocket) => {
    const from = socket.remoteAddress ?? places.get(socket) ?? 'an unknown address';
    // What Node found wrong with the certificate it says here; the error is only that it hung up.
    const why = tlsReason(socket.authorizationError || error) ?? error.message.trim();
    logger.warnOnce(`tls-refused ${from} ${why}`, `refused a connection from ${from}: ${why}`);
  });
}
