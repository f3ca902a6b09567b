import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmod, rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { join, resolve } from 'node:path';
import { type Engine, type EngineCounters, type EngineHeaders, MemoryEngine } from '../engine/index.js';
import { MsgfloError } from '../errors.js';
import type { QueueName } from '../names.js';
import type { Logger } from '../support/index.js';
import { deadLetterHeaders } from '../transport/index.js';
import { formatLocalAddress, type LocalAddress } from '../transport/local/index.js';
import { lastLoopbackAddress, readBrokerFile } from './broker-file.js';
import { ClientDoor } from './client-door.js';
import { BrokerRunningError, clearSocketPath, MAX_SOCKET_PATH_BYTES } from './unix-socket.js';

export interface EmbeddedBrokerOptions {
  /** The folder of the socket; made and closed to others (0700). */
  readonly dir: string;
  readonly log: Logger;
  /** @default a MemoryEngine */
  readonly engine?: Engine;
  /** Loopback TCP with a token instead of a Unix socket. @default where a Unix socket is not possible */
  readonly tcp?: boolean;
}

export interface BrokerCounters extends EngineCounters {
  readonly connections: number;
  /** Connections that were ended because of what came over them. */
  readonly refused: number;
}

/** An engine behind a Unix socket, or behind a port of the loopback interface for who knows its token. */
export class EmbeddedBroker {
  readonly address: string;
  readonly #engine: Engine;
  readonly #log: Logger;
  readonly #server: Server;
  readonly #socketPath: string | undefined;
  readonly #token: string | undefined;
  readonly #doors = new Set<ClientDoor>();
  #refused = 0;

  private constructor(options: EmbeddedBrokerOptions, server: Server, address: LocalAddress) {
    this.#engine = options.engine ?? new MemoryEngine({ expired });
    this.#log = options.log;
    this.#server = server;
    this.#socketPath = 'path' in address ? address.path : undefined;
    this.#token = 'token' in address ? address.token : undefined;
    this.address = formatLocalAddress(address);
    server.on('connection', (socket) => this.#accept(socket));
  }

  /** @throws {BrokerRunningError} when another one answers at that place */
  static async listen(options: EmbeddedBrokerOptions): Promise<EmbeddedBroker> {
    const path = join(resolve(options.dir), 'broker.sock');
    const canUnix = process.platform !== 'win32' && Buffer.byteLength(path) <= MAX_SOCKET_PATH_BYTES;
    const server = createServer({ noDelay: true });
    if (options.tcp ?? !canUnix)
      return new EmbeddedBroker(options, server, await listenOnLoopback(server, options.dir));
    await clearSocketPath(path);
    server.listen(path);
    try {
      await once(server, 'listening');
    } catch (error) {
      throw new BrokerRunningError(`cannot listen on ${path}: another broker has just begun to`, { cause: error });
    }
    const broker = new EmbeddedBroker(options, server, { path });
    await chmod(path, 0o600);
    return broker;
  }

  get counters(): BrokerCounters {
    return { ...this.#engine.counters, connections: this.#doors.size, refused: this.#refused };
  }

  /** Cuts everybody off and takes the socket away. What is in the queues is lost. Idempotent. */
  async stop(): Promise<void> {
    const closed = new Promise<void>((done) => this.#server.close(() => done()));
    for (const door of this.#doors) door.destroy();
    await closed;
    if (this.#socketPath) await rm(this.#socketPath, { force: true });
  }

  #accept(socket: Socket): void {
    const door: ClientDoor = new ClientDoor(socket, {
      engine: this.#engine,
      token: this.#token,
      onEnd: (reason) => {
        this.#doors.delete(door);
        // Of a connection that merely broke, its own side knows more.
        if (!(reason instanceof MsgfloError)) return;
        this.#refused += 1;
        this.#log.warnOnce(reason.message, `ended a connection: ${reason.message}`);
      },
    });
    this.#doors.add(door);
  }
}

function expired(inqueue: QueueName, headers: EngineHeaders): EngineHeaders {
  return deadLetterHeaders(inqueue, headers, { deadLetter: 'expired' });
}

/** On the port and with the token of the last broker of this folder if they can be had: its clients look there. */
async function listenOnLoopback(server: Server, dir: string): Promise<LocalAddress> {
  const running = await readBrokerFile(dir);
  if (running) throw new BrokerRunningError(`a broker is already running here: process ${running.pid} in ${dir}`);
  const last = await lastLoopbackAddress(dir);
  const listenOn = async (port: number): Promise<void> => {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
  };
  await listenOn(last?.port ?? 0).catch(() => listenOn(0));
  const bound = server.address();
  const port = typeof bound === 'object' && bound ? bound.port : 0;
  return { host: '127.0.0.1', port, token: last?.token ?? randomBytes(32).toString('base64url') };
}
