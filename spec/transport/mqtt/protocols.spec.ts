import { once } from 'node:events';
import { connect as connectTcp, createServer, type Socket } from 'node:net';
import { expect } from 'chai';
import { createWebSocketStream, WebSocketServer } from 'ws';
import type { Logger } from '../../../src/support/index.js';
import { sharedMosquitto, startMosquitto } from '../../support/mosquitto.js';
import { eventually, Opened, Received, unique } from './harness.js';

/** The byte of a CONNECT that says the protocol version, after the fixed header and the name "MQTT". */
const versionOf = (connect: Buffer): number | undefined => connect[connect.indexOf('MQTT') + 4];
const PROTOCOL_5 = 5;

describe('mqtt protocols', () => {
  const opened = new Opened();
  afterEach(() => opened.closeAll());

  /** Stands before Mosquitto and treats a CONNECT of protocol 5 as an old broker does. */
  async function oldBroker(refuse: (socket: Socket) => void, change = (chunk: Buffer) => chunk): Promise<string> {
    const { url } = await sharedMosquitto();
    const sockets = new Set<Socket>();
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.once('data', (first) => {
        if (versionOf(first) === PROTOCOL_5) return refuse(socket);
        const behind = connectTcp(Number(new URL(url).port), '127.0.0.1');
        sockets.add(behind);
        behind.on('error', () => undefined);
        behind.write(first);
        socket.on('data', (chunk) => behind.write(change(chunk)));
        socket.on('end', () => behind.end());
        behind.pipe(socket);
      });
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    opened.later(async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    });
    const address = server.address();
    return `mqtt://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`;
  }

  const refusals: Readonly<Record<string, (socket: Socket) => void>> = {
    'answers with return code 1': (socket) => socket.end(Buffer.from([0x20, 2, 0, 1])),
    'answers with reason 0x84': (socket) => socket.end(Buffer.from([0x20, 3, 0, 0x84, 0])),
    'closes the connection': (socket) => socket.end(),
    'resets the connection': (socket) => socket.resetAndDestroy(),
  };
  for (const [how, refuse] of Object.entries(refusals)) {
    it(`speaks 3.1.1 with a broker that ${how} at protocol 5`, async () => {
      const client = await opened.client(await oldBroker(refuse));
      expect(client.capabilities).to.include({ headers: false, reportsUnrouted: false, persistent: true });
      const received = new Received();
      const queue = unique('old');
      await client.consume(queue, received.handler);
      await client.send('inqueue', queue, { data: { n: 1 }, headers: { a: 'b' } });
      await received.until(1);
      expect(received.deliveries[0]).to.deep.equal({ data: { n: 1 }, headers: {}, redelivered: false });
    });
  }

  it('on 3.1.1 gives two inqueues what the source that both listen to sends', async () => {
    const url = await oldBroker((socket) => socket.end());
    const client = await opened.client(url, { slot: unique('two') });
    const [source, left, right] = [unique('src'), new Received(), new Received()];
    await (await client.consume(unique('left'), left.handler)).listenTo([source]);
    await (await client.consume(unique('right'), right.handler)).listenTo([source]);
    for (let n = 0; n < 10; n += 1) await client.send('outqueue', source, { data: n });
    await Promise.all([left.until(10), right.until(10)]);
  });

  it('says the reason of a dead letter in the log where there are no headers', async () => {
    const lines: string[] = [];
    const log: Logger = { debug() {}, info() {}, warn: (text) => lines.push(text), warnOnce() {} };
    const client = await opened.client(await oldBroker((socket) => socket.end()), {}, log);
    const queue = unique('poison');
    await client.consume(queue, async () => ({ verdict: { deadLetter: 'spoilt' }, outputs: [] }));
    await client.send('inqueue', queue, { data: 1 });
    await eventually(() => lines.some((line) => line.includes(queue) && line.includes('spoilt')));
  });

  it('subscribes plainly where $share is taken and never delivers, and says so once', async () => {
    // To Mosquitto this is one more topic that nobody publishes to.
    const unshare = (chunk: Buffer): Buffer =>
      Buffer.from(chunk.toString('latin1').replace('$share/', '$shape/'), 'latin1');
    const url = await oldBroker((socket) => socket.end(), unshare);
    const said: string[] = [];
    const log: Logger = { debug() {}, info() {}, warn() {}, warnOnce: (_key, text) => said.push(text) };
    const queue = unique('plain');
    const [one, two] = [new Received(), new Received()];
    const client = await opened.client(url, {}, log);
    await client.consume(queue, one.handler);
    await (await opened.client(url)).consume(queue, two.handler);
    await client.send('inqueue', queue, { data: 1 });
    await Promise.all([one.until(1), two.until(1)]);
    expect(said).to.have.length(1);
    expect(said[0]).to.include('cannot share');
  });

  it('works over WebSocket', async () => {
    const { url } = await sharedMosquitto();
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1', handleProtocols: () => 'mqtt' });
    server.on('connection', (socket) => {
      const stream = createWebSocketStream(socket);
      stream.pipe(connectTcp(Number(new URL(url).port), '127.0.0.1')).pipe(stream);
    });
    await once(server, 'listening');
    opened.later(async () => {
      server.close();
    });
    const address = server.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    const client = await opened.client(`ws://127.0.0.1:${port}`);
    const queue = unique('ws');
    const received = new Received();
    await client.consume(queue, received.handler);
    await client.send('inqueue', queue, { data: 1 });
    await received.until(1);
  });

  it('refuses wrong credentials at once: MSGFLO_REFUSED', async () => {
    const mosquitto = await startMosquitto({ config: ['allow_anonymous false'] });
    opened.later(() => mosquitto.stop());
    const url = mosquitto.url.replace('mqtt://', 'mqtt://me:wrong@');
    const error = await opened.client(url).catch((reason) => reason);
    expect(error).to.have.property('code', 'MSGFLO_REFUSED');
    expect(error.message).not.to.include('wrong');
  });
});
