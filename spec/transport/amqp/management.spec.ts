import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import { silentLogger } from '../../../src/support/index.js';
import type { Binding, Broker, Settlement } from '../../../src/transport/index.js';
import { type Rabbit, startRabbit } from '../../support/rabbitmq.js';
import { eventually, rejection } from '../conformance/stage.js';
import { AmqpStage } from './stage.js';

describe('the management interface of an AMQP broker', () => {
  let rabbit: Rabbit;
  let stage: AmqpStage;
  const servers: Server[] = [];

  before(async function () {
    this.timeout(60_000);
    rabbit = await startRabbit({ management: true });
  });
  after(async function () {
    this.timeout(20_000);
    await rabbit.stop();
  });
  beforeEach(() => {
    stage = new AmqpStage(rabbit.url);
  });
  afterEach(async () => {
    for (const server of servers.splice(0)) {
      server.closeAllConnections();
      server.close();
    }
    await stage.clear();
  });

  /** Takes requests and never answers. */
  async function silentServer(): Promise<string> {
    const server = createServer(() => undefined).listen(0, '127.0.0.1');
    servers.push(server);
    await once(server, 'listening');
    const at = server.address();
    return `http://127.0.0.1:${at && typeof at === 'object' ? at.port : 0}`;
  }

  async function managed(): Promise<Broker> {
    return stage.connect(silentLogger, { management: rabbit.managementUrl });
  }

  /** What there is between queues of this spec. */
  async function among(broker: Broker, ...names: readonly string[]): Promise<readonly Binding[]> {
    const all = await broker.bindings();
    return all.filter(({ source, target }) => names.includes(source) || names.includes(target));
  }

  it('tells of all bindings, those of others among them, in our shapes', async () => {
    const [ours, other, bare] = [await managed(), await stage.connect(), await stage.bare()];
    expect(ours.capabilities.foreignBindings).to.equal(true);
    const [source, one, two] = [stage.name('OUT'), stage.name('IN'), stage.name('IN')];
    await other.declare('outqueue', source);
    await other.declare('inqueue', one);
    await other.declare('inqueue', two);
    expect(await among(ours, source, one, two)).to.deep.equal([]);
    await other.bind({ kind: 'pubsub', source, target: one });
    await other.bind({ kind: 'roundrobin', source, target: two });
    await bare.assertQueue(`${one}.other`);
    await bare.bindQueue(`${one}.other`, source, 'any key');
    expect(await among(ours, source)).to.have.deep.members([
      { kind: 'pubsub', source, target: one },
      { kind: 'pubsub', source, target: `${one}.other` },
      { kind: 'roundrobin', source, target: two },
    ]);
    await other.unbind({ kind: 'pubsub', source, target: one });
    expect(await among(ours, one)).to.deep.equal([]);
  });

  it('leaves out who only looks on: taps, watches and kept notices', async () => {
    const ours = await managed();
    const source = stage.name('OUT');
    await ours.declare('outqueue', source);
    await ours.tap(source, () => undefined);
    await ours.watch('fbp', () => undefined);
    await ours.watch('fbp.wiring.role', () => undefined);
    await ours.notify({ name: 'fbp.wiring.role', body: Buffer.from('kept'), retain: true });
    expect(await ours.bindings()).to.satisfy((all: readonly Binding[]) =>
      all.every((binding) => !`${binding.source} ${binding.target}`.match(/fbp|amq\./) && binding.source !== source),
    );
  });

  it('tells what is unsettled and how fast messages come and go', async function () {
    this.timeout(30_000);
    const ours = await managed();
    const inqueue = stage.name('IN');
    await ours.declare('inqueue', inqueue);
    const inHand: (() => void)[] = [];
    const take = (): Promise<Settlement> =>
      new Promise((resolve) => inHand.push(() => resolve({ verdict: 'ack', outputs: [] })));
    await ours.consume(inqueue, take, { prefetch: 3 });
    const row = await eventually(
      async () => {
        await ours.send('inqueue', inqueue, { data: 1 });
        if (inHand.length > 2) inHand.shift()?.();
        await delay(50);
        const [found] = await ours.depths([inqueue, stage.name('missing')]);
        return (found?.unacked ?? 0) > 1 && (found?.inPerSecond ?? 0) > 0 && (found?.outPerSecond ?? 0) > 0 && found;
      },
      'the figures',
      20_000,
    );
    expect(row).to.include({ queue: inqueue, consumers: 1 });
    for (const settle of inHand) settle();
  });

  it('sees the virtual host of the address only', async function () {
    this.timeout(20_000);
    await rabbit.ctl('add_vhost', 'an/other');
    await rabbit.ctl('set_permissions', '-p', 'an/other', 'guest', '.*', '.*', '.*');
    const away = await stage.open(new URL(`${rabbit.url}/an%2Fother`), silentLogger, {
      management: rabbit.managementUrl,
    });
    await away.connect();
    const here = await stage.connect();
    const [source, target] = [stage.name('OUT'), stage.name('IN')];
    for (const broker of [away, here]) {
      await broker.declare('outqueue', source);
      await broker.declare('inqueue', target);
    }
    await here.bind({ kind: 'pubsub', source, target });
    expect(away.capabilities.foreignBindings).to.equal(true);
    expect(await among(away, source)).to.deep.equal([]);
    await away.bind({ kind: 'pubsub', source, target });
    expect(await among(away, source)).to.have.length(1);
  });

  it('is done without where it does not answer, in silence when it was only looked for', async function () {
    this.timeout(20_000);
    const slow = await silentServer();
    const nobody = `${rabbit.url.replace('amqp://guest:guest@', 'http://')}/nobody`;
    const wrong = rabbit.managementUrl.replace('//', '//guest:secret@');
    for (const [management, words] of [
      ['auto', undefined],
      [nobody, /does not answer/],
      [slow, /not within 2000 ms/],
      [wrong, /HTTP 401/],
    ] as const) {
      const lines: string[] = [];
      const broker = await stage.connect({ ...silentLogger, warn: (text) => lines.push(text) }, { management });
      expect(broker.capabilities.foreignBindings).to.equal(false);
      expect(await broker.bindings()).to.deep.equal([]);
      const inqueue = stage.name('IN');
      await broker.declare('inqueue', inqueue);
      expect(await broker.depths([inqueue])).to.deep.equal([{ queue: inqueue, ready: 0, consumers: 0 }]);
      expect(lines).to.have.length(words ? 1 : 0);
      if (words) expect(lines[0]).to.match(words).and.not.to.include('secret');
    }
  });

  it('that has gone since is said to be away, retryable, where bindings are asked for; depths do without', async function () {
    this.timeout(20_000);
    const ours = await managed();
    const inqueue = stage.name('IN');
    await ours.declare('inqueue', inqueue);
    await rabbit.ctl('eval', 'application:stop(rabbitmq_management).');
    const error = await rejection(ours.bindings(), 'MSGFLO_BROKER_UNREACHABLE');
    expect(error.message).to.include(rabbit.managementUrl);
    expect(await ours.depths([inqueue])).to.deep.equal([{ queue: inqueue, ready: 0, consumers: 0 }]);
    await rabbit.ctl('eval', 'application:start(rabbitmq_management).');
  });

  it('is named by an address of HTTP: MSGFLO_USAGE otherwise', async () => {
    for (const management of ['amqp://host', 'nowhere'])
      await rejection(stage.connect(silentLogger, { management }), 'MSGFLO_USAGE');
  });
});
