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
    const packets: unknown[] = [];
    const write = stream.write.bind(stream);
    stream.write = (packet: string | Uint8Array) => {
      packets.push(packet);
      return write(packet);
    };
    writeTogether(model);
    const channel = await model.createConfirmChannel();
    const { queue } = await channel.assertQueue('', { exclusive: true });
    packets.length = 0;
    for (const text of ['a', 'b', 'c']) channel.sendToQueue(queue, Buffer.from(text));
    await channel.waitForConfirms();
    expect(packets).to.have.length(1);
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
    const large = Buffer.alloc(100_000, 'L');
    for (const packet of ['a', large, 'b']) stream.write(Buffer.from(packet));
    await new Promise((resolve) => setImmediate(resolve));
    stream.write(Buffer.from('c'));
    stream.end('d');
    await once(peer, 'end');
    expect(Buffer.concat(received).toString()).to.equal(`a${large}bcd`);
    peer.destroy();
    server.close();
  });
});
