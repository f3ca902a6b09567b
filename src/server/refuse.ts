import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';

export interface Refusal {
  readonly status: number;
  /** One line, for people. */
  readonly reason: string;
}

/** Answers by hand, where there is no HTTP response to write to, and ends the connection. */
export function refuse(socket: Duplex, { status, reason }: Refusal): void {
  const body = `${reason}\n`;
  socket.once('finish', () => socket.destroy());
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nconnection: close\r\ncontent-type: text/plain\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}

/**
 * Ends a connection on which no HTTP, or no TLS, came, or not all of it in time.
 * @returns whether its peer is to blame; one that is gone is not
 */
export function refuseRequest(error: Error, socket: Duplex): boolean {
  const code = 'code' in error ? String(error.code) : '';
  // Without these it is no HTTP yet: before the end of a TLS handshake nothing can be said.
  if (socket.writable && /^(HPE|ERR_HTTP)_/.test(code)) {
    const status = code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 408 : code === 'HPE_HEADER_OVERFLOW' ? 431 : 400;
    refuse(socket, { status, reason: 'this is no request that can be answered' });
  } else {
    socket.destroy();
  }
  return code !== 'ECONNRESET' && code !== 'EPIPE';
}
