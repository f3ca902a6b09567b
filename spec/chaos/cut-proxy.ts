import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

/**
 * Stands between one client and its broker. Cut, it takes connections but passes nothing on in either direction, as a
 * network does that lost its way; mended, it resets all connections of that time and passes on those made later.
 */
export class CutProxy {
  /** The broker's address by way of this proxy. */
  readonly url: string;
  readonly #server: Server;
  readonly #target: URL;
  readonly #sockets = new Set<Socket>();
  #isCut = false;

  private constructor(server: Server, target: URL) {
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('the proxy listens on no port');
    const url = new URL(target);
    url.host = `127.0.0.1:${address.port}`;
    this.url = url.href.replace(/\/$/, '');
    this.#server = server;
    this.#target = target;
    server.on('connection', (client) => this.#join(client));
  }

  static async to(url: string): Promise<CutProxy> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new CutProxy(server, new URL(url));
  }

  get isCut(): boolean {
    return this.#isCut;
  }

  cut(): void {
    this.#isCut = true;
    for (const socket of this.#sockets) socket.unpipe().pause();
  }

  mend(): void {
    this.#isCut = false;
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  async close(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #join(client: Socket): void {
    const broker = this.#isCut ? undefined : connect(Number(this.#target.port), this.#target.hostname);
    for (const socket of broker ? [client, broker] : [client]) {
      this.#sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('error', () => undefined);
      socket.once('close', (isBroken) => {
        this.#sockets.delete(socket);
        const other = socket === client ? broker : client;
        if (isBroken) other?.resetAndDestroy();
        else other?.end();
      });
    }
    if (broker) client.pipe(broker).pipe(client);
    else client.pause();
  }
}
