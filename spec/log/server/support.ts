import { mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type LogNode, MemoryStore, openLogNode } from '../../../src/log/index.js';
import { NodeServer } from '../../../src/log/server/node-server.js';
import { FrameStream, type Reply, readAddress, readReply } from '../../../src/log/wire/index.js';

/** A socket that a spec speaks over as any program might. */
export interface RawClient {
  readonly socket: Socket;
  readonly stream: FrameStream;
  readonly replies: Reply[];
  /** With the reason, if there is one. */
  readonly ended: Promise<Error | undefined>;
  send(message: object): void;
  /** The next reply that was not looked at. */
  next(): Promise<Reply>;
}

export interface ServedNode {
  readonly folder: () => string;
  readonly node: () => LogNode;
  readonly server: () => NodeServer;
  readonly client: () => RawClient;
}

/** A node in memory behind a socket, for each spec. */
export function servedNode(): ServedNode {
  let folder: string;
  let node: LogNode;
  let server: NodeServer;
  let clients: RawClient[];
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'msgflo-log-'));
    node = openLogNode(new MemoryStore());
    clients = [];
    server = await NodeServer.listen(node, { address: { kind: 'ipc', path: join(folder, 'socket') } });
  });
  afterEach(async () => {
    for (const { socket } of clients) socket.destroy();
    await server.stop();
    await node.close();
    rmSync(folder, { recursive: true, force: true });
  });
  return {
    folder: () => folder,
    node: () => node,
    server: () => server,
    client() {
      const client = rawClient(server.address);
      clients.push(client);
      return client;
    },
  };
}

export function rawClient(address: string): RawClient {
  const target = readAddress(address);
  const socket = target.kind === 'ipc' ? connect(target.path) : connect(target.port, target.host);
  const replies: Reply[] = [];
  let taken = 0;
  let notice = (): void => undefined;
  let onEnd = (_reason: Error | undefined): void => undefined;
  const ended = new Promise<Error | undefined>((resolve) => {
    onEnd = resolve;
  });
  const stream = new FrameStream(socket, {
    onEnd,
    onFrame(body) {
      replies.push(readReply(body));
      notice();
    },
  });
  return {
    socket,
    stream,
    replies,
    ended,
    send: (message) => stream.send(JSON.stringify(message)),
    async next() {
      while (replies.length <= taken)
        await new Promise<void>((resolve) => {
          notice = resolve;
        });
      taken += 1;
      const reply = replies[taken - 1];
      if (!reply) throw new Error('no reply');
      return reply;
    },
  };
}
