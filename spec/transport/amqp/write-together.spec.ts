import { once } from 'node:events';
import { createServer, Socket } from 'node:net';
import { connect } from 'amqplib';
import { expect } from 'chai';
import { writeTogether } from '../../../src/transport/amqp/write-together.js';
import { sharedRabbit } from '../../support/rabbitmq.js';

describe('amqp writing together', () => {
  it('finds the socket of an amqplib connection, and messages written in one go leave as one', async () => {
    const model = await connect((await sharedRabbit()).url);
    const stream: unknown = Reflect.get(model.connection, 'stream');
    if (!(stream instanceof Socket)) throw new Error('this amqplib keeps its socket elsewhere');
    writeTogether(model);
    const channel = await model.createConfirmChannel();
    const { queue } = await channel.assertQueue('', { exclusive: true });
    const corked: number[] = [];
    const write = stream.write.bind(stream);
    stream.write = (packet: string | Uint8Array) => {
      const room = write(packet);
      corked.push(stream.writableCorked);
      return room;
    };
    for (const text of ['a', 'b', 'c']) channel.sendToQueue(queue, Buffer.from(text));
    await channel.waitForConfirms();
    expect(corked).to.deep.equal([1, 1, 1]);
    expect(stream.writableCorked).to.equal(0);
    expect(await channel.checkQueue(queue)).to.include({ messageCount: 3 });
    await model.close();
  });

  it('keeps the order of what is written in several goes', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no address');
    const stream = new Socket().connect(address.port, '127.0.0.1');
    const [[peer]] = await Promise.all([once(server, 'connection'), once(stream, 'connect')]);
    writeTogether({ connection: { stream } });
    const received: Buffer[] = [];
    peer.on('data', (chunk: Buffer) => received.push(chunk));
    for (const text of ['a', 'b']) stream.write(text);
    setImmediate(() => stream.end('c'));
    await once(peer, 'end');
    expect(Buffer.concat(received).toString()).to.equal('abc');
    peer.destroy();
    server.close();
  });
});
