import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { type ClientOptions, WebSocket } from 'ws';
import { Server, type ServerOptions } from '../../src/server/index.js';
import { silentLogger } from '../../src/support/index.js';
import { fakeNetwork, type Told } from '../protocol/fake-network.js';

/** A server on a free port; stopped after each spec of the suite that calls this. */
export function serversForSpecs(): (options?: Partial<ServerOptions>) => Promise<Server> {
  const servers: Server[] = [];
  afterEach(async () => {
    await Promise.all(servers.splice(0).map((server) => server.stop()));
  });
  return async (options = {}) => {
    const server = new Server({ network: fakeNetwork(), log: silentLogger, port: 0, ...options });
    servers.push(server);
    await server.start();
    return server;
  };
}

/** An FBP client on a real socket. */
export class TestClient {
  readonly ws: WebSocket;
  readonly told: Told[] = [];
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
  #wake: () => void = () => {};

  constructor(address: string, protocols: string[] = ['noflo'], options: ClientOptions = {}) {
    this.ws = new WebSocket(address, protocols, options);
    this.ws.on('message', (data) => {
      this.told.push(JSON.parse(String(data)) as Told);
      this.#wake();
    });
    this.ws.on('error', () => {});
    this.closed = new Promise((resolve) => {
      this.ws.on('close', (code, reason) => resolve({ code, reason: String(reason) }));
    });
  }

  static async open(address: string, protocols?: string[], options?: ClientOptions): Promise<TestClient> {
    const client = new TestClient(address, protocols, options);
    await once(client.ws, 'open');
    return client;
  }

  send(name: string, payload: unknown = {}, more: object = {}): void {
    const [protocol, command] = name.split(':');
    this.ws.send(JSON.stringify({ protocol, command, payload, ...more }));
  }

  /** The first `count` messages, once they are there. */
  async messages(count: number): Promise<readonly Told[]> {
    while (this.told.length < count) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return this.told.slice(0, count);
  }
}

/** Waits for a condition that nothing announces; mocha's time limit bounds it. */
export async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await delay(5);
}

/** The HTTP status that an attempt to connect was answered with. */
export async function statusOfAttempt(address: string, options: ClientOptions = {}): Promise<number | undefined> {
  const ws = new WebSocket(address, ['noflo'], options);
  ws.on('error', () => {});
  return new Promise((resolve) => {
    ws.on('open', () => {
      ws.terminate();
      resolve(101);
    });
    ws.on('unexpected-response', (request, response) => {
      resolve(response.statusCode);
      request.destroy();
    });
  });
}

/** A client on a bare socket, which can send what no library would. */
export class RawClient {
  readonly socket: Socket;
  readonly closed: Promise<unknown>;
  #received = Buffer.alloc(0);

  constructor(address: string) {
    const { hostname, port } = new URL(address);
    this.socket = connect(Number(port), hostname);
    this.socket.on('error', () => {});
    this.socket.on('data', (bytes) => {
      this.#received = Buffer.concat([this.#received, bytes]);
    });
    this.closed = new Promise((resolve) => this.socket.once('close', resolve));
  }

  /** Upgraded to WebSocket. */
  static async open(address: string, headers = ''): Promise<RawClient> {
    const client = new RawClient(address);
    client.socket.write(upgradeRequest(headers));
    await until(() => client.text.includes('\r\n\r\n'));
    return client;
  }

  /** All that came so far. */
  get text(): string {
    return this.#received.toString('latin1');
  }

  /** What came behind the answer to the upgrade. */
  get frames(): Buffer {
    return this.#received.subarray(this.#received.indexOf('\r\n\r\n') + 4);
  }
}

export function upgradeRequest(headers = ''): string {
  return (
    `GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n${headers}` +
    'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n'
  );
}

/** A frame as a client sends it: masked, with a mask that changes nothing. */
export function frame(opcode: number, payload: Buffer | string, { fin = true, rsv = 0, length = -1 } = {}): Buffer {
  const bytes = Buffer.from(payload);
  const size = length < 0 ? bytes.length : length;
  const head = Buffer.alloc(14);
  head[0] = (fin ? 0x80 : 0) | (rsv << 4) | opcode;
  head[1] = 0x80 | 127;
  head.writeBigUInt64BE(BigInt(size), 2);
  return Buffer.concat([head, bytes]);
}

/** The same for control frames, whose length stands in one byte. */
export function controlFrame(opcode: number, payload: Buffer | string): Buffer {
  const bytes = Buffer.from(payload);
  return Buffer.concat([Buffer.from([0x80 | opcode, 0x80 | bytes.length, 0, 0, 0, 0]), bytes]);
}
