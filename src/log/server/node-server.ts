import type { Server, Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { MsgfloError } from '../../errors.js';
import { type Logger, silentLogger } from '../../support/index.js';
import type { LogNode } from '../node/log-node.js';
import { formatAddress, type LogAddress, type TlsTexts } from '../wire/index.js';
import { Connection } from './connection.js';
import { hearFirstWords } from './first-words.js';
import { listen } from './listen.js';
import { NodeAnswers } from './node-answers.js';
import { tellTlsRefusals } from './tls-refusals.js';

const FINISH_MS = 5000;

export interface NodeServerOptions {
  readonly address: LogAddress;
  /** Then only clients with a certificate of the same authority are let in. */
  readonly tls?: TlsTexts | undefined;
  /** Asked for, in a frame before all others. @default no token: the file system or TLS guards the door */
  readonly token?: string | undefined;
  /** Takes sockets of clients that speak something else, from their first byte on. @default they are cut off */
  readonly onOther?: ((socket: Socket) => void) | undefined;
  /** Shared by all doors of one node. @default its own */
  readonly answers?: NodeAnswers;
  /** Told of clients that broke the rules. @default silent */
  readonly logger?: Logger;
}

/** A node's door: any number of clients at one address. The node itself is its owner's to close. */
export class NodeServer {
  /** As clients write it; with the port that was given where 0 was asked for. */
  readonly address: string;
  readonly #server: Server;
  readonly #answers: NodeAnswers;
  readonly #logger: Logger;
  readonly #options: Pick<NodeServerOptions, 'token' | 'onOther'>;
  readonly #connections = new Set<Connection>();
  /** Those that said nothing yet. */
  readonly #silent = new Set<Socket>();

  private constructor(node: LogNode, server: Server, options: NodeServerOptions) {
    const { address, tls, logger = silentLogger } = options;
    this.#options = options;
    this.#server = server;
    this.#answers = options.answers ?? new NodeAnswers(node);
    this.#logger = logger;
    const bound = server.address();
    const port = typeof bound === 'object' && bound ? bound.port : 0;
    this.address = formatAddress(address.kind === 'tcp' ? { ...address, port } : address);
    server.on(tls ? 'secureConnection' : 'connection', (socket: Socket) => this.#accept(socket));
    if (tls) tellTlsRefusals(server, logger);
    server.on('error', (error) => logger.warn(`the door of the log: ${error.message}`));
  }

  /** @throws {AddressInUseError} when somebody answers there */
  static async listen(node: LogNode, options: NodeServerOptions): Promise<NodeServer> {
    return new NodeServer(node, await listen(options.address, options.tls), options);
  }

  /** That speak JSON. */
  get clients(): number {
    return this.#connections.size;
  }

  /** Takes no more requests, answers what is in hand (at most 5 s), leaves and takes the socket away. Idempotent. */
  async stop(): Promise<void> {
    this.#answers.close();
    if (!this.#server.listening) return;
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.#silent) socket.destroy();
    const limit = AbortSignal.timeout(FINISH_MS);
    await Promise.all([...this.#connections].map((connection) => connection.finish(limit)));
    const over = new AbortController();
    const late = delay(FINISH_MS, undefined, { signal: over.signal }).then(
      () => {
        for (const connection of this.#connections) connection.destroy();
      },
      () => undefined,
    );
    await closed;
    over.abort();
    await late;
  }

  #accept(socket: Socket): void {
    const { token, onOther } = this.#options;
    if (token === undefined && !onOther) {
      this.#serve(socket);
      return;
    }
    this.#silent.add(socket);
    const heard = (take: (socket: Socket) => void) => (): void => {
      this.#silent.delete(socket);
      take(socket);
    };
    socket.once('close', () => this.#silent.delete(socket));
    hearFirstWords(socket, {
      token,
      ...(onOther && { onOther: heard(onOther) }),
      onJson: heard(() => this.#serve(socket)),
      onRefused: ({ message }) => this.#logger.warnOnce(message, `ended a connection: ${message}`),
    });
  }

  #serve(socket: Socket): void {
    const connection: Connection = new Connection(socket, this.#answers, (reason) => {
      this.#connections.delete(connection);
      // Of a connection that merely broke, its own side knows more.
      if (reason instanceof MsgfloError) this.#logger.warnOnce(reason.message, `ended a connection: ${reason.message}`);
    });
    this.#connections.add(connection);
  }
}
