import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import mqtt from 'mqtt';
import {
  createWiring,
  type Definition,
  DISCOVERY_NOTICE,
  readAnnouncement,
  wiringNotice,
} from '../../src/discovery/index.js';
import { EmbeddedBroker } from '../../src/embedded/index.js';
import { asQueueName, asRole } from '../../src/names.js';
import { silentLogger } from '../../src/support/index.js';
import { builtinTransports } from '../../src/transport/builtin/index.js';
import { type Broker, withoutPassword } from '../../src/transport/index.js';
import { until } from '../participant/network.js';
import { sharedMosquitto } from '../support/mosquitto.js';
import { type Started, startCommand } from './from-source.js';

const fixture = (name: string): string => fileURLToPath(new URL(`../participant/fixtures/${name}`, import.meta.url));
const lamp = 'component: Lamp\noutports: { out: { queue: lamps/#ROLE } }\n';

describe('executables of participants', () => {
  let dir: string;
  let server: EmbeddedBroker;
  let broker: Broker;
  let announced: Definition[];
  let gone: string[];
  const started: Started[] = [];

  const start = (...given: Parameters<typeof startCommand>): Started => {
    const [factory, args, options = {}] = given;
    const one = startCommand(factory, args, { ...options, env: { MSGFLO_BROKER: server.address, ...options.env } });
    started.push(one);
    return one;
  };

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'msgflo-'));
    server = await EmbeddedBroker.listen({ dir, log: silentLogger });
    broker = await builtinTransports().open(server.address, { id: 'hand' }, silentLogger);
    await broker.connect();
    announced = [];
    gone = [];
    await broker.watch(DISCOVERY_NOTICE, (body) => {
      const message = readAnnouncement(body);
      if (message.kind === 'participant') announced.push(message.definition);
      if (message.kind === 'gone') gone.push(message.id);
    });
  });
  afterEach(async () => {
    for (const { child } of started) child.kill('SIGKILL');
    await Promise.all(started.splice(0).map(({ ended }) => ended));
    await broker.close();
    await server.stop();
    await rm(dir, { recursive: true });
  });

  const collect = async (outqueue: string): Promise<unknown[]> => {
    const got: unknown[] = [];
    await broker.declare('outqueue', asQueueName(outqueue));
    await broker.declare('inqueue', asQueueName('collect'));
    await broker.bind({ kind: 'pubsub', source: asQueueName(outqueue), target: asQueueName('collect') });
    await broker.consume(asQueueName('collect'), async ({ data }) => {
      got.push(data);
      return { verdict: 'ack', outputs: [] };
    });
    return got;
  };
  const wire = async (role: string, run?: string): Promise<void> => {
    const wanted = { role: asRole(role), graph: 'g', iips: [], inports: {}, outports: { out: 'ready' as const } };
    const wiring = createWiring(run === undefined ? wanted : { ...wanted, run });
    await broker.notify({ name: wiringNotice(wiring.role), body: Buffer.from(JSON.stringify(wiring)), retain: true });
  };

  it('msgflo-participant runs a module, says so, and leaves in good order on SIGTERM, which it tells its keeper', async () => {
    const got = await collect('rep.OUT');
    const one = start(
      'participant.ts#participant',
      ['--name', 'rep', fixture('repeat.js'), '--iips', '{"in":"first"}'],
      {
        env: { MSGFLO_RUN: 'r7', MSGFLO_SLOT: 'rep.1', MSGFLO_DISCOVERY_PERIOD: '0.2' },
      },
    );
    await until(() => one.stdout() !== '');
    expect(one.stdout()).to.equal(`rep connected to ${withoutPassword(server.address)}\n`);
    await wire('rep', 'r7');
    await broker.send('inqueue', asQueueName('rep.IN'), { data: 'second' });
    await until(() => got.length === 2 && announced.length > 3);
    expect(got).to.deep.equal(['first', 'second']);
    one.child.kill('SIGTERM');
    expect(await one.ended).to.equal(143);
    expect(gone).to.deep.equal([announced[0]?.id]);
  });

  it('msgflo-participant runs a module of the older shape, under the name of its file', async () => {
    const got = await collect('legacy-repeat.OUT');
    const one = start('participant.ts#participant', [fixture('legacy-repeat.cjs')]);
    await until(() => one.stdout() !== '');
    await broker.send('inqueue', asQueueName('legacy-repeat.IN'), { data: 1 });
    await until(() => got.length === 1);
    one.child.kill('SIGTERM');
    expect(await one.ended).to.equal(0);
  });

  it('a participant that is killed is said to be gone', async () => {
    const one = start('participant.ts#participant', ['--name', 'rep', fixture('repeat.js')]);
    await until(() => announced.length === 1);
    one.child.kill('SIGKILL');
    await until(() => gone.length === 1);
  });

  const misuses: readonly (readonly [string, `${string}#${string}`, readonly string[], number, string])[] = [
    ['a file that is not there', 'participant.ts#participant', ['absent.js'], 2, 'there is no file'],
    [
      'a module that exports nothing',
      'participant.ts#participant',
      [fixture('no-participant.js')],
      2,
      'exports no participant',
    ],
    ['IIPs that are no JSON', 'participant.ts#participant', ['x.js', '--iips', '{'], 2, '--iips is not JSON'],
    ['a source that fails', 'participant.ts#participant', [fixture('failing-source.js')], 1, 'the sensor is gone'],
    ['a command that needs a shell', 'script.ts#script', ['--role', 'r', '--cmd', 'a | b'], 2, 'needs a shell'],
    ['a YAML that is not there', 'register.ts#register', ['--role', 'a:absent.yml'], 2, 'there is no file absent.yml'],
    ['a role without file', 'register.ts#register', ['--role', 'a'], 2, "--role is ROLE:FILE.yml, not 'a'"],
    ['nothing to announce', 'register.ts#register', [], 2, 'nothing to announce'],
  ];
  for (const [what, factory, args, code, words] of misuses) {
    it(`${factory.split('#')[1]} answers ${what} with one line and exit code ${code}`, async () => {
      const one = start(factory, args);
      expect(await one.ended).to.equal(code);
      expect(one.stderr().trim().split('\n')).to.have.length(1);
      expect(one.stderr()).to.contain(words);
    });
  }

  it('msgflo-script runs a command for each message', async () => {
    const got = await collect('s.OUT');
    const one = start('script.ts#script', ['--role', 's', '--cmd', 'tr a-z A-Z', '--prefetch', '2', '--timeout', '5']);
    await until(() => one.stdout() !== '');
    await broker.send('inqueue', asQueueName('s.IN'), { data: 'abc' });
    await until(() => got.length === 1);
    expect(got).to.deep.equal(['ABC']);
    one.child.kill('SIGTERM');
    expect(await one.ended).to.equal(0);
  });

  it('msgflo-register announces until interrupted, or once', async () => {
    await writeFile(join(dir, 'lamp.yml'), lamp);
    const one = start('register.ts#register', ['--role', 'a:lamp.yml', '--role', 'b:lamp.yml', '--interval', '0.05'], {
      cwd: dir,
    });
    await until(() => announced.length > 4);
    one.child.kill('SIGTERM');
    expect(await one.ended).to.equal(0);
    expect(one.stdout()).to.match(/^Sent discovery message for a\nSent discovery message for b\n/);
    const once = start('register.ts#register', ['--role', 'c:lamp.yml', '--forever', 'false'], { cwd: dir });
    expect(await once.ended).to.equal(0);
    expect(once.stdout()).to.equal('Sent discovery message for c\n');
  });

  it('msgflo-register-foreign announces one, once', async () => {
    await writeFile(join(dir, 'lamp.yml'), lamp);
    const one = start('register-foreign.ts#registerForeign', ['lamp.yml'], { cwd: dir });
    expect(await one.ended).to.equal(0);
    expect(one.stdout()).to.equal('Sent discovery message for lamp\n');
    expect(announced.map(({ outports }) => outports[0]?.queue)).to.deep.equal(['lamps/lamp']);
  });

  it('msgflo-register names file and line of a YAML with a tab', async () => {
    await writeFile(join(dir, 'tab.yml'), 'component: A\noutports:\n\tout: {}\n');
    const one = start('register.ts#register', ['--role', 'a:tab.yml'], { cwd: dir });
    expect(await one.ended).to.equal(2);
    expect(one.stderr().trim()).to.equal('msgflo-register: tab.yml:3: tab characters must not be used in indentation');
  });

  it('msgflo-register --watch announces a device when its topic is first heard', async () => {
    const { url } = await sharedMosquitto();
    const text = `participants: { 'sensor-#1': { topic: ${dir}/+/t, component: S, outports: { t: { queue: '#TOPIC' } } } }`;
    await writeFile(join(dir, 'devices.yml'), text);
    const one = start('register.ts#register', ['devices.yml', '--watch'], { cwd: dir, env: { MSGFLO_BROKER: url } });
    const device = await mqtt.connectAsync(url);
    try {
      await until(async () => {
        await device.publishAsync(`${dir}/attic/t`, '21');
        return one.stdout() !== '';
      });
    } finally {
      await device.endAsync();
    }
    expect(one.stdout()).to.equal('Sent discovery message for sensor-attic\n');
    one.child.kill('SIGTERM');
    expect(await one.ended).to.equal(0);
  });
});
