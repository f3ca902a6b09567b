import { expect } from 'chai';
import { connectAsync } from 'mqtt';
import { DoorStage, until } from './stage.js';

describe('the MQTT door and the rules of the protocol', () => {
  let stage: DoorStage;
  beforeEach(() => {
    stage = new DoorStage();
  });
  afterEach(() => stage.end());

  const refusals: readonly (readonly [string, string])[] = [
    ['what is no MQTT', Buffer.from('GET / HTTP/1.1\r\n\r\n').toString('hex')],
    ['a packet before CONNECT', 'c000'],
    ['a length of five bytes', '10ffffffff01'],
    ['a CONNECT of 2 MB', '10808080010004'],
    ['a CONNECT shorter than its fields', '100400044d51'],
    ['a reserved flag in CONNECT', '100d00044d5154540403000000016b'],
    ['a will that is none', '100d00044d515454040a000000016b'],
    ['a client id that is no UTF-8', '100d00044d515454040200000001ff'],
    ['a NUL in a client id', '100d00044d51545404020000000100'],
  ];
  for (const [what, hex] of refusals) {
    it(`ends the connection, and no other, for ${what}`, async () => {
      await stage.start();
      const other = await stage.connect();
      const raw = await stage.raw();
      raw.send(Buffer.from(hex, 'hex'));
      await raw.closed;
      expect(raw.hex).to.equal('');
      expect(stage.door.counters.refused).to.equal(1);
      expect(stage.said.join()).to.match(/ended the connection of .*127\.0\.0\.1:\d+: /);
      await other.mqtt.publishAsync('x', 'y', { qos: 1 });
    });
  }

  const breaches: readonly (readonly [string, string])[] = [
    ['a second CONNECT', '100d00044d515454040200000001 6b'],
    ['QoS 3', '3603000161'],
    ['a packet id of 0', '320500016100 00'],
    ['a publication to a wildcard', '300300012b'],
    ['a publication to nothing', '30020000'],
    ['a publication that begins with $', '3004000224 61'],
    ['SUBSCRIBE with wrong flags', '800600010001 6100'],
    ['SUBSCRIBE to nothing', '82020001'],
    ['a filter that is none', '82080001000361236100'],
    ['QoS 3 in a subscription', '820600010001 6103'],
    ['PUBREC of nothing', '50020001'],
    ['a packet that is longer than its fields', 'c00100'],
    ['what only servers send', '20020000'],
  ];
  for (const [what, hex] of breaches) {
    it(`ends the connection of a client that is in for ${what}`, async () => {
      await stage.start();
      const raw = await stage.raw();
      raw.hello('k');
      await raw.gets('20020000');
      raw.send(Buffer.from(hex.replaceAll(' ', ''), 'hex'));
      await raw.closed;
      expect(raw.hex).to.equal('20020000');
      expect(stage.door.counters.refused).to.equal(1);
    });
  }

  it('lets in only user msgflo with the right password where there is a token', async () => {
    await stage.start({ token: 'secret' });
    const codeOf = (username?: string, password?: string) =>
      connectAsync(stage.door.address, {
        protocolVersion: 4,
        reconnectPeriod: 0,
        ...(username && { username }),
        ...(password && { password }),
      }).then(
        async (client) => {
          await client.endAsync();
          return 0;
        },
        (error: unknown) => (error instanceof Error && 'code' in error ? error.code : error),
      );
    expect(await codeOf('msgflo', 'secret')).to.equal(0);
    expect(await codeOf('msgflo', 'other')).to.equal(4);
    expect(await codeOf('admin', 'secret')).to.equal(4);
    expect(await codeOf()).to.equal(4);
  });

  it('tells clients of MQTT 5 and of 3.1 that it speaks 3.1.1', async () => {
    await stage.start();
    const five = await stage.raw();
    five.send(Buffer.from('100e00044d51545405020000000001 6b'.replaceAll(' ', ''), 'hex'));
    await five.closed;
    expect(five.hex).to.equal('2003008400');
    const three = await stage.raw();
    three.send(Buffer.from('100f00064d514973647003020000 00016b'.replaceAll(' ', ''), 'hex'));
    await three.closed;
    expect(three.hex).to.equal('20020001');
  });

  it('gives a clean session without client id a name, and refuses a lasting one, or one that is too long', async () => {
    await stage.start();
    for (const [id, clean, answer] of [
      ['', true, '20020000'],
      ['', false, '20020002'],
      ['x'.repeat(115), true, '20020000'],
      ['a\tb', true, '20020002'],
    ] as const) {
      const raw = await stage.raw();
      raw.hello(id, { clean });
      await raw.gets(answer);
    }
  });

  it('refuses shared subscriptions and those of its own queues, grants 1 for 2, and says once how to share', async () => {
    await stage.start();
    const client = await stage.connect();
    const granted = async (topic: string, qos: 0 | 1 | 2): Promise<unknown> => {
      const [grant] = await client.mqtt.subscribeAsync(topic, { qos }).catch(() => [{ qos: 128 }]);
      return grant?.qos;
    };
    expect(await granted('$share/g/a', 1)).to.equal(128);
    expect(await granted('$mqtt/session/x', 1)).to.equal(128);
    expect(await granted('x'.repeat(150), 2)).to.equal(1);
    expect(stage.said.join()).to.include('over log://');
  });

  it('takes packets up to its limit and ends the connection at the first byte of a larger one', async () => {
    await stage.start({ maxPacketBytes: 10_000 });
    const texts = await stage.take('big');
    const client = await stage.connect();
    await client.mqtt.publishAsync('big', 'x'.repeat(9_900), { qos: 1 });
    const closed = new Promise<void>((done) => client.mqtt.once('close', done));
    client.mqtt.publish('big', 'x'.repeat(10_001), { qos: 1 });
    await closed;
    expect(texts).to.have.length(1);
  });

  it('ends the connection of a client that does not read for longer than its keep-alive', async () => {
    await stage.start();
    const raw = await stage.raw();
    raw.hello('deaf', { keepalive: 1 });
    raw.send(0x82, 6, 0, 1, 0, 1, 'a', 0);
    await raw.gets('200200009003000100');
    raw.socket.pause();
    const pings = setInterval(() => raw.send(0xc0, 0), 100);
    for (let n = 0; n < 20; n += 1) await stage.send('a', 'x'.repeat(1_000_000));
    await until(() => stage.door.counters.connections === 0, 'ended');
    clearInterval(pings);
  });

  it('takes no more clients than it is allowed', async () => {
    await stage.start({ maxClients: 2 });
    await stage.connect();
    await stage.connect();
    const raw = await stage.raw();
    await raw.closed;
    expect(stage.door.counters).to.deep.include({ connections: 2, refused: 1 });
  });

  it('reads packets however the bytes are cut', async () => {
    await stage.start();
    const texts = await stage.take('t');
    const raw = await stage.raw();
    const bytes = Buffer.from('100d00044d515454040200000001 6b 3206000174000178 c000'.replaceAll(' ', ''), 'hex');
    for (const byte of bytes) {
      raw.send(byte);
      await new Promise((done) => setImmediate(done));
    }
    await until(
      () => raw.hex === '20020000d0004002 0001'.replaceAll(' ', '') || raw.hex === '2002000040020001d000',
      raw.hex,
    );
    expect(texts).to.deep.equal(['x']);
  });

  it('finishes and answers what is in hand when it is closed', async () => {
    await stage.start();
    const client = await stage.connect({ will: { topic: 'wills', payload: Buffer.from('died') } });
    const wills = await stage.take('wills');
    const sent = Array.from({ length: 50 }, (_, n) => client.mqtt.publishAsync('t', String(n), { qos: 1 }));
    const answers = Promise.allSettled(sent);
    await client.mqtt.publishAsync('t', 'last', { qos: 1 });
    await stage.door.stop();
    expect((await answers).every(({ status }) => status === 'fulfilled')).to.equal(true);
    expect(wills).to.deep.equal([]);
  });
});
