import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import { expect } from 'chai';
import { EmbeddedBroker, type EmbeddedBrokerOptions } from '../../../src/embedded/index.js';
import { PipeProc } from '../../../src/log/index.js';
import { asQueueName } from '../../../src/names.js';
import { silentLogger } from '../../../src/support/index.js';
import { LogBroker } from '../../../src/transport/log/index.js';
import { freshDir } from '../../embedded/broker-process.js';
import { type Certificate, certificatesForSpecs } from '../../server/tls-files.js';
import { eventually, rejection } from '../conformance/stage.js';

const ANY = 'tcp://127.0.0.1:0';
const TOKEN = 'only & for = friends';

describe('doors of a node for other machines', () => {
  const certificates = certificatesForSpecs();
  let [server, user, stranger]: (Certificate | undefined)[] = [];
  let [dir, port]: [string, number] = ['', 0];
  let remove: () => Promise<void>;
  let node: EmbeddedBroker | undefined;

  before(async () => {
    server = await certificates.make('server');
    user = await certificates.make('user');
    stranger = await certificates.make('stranger');
  });
  beforeEach(async () => {
    ({ dir, remove } = await freshDir());
    keys.clear();
  });
  afterEach(async () => {
    await node?.stop();
    await remove();
  });

  const said: string[] = [];
  const keys = new Set<string>();
  const log = {
    ...silentLogger,
    warnOnce: (key: string, text: string): void => {
      if (!keys.has(key)) said.push(text);
      keys.add(key);
    },
  };

  async function listen(door: NonNullable<EmbeddedBrokerOptions['listen']>[number]): Promise<void> {
    node = await EmbeddedBroker.listen({ dir, log, listen: [door] });
    port = Number(new URL(node.doors[0] ?? '').port);
  }
  const listenTls = (): Promise<void> => listen({ address: ANY, tls: files(server, user) });

  function files(own: Certificate | undefined, authority: Certificate | undefined) {
    return { key: own?.keyFile ?? '', cert: own?.certFile ?? '', ca: authority?.certFile ?? '' };
  }
  const tlsAddress = (keys: object): string => `logs://localhost:${port}?${new URLSearchParams({ ...keys })}`;

  /** Declares a queue and looks at it. */
  async function use(address: string): Promise<void> {
    const client = new LogBroker(new URL(address), { id: randomUUID() }, silentLogger);
    try {
      await client.connect({ signal: AbortSignal.timeout(500) });
      const queue = asQueueName(randomUUID());
      await client.declare('inqueue', queue);
      expect(await client.depths([queue])).to.have.length(1);
    } finally {
      await client.close();
    }
  }

  it('let in with TLS who has a certificate of the right authority, to queues and log alike', async () => {
    await listenTls();
    await use(tlsAddress(files(user, server)));
    const client = PipeProc();
    const tls = files(user, server);
    await client.connect({ tcp: { host: 'localhost', port }, tls });
    expect(await client.commit({ topic: 't', body: { n: 1 } })).to.match(/^\d+-0$/);
    await client.shutdown();
  });

  it('keep out with TLS who has another certificate, trusts another authority, or speaks no TLS: both sides say why', async function () {
    this.timeout(10_000);
    await listenTls();
    const cases = [
      [
        tlsAddress(files(stranger, server)),
        /may not accept our certificate/,
        /its certificate does not come from our authority/,
      ],
      [
        tlsAddress(files(user, stranger)),
        /its certificate does not come from our authority/,
        /may not accept our certificate/,
      ],
      [`log://127.0.0.1:${port}`, /./, /it speaks no TLS \(ERR_SSL_WRONG_VERSION_NUMBER\)/],
    ] as const;
    for (const [address, client, door] of cases) {
      said.length = 0;
      const { message } = await rejection(use(address), 'MSGFLO_BROKER_UNREACHABLE');
      expect(message).to.match(client);
      await eventually(() => said.length > 0, 'the door to say it');
      expect(said[0])
        .to.match(/^refused a connection from (::ffff:)?127\.0\.0\.1: /)
        .and.to.match(door);
      expect(said, 'each try of the same').to.have.length(1);
    }
    await use(tlsAddress(files(user, server)));
  });

  it('are told by clients with TLS that speak to one without', async () => {
    await listen({ address: ANY, token: TOKEN });
    const { message } = await rejection(use(tlsAddress(files(user, server))), 'MSGFLO_BROKER_UNREACHABLE');
    expect(message).to.match(/: it (speaks no TLS|ended the connection .* or speak no TLS)/);
  });

  it('are told apart from those that name no certificate: the file that cannot be read is said at once', async () => {
    const missing = join(dir, 'missing.pem');
    const address = `logs://localhost:1?${new URLSearchParams({ ...files(user, server), ca: missing })}`;
    expect((await rejection(use(address), 'MSGFLO_LOG_ADDRESS')).message).to.include(missing);
    const bare = await rejection(use('logs://localhost:1?key=a'), 'MSGFLO_USAGE');
    expect(bare.message).to.include('names no cert');
  });

  it('let in with a token who knows it, and refuse others without repeating it', async () => {
    await listen({ address: ANY, token: TOKEN });
    const address = (token: string): string => `log://127.0.0.1:${port}?token=${encodeURIComponent(token)}`;
    await use(address(TOKEN));
    for (const wrong of [address('guess'), `log://127.0.0.1:${port}`]) {
      const { message } = await rejection(use(wrong), 'MSGFLO_REFUSED');
      expect(message).to.equal('wrong token');
    }
  });

  it('ask clients of the log for the token too', async () => {
    await listen({ address: ANY, token: TOKEN });
    const tcp = { host: '127.0.0.1', port };
    const right = PipeProc();
    await right.connect({ tcp, token: TOKEN });
    await right.commit({ topic: 't', body: {} });
    expect(await right.length('t')).to.equal(1);
    await right.shutdown();
    const wrong = await PipeProc()
      .connect({ tcp, token: 'guess', timeout: 300 })
      .then(
        () => 'connected',
        (error: Error) => error.message,
      );
    expect(wrong).to.not.equal('connected').and.not.include(TOKEN);
  });

  for (const [what, bytes] of [
    ['a hello that is too long', Buffer.from([0, 1, 0, 0, 0x7b])],
    ['a hello that is no JSON', Buffer.from('\0\0\0\x02{{')],
    ['a request instead of a hello', Buffer.from('\0\0\0\x1a{"type":"ping","msgKey":1}')],
  ] as const)
    it(`end a connection that begins with ${what}`, async () => {
      await listen({ address: ANY, token: TOKEN });
      const socket = connect(port, '127.0.0.1');
      const ended = once(socket, 'close');
      socket.on('error', () => undefined).resume();
      socket.write(bytes);
      await ended;
      await use(`log://127.0.0.1:${port}?token=${encodeURIComponent(TOKEN)}`);
    });
});
