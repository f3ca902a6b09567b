import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { connectAsync, type MqttClient } from 'mqtt';
import { ROOT } from '../network/running.js';
import { brokers, irregular, Program, Stage } from './programs.js';

/** A thermometer and a display on one connection, at QoS 0 and with a clean session: all that such devices do. */
class Devices {
  shown = '';
  readonly #client: MqttClient;
  readonly #timer: NodeJS.Timeout;

  private constructor(client: MqttClient, readings: string) {
    let n = 0;
    this.#client = client;
    client.on('message', (_topic, payload) => {
      this.shown += `shown ${payload.toString()}\n`;
    });
    this.#timer = setInterval(() => {
      n += 1;
      client.publish(readings, String(n), { qos: 0 });
    }, 20);
  }

  static async start(url: string, { readings, texts }: { readonly readings: string; readonly texts: string }) {
    const client = await connectAsync(url);
    const devices = new Devices(client, readings);
    await client.subscribeAsync(texts, { qos: 0 });
    return devices;
  }

  get last(): number {
    return Number(this.shown.match(/\d+/g)?.at(-1) ?? 0);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#client.endAsync(true);
  }
}

describe('devices that speak bare MQTT', function () {
  this.timeout(40_000);
  let stage: Stage;
  let devices: Devices | undefined;
  let topics: { readonly readings: string; readonly texts: string };

  beforeEach(async () => {
    stage = new Stage(await brokers.Mosquitto());
    topics = { readings: `devices/${stage.p}cellar/celsius`, texts: `devices/${stage.p}hall/text` };
  });
  afterEach(async () => {
    await devices?.stop();
    await stage.end();
  });

  const register = (...args: string[]): Program =>
    stage.add(Program.start([join(ROOT, 'bin/msgflo-register.js'), '--broker', stage.broker, ...args]));
  const registerBoth = (): Program => {
    const roles = { cellar: 'Thermometer', hall: 'Display' };
    const files = Object.entries(roles).map(([role, file]) => `${stage.p}${role}:participants/${file}.yml`);
    return register(...files.flatMap((file) => ['--role', file]), '--interval', '0.5');
  };
  const graph = (): string => {
    const { p } = stage;
    return `${p}cellar(Thermometer) CELSIUS -> IN ${p}repeat(Repeat) OUT -> TEXT ${p}hall(Display)
            ${p}cellar CELSIUS -> IN ${p}print(Print)`;
  };
  const until = async (condition: () => boolean): Promise<void> => {
    while (!condition()) await new Promise((resolve) => setTimeout(resolve, 10));
  };

  it('they first: announced from YAML, their readings arrive, and what we send reaches them through the router', async () => {
    devices = await Devices.start(stage.broker, topics);
    await registerBoth().says('Sent discovery message for');
    const network = await stage.network(graph(), ['cellar', 'hall']);
    await network.says(/print \| \d+\n/);
    await until(() => (devices?.last ?? 0) > 20);
    expect(irregular(devices.shown, /shown (\d+)/g), 'the first is not 1').to.have.length.at.most(1);
  });

  it('we first', async () => {
    const network = await stage.network(graph(), ['cellar', 'hall']);
    await network.says('msgflo started on');
    await registerBoth().says('Sent discovery message for');
    await network.says('the network is complete');
    devices = await Devices.start(stage.broker, topics);
    await network.says(/print \| 20\n/);
    await until(() => (devices?.last ?? 0) > 20);
    expect(irregular(devices.shown, /shown (\d+)/g)).to.deep.equal([]);
  });

  it('as components that msgflo announces; a router killed with -9 comes back, and nothing we sent is lost', async () => {
    const network = await stage.network(graph(), []);
    await network.says('the network is complete');
    devices = await Devices.start(stage.broker, topics);
    await until(() => (devices?.last ?? 0) > 20);
    const [router] = network.children('msgflo-router');
    process.kill(router?.pid ?? 0, 'SIGKILL');
    const atKill = devices.last;
    await until(() => (devices?.last ?? 0) > atKill + 100);
    const shown = new Set([...devices.shown.matchAll(/\d+/g)].map(([n]) => Number(n)));
    const expected = Array.from({ length: devices.last }, (_, n) => n + 1);
    expect(expected.filter((n) => !shown.has(n))).to.deep.equal([]);
    expect(network.children('msgflo-router').map(({ pid }) => pid)).to.not.include(router?.pid);
  });

  it('a file of many: with --watch a device takes part from the first time that its topic is heard', async () => {
    const { p } = stage;
    const network = await stage.network(`${p}sensor-attic(Sensor) VALUE -> IN ${p}print(Print)`, ['sensor-attic']);
    const text = `
participants:
  '${p}sensor-#1':
    topic: ${p}rooms/+/value
    component: Sensor
    outports: { value: { queue: '#TOPIC' } }
`;
    await writeFile(join(network.folder, 'sensors.yml'), text);
    const watch = register(join(network.folder, 'sensors.yml'), '--watch');
    devices = await Devices.start(stage.broker, { readings: `${p}rooms/attic/value`, texts: `${p}nothing` });
    await watch.says(`Sent discovery message for ${p}sensor-attic`);
    await network.says(/print \| \d+\n/);
  });
});
