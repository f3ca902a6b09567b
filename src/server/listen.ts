import { lookup } from 'node:dns/promises';
import { createServer, type Server as HttpServer } from 'node:http';
import { type AddressInfo, BlockList, isIP } from 'node:net';
import { messageOf } from '../errors.js';
import { CannotListenError, PortTakenError } from './errors.js';

export interface Listening {
  /** One for each address that the host's name stands for. */
  readonly servers: readonly HttpServer[];
  readonly port: number;
}

/** What makes a server that does not listen yet. */
type Create = () => HttpServer;

/** How often a free port is looked for that is free on all addresses. */
const FREE_PORT_TRIES = 10;

/**
 * Listens on every address of `host`: `localhost` is usually two, and clients pick either. Port 0 takes a free one.
 * @throws {PortTakenError} if the port is taken on one of them; none is listened on then.
 * @throws {CannotListenError} for a host that is not here or a port that may not be used.
 */
export async function listen(
  host: string,
  port: number,
  create: Create = createServer,
  addressesOf = lookUp,
): Promise<Listening> {
  const addresses = await addressesOf(host);
  for (let tries = 1; ; tries += 1) {
    try {
      return await listenOnAll(addresses, { host, port, create });
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

/** Whether only programs of this machine can reach what listens on `host`. @throws {CannotListenError} for no such host */
export async function isLoopback(host: string, addressesOf = lookUp): Promise<boolean> {
  const addresses = await addressesOf(host);
  return addresses.length > 0 && addresses.every(isLoopbackName);
}

/** Whether a name or address is this machine's own by its spelling, whatever a resolver says. */
export function isLoopbackName(name: string): boolean {
  if (isIP(name) === 0) return name.toLowerCase() === 'localhost';
  const loopback = new BlockList();
  loopback.addSubnet('127.0.0.0', 8);
  loopback.addAddress('::1', 'ipv6');
  return loopback.check(name, isIP(name) === 6 ? 'ipv6' : 'ipv4');
}

async function lookUp(host: string): Promise<readonly string[]> {
  try {
    const found = await lookup(host, { all: true });
    return [...new Set(found.map(({ address }) => address))];
  } catch (error) {
    throw new CannotListenError(`--host ${host}: there is no such host`, { cause: error });
  }
}

interface Wanted {
  readonly host: string;
  readonly port: number;
  readonly create: Create;
}

async function listenOnAll(addresses: readonly string[], { host, port: wanted, create }: Wanted): Promise<Listening> {
  const servers: HttpServer[] = [];
  let port = wanted;
  try {
    for (const address of addresses) {
      const server = create();
      if (!(await listenOn(server, address, { port, isFurther: servers.length > 0 }))) continue;
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

/** False where a further address of a name is not this machine's: `::1` stands in hosts files without IPv6 too. */
async function listenOn(
  server: HttpServer,
  address: string,
  { port, isFurther }: { readonly port: number; readonly isFurther: boolean },
): Promise<boolean> {
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host: address, port, ipv6Only: true }, resolve);
    });
    return true;
  } catch (error) {
    if (isFurther && ['EADDRNOTAVAIL', 'EAFNOSUPPORT'].includes(codeOf(error))) return false;
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
