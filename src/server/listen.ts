import { lookup } from 'node:dns/promises';
import { createServer, type Server as HttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { messageOf } from '../errors.js';
import { CannotListenError, PortTakenError } from './errors.js';

export interface Listening {
  /** One for each address that the host's name stands for. */
  readonly servers: readonly HttpServer[];
  readonly port: number;
}

/** How often a free port is looked for that is free on all addresses. */
const FREE_PORT_TRIES = 10;

/**
 * Listens on every address of `host`: `localhost` is usually two, and clients pick either. Port 0 takes a free one.
 * @throws {PortTakenError} if the port is taken on one of them; none is listened on then.
 * @throws {CannotListenError} for a host that is not here or a port that may not be used.
 */
export async function listen(host: string, port: number, addressesOf = lookUp): Promise<Listening> {
  const addresses = await addressesOf(host);
  for (let tries = 1; ; tries += 1) {
    try {
      return await listenOnAll(addresses, host, port);
    } catch (error) {
      const isUnlucky = port === 0 && error instanceof PortTakenError;
      if (!isUnlucky || tries === FREE_PORT_TRIES) throw error;
    }
  }
}

/** A port that is free just now on every address of `host`. @throws as `listen` */
export async function freePort(host: string): Promise<number> {
  const { servers, port } = await listen(host, 0);
  await Promise.all(servers.map((server) => new Promise((closed) => server.close(closed))));
  return port;
}

async function lookUp(host: string): Promise<readonly string[]> {
  try {
    const found = await lookup(host, { all: true });
    return [...new Set(found.map(({ address }) => address))];
  } catch (error) {
    throw new CannotListenError(`--host ${host}: there is no such host`, { cause: error });
  }
}

async function listenOnAll(addresses: readonly string[], host: string, wanted: number): Promise<Listening> {
  const servers: HttpServer[] = [];
  let port = wanted;
  try {
    for (const address of addresses) {
      const server = await listenOn(address, port, servers.length > 0);
      if (!server) continue;
      servers.push(server);
      port = portOf(server);
    }
    return { servers, port };
  } catch (error) {
    for (const server of servers) server.close();
    throw codeOf(error) === 'EADDRINUSE'
      ? new PortTakenError(host, port, { cause: error })
      : new CannotListenError(`cannot listen on ${host}:${port}: ${messageOf(error)}`, { cause: error });
  }
}

/** Undefined where a further address of a name is not this machine's: `::1` stands in hosts files without IPv6 too. */
async function listenOn(address: string, port: number, isFurther: boolean): Promise<HttpServer | undefined> {
  const server = createServer();
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host: address, port, ipv6Only: true }, resolve);
    });
    return server;
  } catch (error) {
    if (isFurther && ['EADDRNOTAVAIL', 'EAFNOSUPPORT'].includes(codeOf(error))) return undefined;
    throw error;
  }
}

function portOf(server: HttpServer): number {
  const address: AddressInfo | string | null = server.address();
  if (address === null || typeof address === 'string') throw new Error('an HTTP server has no port');
  return address.port;
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}
