import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect } from 'chai';
import { connect, type IClientOptions } from 'mqtt';
import { readBrokerFile } from '../../../src/embedded/index.js';
import { Client, until } from './stage.js';

describe('the MQTT door of a node that is killed', function () {
  this.timeout(40_000);
  let folder: string;
  let address = '';
  let child: ChildProcess | undefined;
  const clients: Client[] = [];

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'msgflo-mqtt-door-'));
    address = '';
    await start();
  });
  afterEach(async () => {
    for (const { mqtt } of clients.splice(0)) mqtt.end(true);
    await kill();
    await rm(folder, { recursive: true, force: true });
  });

  async function start(): Promise<void> {
    const settings = { dir: folder, location: join(folder, 'log'), mqtt: { host: '127.0.0.1', port: 0 } };
    const args = ['--import', 'tsx', 'src/embedded/main.ts', '--print-address'];
    child = spawn(process.execPath, args, {
      env: { ...process.env, MSGFLO_NODE: JSON.stringify(settings) },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    if (!child.stdout) throw new Error('no stdout');
    await once(createInterface({ input: child.stdout }), 'line');
    const file = await readBrokerFile(folder);
    expect(file?.mqtt).to.match(/^mqtt:/);
    // Clients that were there before must find it where it was.
    if (address) expect(file?.mqtt).to.equal(address);
    address = file?.mqtt ?? '';
  }

  async function kill(): Promise<void> {
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }

  async function client(options: IClientOptions): Promise<Client> {
    const made = new Client(connect(address, { protocolVersion: 4, reconnectPeriod: 50, ...options }));
    clients.push(made);
    await new Promise<void>((done) => made.mqtt.once('connect', () => done()));
    return made;
  }

  it('keeps sessions, what waits in them and retained messages', async () => {
    const before = await client({ clientId: 'device', clean: false });
    await before.mqtt.subscribeAsync(['a/+', 'b'], { qos: 1 });
    await before.mqtt.endAsync();
    const sender = await client({ clientId: 'sender' });
    await sender.mqtt.publishAsync('a/1', 'one', { qos: 1 });
    await sender.mqtt.publishAsync('b', 'two', { qos: 2 });
    await sender.mqtt.publishAsync('state', 'on', { qos: 1, retain: true });
    await kill();
    await start();
    await until(() => sender.mqtt.connected, 'the sender is back');
    await sender.mqtt.publishAsync('a/2', 'three', { qos: 1 });
    const after = await client({ clientId: 'device', clean: false });
    expect(await after.gets(3)).to.deep.equal(['one', 'two', 'three']);
    await after.mqtt.subscribeAsync('state', { qos: 1 });
    await after.gets(4);
    expect(after.received.at(-1)).to.deep.include({ topic: 'state', text: 'on', retain: true });
  });

  it('loses nothing that it has acknowledged, of three deaths under load', async () => {
    const taker = await client({ clientId: 'taker', clean: false });
    await taker.mqtt.subscribeAsync('load', { qos: 1 });
    const sender = await client({ clientId: 'sender', clean: false });
    const acknowledged = new Set<number>();
    let [next, answered, isSending] = [0, 0, true];
    const pump = (): void => {
      while (isSending && next - answered < 200) {
        const number = next;
        next += 1;
        sender.mqtt.publish('load', String(number), { qos: 1 }, (error) => {
          answered += 1;
          // Of some that were on their way mqtt.js says that the connection was closed.
          if (!error) acknowledged.add(number);
        });
      }
      if (isSending) setTimeout(pump, 2);
    };
    pump();
    for (let death = 0; death < 3; death += 1) {
      const enough = acknowledged.size + 100;
      await until(() => acknowledged.size > enough, `acknowledged after ${death} deaths`);
      await kill();
      await start();
    }
    isSending = false;
    await until(() => answered === next, `all ${next} answered`);
    const wanted = [...acknowledged];
    await until(() => {
      const got = new Set(taker.texts.map(Number));
      return wanted.every((number) => got.has(number));
    }, 'all that was acknowledged is taken');
  });
});
