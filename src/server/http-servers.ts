import { createServer, type Server as HttpServer, type ServerOptions } from 'node:http';
import type { Server as HttpsServer } from 'node:https';
import { createSecureContext } from 'node:tls';
import { messageOf } from '../errors.js';
import { TlsError } from './errors.js';

/** A certificate, with those that vouch for it behind it, and its private key: PEM text. */
export interface TlsPem {
  readonly cert: string;
  readonly key: string;
}

export interface HttpLimits {
  /** How long a request, an upgrade or a TLS handshake may take to come in. */
  readonly requestWithinMs: number;
  /** TCP connections at a time; one more is closed at once. */
  readonly maxConnections: number;
}

/** Makes the HTTP servers of one door, all alike: with a certificate they speak TLS only, and can be given a newer one. */
export class HttpServers {
  readonly #create: () => HttpServer;
  readonly #secure: HttpsServer[] = [];

  private constructor(create: () => HttpServer) {
    this.#create = create;
  }

  /** @throws {TlsError} for a certificate and a key that do not serve */
  static async open({ requestWithinMs, maxConnections }: HttpLimits, tls: TlsPem | undefined): Promise<HttpServers> {
    const options: ServerOptions = {
      headersTimeout: requestWithinMs,
      requestTimeout: requestWithinMs,
      connectionsCheckingInterval: Math.max(10, requestWithinMs / 5),
    };
    const limited = <S extends HttpServer>(server: S): S => Object.assign(server, { maxConnections });
    if (!tls) return new HttpServers(() => limited(createServer(options)));
    checkTls(tls);
    // Loaded only where it is used: it costs every start some milliseconds.
    const https = await import('node:https');
    const servers = new HttpServers(() => {
      const server = limited(https.createServer({ ...options, ...tls, handshakeTimeout: requestWithinMs }));
      servers.#secure.push(server);
      return server;
    });
    return servers;
  }

  create(): HttpServer {
    return this.#create();
  }

  /** For connections from now on. @throws {TlsError} and keeps what there was */
  renew(tls: TlsPem): void {
    checkTls(tls);
    for (const server of this.#secure) server.setSecureContext(tls);
  }
}

/** @throws {TlsError} for text that is no PEM, or a key that is not the one of the certificate */
export function checkTls({ cert, key }: TlsPem): void {
  // Empty text would count as not given.
  if (!cert.includes(PEM)) throw new TlsError('the certificate cannot be used: it is no PEM');
  if (!key.includes(PEM)) throw new TlsError('the private key cannot be used: it is no PEM');
  check({ cert }, 'the certificate cannot be used');
  check({ key }, 'the private key cannot be used');
  check({ cert, key }, 'the private key is not the one of the certificate');
}

const PEM = '-----BEGIN ';

function check(tls: Partial<TlsPem>, otherwise: string): void {
  try {
    createSecureContext(tls);
  } catch (error) {
    throw new TlsError(`${otherwise}: ${messageOf(error)}`, { cause: error });
  }
}
