import { type Server as HttpServer, type IncomingMessage, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { type Network, Protocol, type ProtocolCounts } from '../protocol/index.js';
import type { Logger } from '../support/index.js';
import { Connection, type CutReason } from './connection.js';
import { DEFAULT_LIMITS, type ServerLimits } from './limits.js';
import { listen } from './listen.js';
import { DEFAULT_IDE, liveUrl } from './live-url.js';
import { isAllowedOrigin } from './origin.js';
import { answerHttp } from './page.js';

export interface ServerOptions {
  readonly network: Network;
  readonly log: Logger;
  /** @default 'localhost', which is this machine only */
  readonly host?: string;
  /** 0 takes a free one. @default 3569 */
  readonly port?: number;
  /** The address of the visual editor; pages from there may connect. @default DEFAULT_IDE */
  readonly ide?: string;
  readonly limits?: Partial<ServerLimits>;
  /** What `/readyz` answers. @default always ready */
  readonly isReady?: () => boolean;
}

/** Clients that came, and those that were not served to their end. */
export interface ServerCounts extends ProtocolCounts {
  readonly clients: number;
  readonly tooMany: number;
  readonly wrongOrigin: number;
  readonly tooSlow: number;
  readonly tooBig: number;
  readonly dead: number;
}

interface Refusal {
  readonly status: 403 | 503;
  readonly reason: string;
}

const COUNTED = { 'too slow': 'tooSlow', 'too big': 'tooBig', dead: 'dead' } as const;

/** TCP connections beyond the WebSocket clients: the page, watchdogs, those about to be refused. */
const SPARE_CONNECTIONS = 256;
const REQUEST_WITHIN_MS = 10_000;

/** The door of a network: the FBP protocol over WebSocket, a page and health over HTTP, on one port. */
export class Server {
  readonly #options: Required<Omit<ServerOptions, 'limits'>>;
  readonly #limits: ServerLimits;
  readonly #protocol: Protocol;
  readonly #upgrader: WebSocketServer;
  readonly #connections = new Set<Connection>();
  readonly #counts = { clients: 0, tooMany: 0, wrongOrigin: 0, tooSlow: 0, tooBig: 0, dead: 0 };
  #servers: readonly HttpServer[] = [];
  #port = 0;
  #heartbeat: NodeJS.Timeout | undefined;
  #started: Promise<void> | undefined;
  #stopped: Promise<void> | undefined;

  constructor(options: ServerOptions) {
    this.#options = { host: 'localhost', port: 3569, ide: DEFAULT_IDE, isReady: () => true, ...options };
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.#protocol = new Protocol({ network: options.network, log: options.log });
    this.#upgrader = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      maxPayload: this.#limits.maxMessageBytes,
      handleProtocols: (offered) => (offered.has('noflo') ? 'noflo' : false),
    });
  }

  /**
   * Resolves when clients can come. One server starts once, and not after `stop`.
   * @throws {PortTakenError | CannotListenError} with no socket left open; `stop` ends the rest.
   */
  async start(): Promise<void> {
    if (this.#stopped) throw new Error('a server that was stopped does not start again');
    this.#started ??= this.#start();
    await this.#started;
  }

  /** `ws://host:port`, from `start` on. */
  get address(): string {
    const { host } = this.#options;
    return `ws://${host.includes(':') ? `[${host}]` : host}:${this.#port}`;
  }

  get counts(): ServerCounts {
    return { ...this.#counts, ...this.#protocol.counts };
  }

  /** Takes leave of all clients (1001) and resolves when no socket is left. Idempotent, and safe before `start`. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #start(): Promise<void> {
    const { servers, port } = await listen(this.#options.host, this.#options.port);
    this.#servers = servers;
    this.#port = port;
    for (const server of servers) this.#serve(server);
    this.#heartbeat = setInterval(() => {
      for (const connection of this.#connections) connection.ping();
    }, this.#limits.pingEveryMs);
  }

  async #stop(): Promise<void> {
    await this.#started?.catch(() => {});
    this.#protocol.close();
    clearInterval(this.#heartbeat);
    const closed = this.#servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve())));
    for (const connection of this.#connections) {
      connection.close(1001, 'the runtime is stopping', this.#limits.stopWithinMs);
    }
    for (const server of this.#servers) server.closeAllConnections();
    await Promise.all(closed);
  }

  #serve(server: HttpServer): void {
    server.maxConnections = this.#limits.maxClients + SPARE_CONNECTIONS;
    server.headersTimeout = REQUEST_WITHIN_MS;
    server.requestTimeout = REQUEST_WITHIN_MS;
    server.on('request', (request, response) => {
      const { network, ide, isReady } = this.#options;
      const { address } = this;
      const { label, id } = network;
      answerHttp(request, response, { label, address, liveUrl: liveUrl({ ide, address, id }), isReady: isReady() });
    });
    server.on('upgrade', (request, socket, head) => this.#upgrade(request, socket, head));
    server.on('error', (error) => this.#options.log.warn(`the server failed: ${error.message}`));
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', () => socket.destroy());
    const refusal = this.#refusalOf(request);
    if (refusal) refuse(socket, refusal);
    else this.#upgrader.handleUpgrade(request, socket, head, (ws) => this.#accept(ws, socket));
  }

  #refusalOf({ headers: { origin, host } }: IncomingMessage): Refusal | undefined {
    const { log } = this.#options;
    if (this.#stopped) return { status: 503, reason: 'the runtime is stopping' };
    if (!isAllowedOrigin(origin, host, this.#options)) {
      this.#counts.wrongOrigin += 1;
      const page = String(origin).slice(0, 200);
      log.warnOnce(`origin ${page}`, `a page of ${page} was refused (--ide allows the pages of another editor)`);
      return { status: 403, reason: 'pages of this origin may not connect' };
    }
    if (this.#connections.size >= this.#limits.maxClients) {
      this.#counts.tooMany += 1;
      log.warnOnce('too many', `there are ${this.#limits.maxClients} clients: further ones are refused`);
      return { status: 503, reason: 'too many clients' };
    }
    return undefined;
  }

  #accept(ws: WebSocket, socket: Duplex): void {
    this.#counts.clients += 1;
    const connection = new Connection(ws, socket, {
      limits: this.#limits,
      open: (send) => this.#protocol.open(send),
      cut: (reason) => this.#cut(reason),
      closed: () => this.#connections.delete(connection),
    });
    this.#connections.add(connection);
  }

  #cut(reason: CutReason): void {
    this.#counts[COUNTED[reason]] += 1;
    this.#options.log.warnOnce(reason, `a client was cut off: ${reason}`);
  }
}

function refuse(socket: Duplex, { status, reason }: Refusal): void {
  const body = `${reason}\n`;
  socket.once('finish', () => socket.destroy());
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nconnection: close\r\ncontent-type: text/plain\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}
