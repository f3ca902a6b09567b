import { once } from 'node:events';
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
