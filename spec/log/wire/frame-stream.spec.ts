import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { expect } from 'chai';
import { FrameStream, MAX_FRAME_BYTES } from '../../../src/log/wire/index.js';

describe('frames over a socket', () => {
  let server: Server;
  let near: Socket;
  let far: Socket;
  beforeEach(async () => {
    server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const accepted = once(server, 'connection');
    near = connect(typeof address === 'object' && address ? address.port : 0, '127.0.0.1');
    [far] = await accepted;
    far.on('error', () => undefined);
  });
  afterEach(() => {
    near.destroy();
    far.destroy();
    server.close();
  });

  function receiver(socket: Socket): { readonly texts: string[]; readonly ended: Promise<Error | undefined> } {
    const texts: string[] = [];
    const ended = new Promise<Error | undefined>((onEnd) => {
      new FrameStream(socket, { onFrame: (body) => void texts.push(body.toString()), onEnd });
    });
    return { texts, ended };
  }

  const quiet = { onFrame: () => undefined, onEnd: () => undefined };

  it('bring what was sent, in order, small and large, text and pieces', async () => {
    const { texts, ended } = receiver(far);
    const stream = new FrameStream(near, quiet);
    const sent = ['"a"', `"${'é'.repeat(50_000)}"`, '"%EOM%\n"', `"${'x'.repeat(5_000_000)}"`];
    for (const text of sent) stream.send(text);
    stream.sendParts([Buffer.from('["b",'), Buffer.from('"c"]')]);
    for (let n = 0; n < 20_000; n++) stream.send(`${n}`);
    stream.end();
    expect(await ended).to.equal(undefined);
    expect(texts.slice(0, 5)).to.deep.equal([...sent, '["b","c"]']);
    expect(texts.slice(5)).to.deep.equal(Array.from({ length: 20_000 }, (_, n) => `${n}`));
  });

  it('leave together when they are sent in one turn', async () => {
    const stream = new FrameStream(near, quiet);
    const arrived = once(far, 'data');
    for (let n = 0; n < 100; n++) stream.send('"small"');
    expect(near.bytesWritten).to.equal(0);
    const [chunk] = await arrived;
    expect(chunk.length).to.equal(100 * (4 + 7));
  });

  it('are put together from single bytes', async () => {
    const { texts } = receiver(far);
    for (const byte of Buffer.from([0, 0, 0, 4, 0x22, 0xc3, 0xa9, 0x22])) {
      near.write(Buffer.from([byte]));
      await new Promise(setImmediate);
    }
    while (texts.length === 0) await new Promise(setImmediate);
    expect(texts).to.deep.equal(['"é"']);
  });

  for (const bytes of [MAX_FRAME_BYTES + 1, 0xffff_ffff])
    it(`end the connection when one of ${bytes} bytes is announced`, async () => {
      const { texts, ended } = receiver(far);
      const header = Buffer.alloc(4);
      header.writeUInt32BE(bytes);
      near.write(header);
      expect(await ended).to.include({ code: 'MSGFLO_FRAME_TOO_LARGE' });
      expect(texts).to.deep.equal([]);
    });

  it('end quietly when the peer leaves in the middle of one', async () => {
    const { texts, ended } = receiver(far);
    near.end(Buffer.from([0, 0, 0, 9, 0x22]));
    expect(await ended).to.equal(undefined);
    expect(texts).to.deep.equal([]);
  });
});
