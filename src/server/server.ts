import type { Server as HttpServer, IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { type AccessRules, type Network, Protocol, type ProtocolCounts } from '../protocol/index.js';
import type { Logger } from '../support/index.js';
import { Connection, type CutReason } from './connection.js';
import { FrameEncoder } from './frame-encoder.js';
import { HttpServers, type TlsPem } from './http-servers.js';
import { DEFAULT_LIMITS, type ServerLimits } from './limits.js';
import { listen } from './listen.js';
import { DEFAULT_IDE, liveUrl } from './live-url.js';
import { answerMetrics } from './metrics.js';
import { isAllowedOrigin } from './origin.js';
import { answerHttp } from './page.js';
import { type Refusal, refuse, refuseRequest } from './refuse.js';
import { type Refusals, Tally } from './tally.js';

export interface ServerOptions {
  readonly network: Network;
  readonly log: Logger;
  /** @default 'localhost', which is this machine only */
  readonly host?: string;
  /** 0 takes a free one. @default 3569 */
  readonly port?: number;
  /** Who may do what. @default everybody everything */
  readonly access?: AccessRules;
  /** With it all is encrypted, the page too: `https` and `wss` on the one port. */
  readonly tls?: TlsPem;
  /** The address of the visual editor; pages from there may connect. @default DEFAULT_IDE */
  readonly ide?: string;
  /** Further origins whose pages may connect: `https://editor.example.org`; `*` stands for all. @default none */
  readonly allowOrigins?: readonly string[];
  readonly limits?: Partial<ServerLimits>;
  /** What `/readyz` answers. @default always ready */
  readonly isReady?: () => boolean;
  /** What `/metrics` answers, in the text format of Prometheus, to whoever may see the network's status. @default nothing */
  readonly metrics?: () => Promise<string>;
}

/** Clients that came, what they asked, and those that were not served to their end. */
export interface ServerCounts extends ProtocolCounts, Refusals {
  readonly clients: number;
}

/** TCP connections beyond the WebSocket clients: the page, watchdogs, those about to be refused. */
const SPARE_CONNECTIONS = 256;

const WORDS: Readonly<Record<CutReason, string>> = {
  tooSlow: 'it does not read what it is sent',
  tooBig: 'it sent a message above the limit',
  malformed: 'it broke the rules of WebSocket',
  dead: 'it does not answer pings',
};

/** The door of a network: the FBP protocol over WebSocket, a page and health over HTTP, on one port. */
export class Server {
  readonly #options: Required<Omit<ServerOptions, 'limits' | 'access' | 'tls' | 'metrics'>> &
    Pick<ServerOptions, 'tls' | 'metrics'>;
  readonly #limits: ServerLimits;
  readonly #protocol: Protocol;
  readonly #upgrader: WebSocketServer;
  readonly #encoder = new FrameEncoder();
  readonly #connections = new Set<Connection>();
  readonly #sockets = new Set<Duplex>();
  readonly #tally: Tally;
  #clients = 0;
  #https: HttpServers | undefined;
  #servers: readonly HttpServer[] = [];
  #port = 0;
  #heartbeat: NodeJS.Timeout | undefined;
  #started: Promise<void> | undefined;
  #stopped: Promise<void> | undefined;

  constructor({ access, ...options }: ServerOptions) {
    const defaults = { host: 'localhost', port: 3569, ide: DEFAULT_IDE, allowOrigins: [], isReady: () => true };
    this.#options = { ...defaults, ...options };
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.#tally = new Tally(options.log);
    this.#protocol = new Protocol({ network: options.network, log: options.log, ...(access && { access }) });
    this.#upgrader = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      maxPayload: this.#limits.maxMessageBytes,
      // A small frame could become a huge message otherwise.
      perMessageDeflate: false,
      autoPong: false,
      handleProtocols: (offered) => (offered.has('noflo') ? 'noflo' : false),
    });
  }

  /**
   * Resolves when clients can come. One server starts once, and not after `stop`.
   * @throws {PortTakenError | CannotListenError | TlsError} with no socket left open; `stop` ends the rest.
   */
  async start(): Promise<void> {
    if (this.#stopped) throw new Error('a server that was stopped does not start again');
    this.#started ??= this.#start();
    await this.#started;
  }

  /** `ws://host:port`, or `wss://` with a certificate; from `start` on. */
  get address(): string {
    const { host, tls } = this.#options;
    return `${tls ? 'wss' : 'ws'}://${host.includes(':') ? `[${host}]` : host}:${this.#port}`;
  }

  get counts(): ServerCounts {
    return { clients: this.#clients, ...this.#tally.counts, ...this.#protocol.counts };
  }

  /** Has connections from now on see another certificate; of no effect without TLS. @throws {TlsError} and keeps the one before */
  renewTls(tls: TlsPem): void {
    this.#https?.renew(tls);
  }

  /** Takes leave of all clients (1001) and resolves when no socket is left. Idempotent, and safe before `start`. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #start(): Promise<void> {
    const { host, port: wanted, tls } = this.#options;
    const { requestWithinMs, maxClients, pingEveryMs } = this.#limits;
    this.#https = await HttpServers.open({ requestWithinMs, maxConnections: maxClients + SPARE_CONNECTIONS }, tls);
    const https = this.#https;
    const { servers, port } = await listen(host, wanted, () => https.create());
    this.#servers = servers;
    this.#port = port;
    for (const server of servers) this.#serve(server);
    this.#heartbeat = setInterval(() => {
      for (const connection of this.#connections) connection.ping();
    }, pingEveryMs);
  }

  async #stop(): Promise<void> {
    await this.#started?.catch(() => {});
    this.#protocol.close();
    clearInterval(this.#heartbeat);
    const closed = this.#servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve())));
    const left = [...this.#connections].map((connection) =>
      connection.close(1001, 'the runtime is stopping', this.#limits.stopWithinMs),
    );
    for (const server of this.#servers) server.closeAllConnections();
    await Promise.all(left);
    // Those in the middle of a TLS handshake are no HTTP connections yet.
    for (const socket of this.#sockets) socket.destroy();
    await Promise.all(closed);
  }

  #serve(server: HttpServer): void {
    server.on('connection', (socket: Duplex) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
    server.on('request', (request, response) => this.#answer(request, response));
    server.on('upgrade', (request, socket, head) => this.#upgrade(request, socket, head));
    server.on('clientError', (error, socket) => {
      const words = 'a connection was refused: what came is no proper request, or came too slowly';
      if (refuseRequest(error, socket)) this.#tally.count('badRequests', words);
    });
    server.on('drop', () => {
      const max = this.#limits.maxClients + SPARE_CONNECTIONS;
      this.#tally.count('turnedAway', `there are ${max} connections: further ones are closed at once`);
    });
    server.on('error', (error) => this.#options.log.warn(`the server failed: ${error.message}`));
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const { network, ide, isReady, metrics, host, log } = this.#options;
    const { address } = this;
    const { label, id } = network;
    const facts = { label, address, liveUrl: liveUrl({ ide, address, id }), isReady: isReady() };
    const rules = {
      host,
      isAllowedOrigin: () => this.#isAllowed(request),
      permits: (secret: string | undefined) => this.#protocol.permits(secret, 'network:status'),
      log,
    };
    const told = metrics && { metrics: () => answerMetrics(request, { ...rules, metrics }) };
    void answerHttp(request, response, { ...facts, ...told });
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', () => socket.destroy());
    const refusal = this.#refusalOf(request);
    if (refusal) refuse(socket, refusal);
    else this.#upgrader.handleUpgrade(request, socket, head, (ws) => this.#accept(ws, socket));
  }

  #isAllowed({ headers: { origin, host } }: IncomingMessage): boolean {
    if (isAllowedOrigin(origin, host, { ...this.#options, isTls: this.#options.tls !== undefined })) return true;
    const page = String(origin)
      .replace(/[^ -~]/g, '?')
      .slice(0, 200);
    this.#tally.count('wrongOrigin', `a page of ${page} was refused (--allow-origin ${page} lets it in)`, page);
    return false;
  }

  #refusalOf(request: IncomingMessage): Refusal | undefined {
    if (this.#stopped) return { status: 503, reason: 'the runtime is stopping' };
    if (!this.#isAllowed(request)) return { status: 403, reason: 'pages of this origin may not connect' };
    const { maxClients } = this.#limits;
    if (this.#connections.size >= maxClients) {
      this.#tally.count('tooMany', `there are ${maxClients} clients: further ones are refused`);
      return { status: 503, reason: 'too many clients' };
    }
    return undefined;
  }

  #accept(ws: WebSocket, socket: Duplex): void {
    this.#clients += 1;
    const connection = new Connection(ws, socket, {
      limits: this.#limits,
      encoder: this.#encoder,
      open: (send) => this.#protocol.open(send),
      dropped: () => this.#tally.count('dropped', 'a client reads too slowly: it is sent less, and is told so'),
      cut: (reason) => this.#tally.count(reason, `a client was cut off: ${WORDS[reason]}`),
      closed: () => this.#connections.delete(connection),
    });
    this.#connections.add(connection);
  }
}
