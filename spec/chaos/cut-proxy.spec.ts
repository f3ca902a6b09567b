import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import { CutProxy } from './cut-proxy.js';

describe('CutProxy', () => {
  let echo: Server;
  let proxy: CutProxy;
  const clients: Socket[] = [];

  beforeEach(async () => {
    echo = createServer((socket) => void socket.on('error', () => undefined).pipe(socket)).listen(0, '127.0.0.1');
    await once(echo, 'listening');
    const address = echo.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    proxy = await CutProxy.to(`mqtt://user:word@127.0.0.1:${address.port}`);
  });
  afterEach(async () => {
    for (const client of clients.splice(0)) client.destroy();
    await proxy.close();
    echo.close();
  });

  const client = async (): Promise<Socket> => {
    const socket = connect(Number(new URL(proxy.url).port), '127.0.0.1').on('error', () => undefined);
    clients.push(socket);
    await once(socket, 'connect');
    return socket;
  };
  const said = async (socket: Socket): Promise<string> => String((await once(socket, 'data'))[0]);

  it('passes on what is said, and keeps scheme and credentials of the address', async () => {
    const socket = await client();
    socket.write('hello');
    expect(await said(socket)).to.equal('hello');
    expect(proxy.url).to.match(/^mqtt:\/\/user:word@127\.0\.0\.1:\d+$/);
  });

  it('cut, passes nothing on and takes who comes; mended, resets all of them and passes on for later ones', async () => {
    const before = await client();
    before.write('a');
    await said(before);
    proxy.cut();
    const during = await client();
    let heard = '';
    for (const socket of [before, during]) {
      socket.on('data', (data) => {
        heard += data;
      });
      socket.write('into the void');
    }
    await delay(100);
    expect(heard).to.equal('');
    const gone = Promise.all([before, during].map((socket) => new Promise((resolve) => socket.once('close', resolve))));
    proxy.mend();
    await gone;
    expect(heard).to.equal('');
    const after = await client();
    after.write('b');
    expect(await said(after)).to.equal('b');
  });
});
