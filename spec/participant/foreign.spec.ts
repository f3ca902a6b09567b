import { expect } from 'chai';
import { ROLL_CALL_NOTICE } from '../../src/discovery/index.js';
import {
  DeviceWatch,
  ForeignRegistrar,
  ForeignYamlError,
  readForeignYaml,
  type TopicListener,
} from '../../src/participant/index.js';
import { TopicPattern } from '../../src/participant/topic-pattern.js';
import { keepingLogger, Network, until } from './network.js';

const lamp = `component: Lamp
label: A lamp
icon: lightbulb-o
inports:
  on: { queue: 'lamps/#ROLE/on', type: boolean, description: switch it }
  inside: {}
outports:
- id: state
  queue: lamps/#ROLE/state
`;

describe('readForeignYaml', () => {
  it('reads one participant of a role, ports as map or list, #ROLE replaced, ports without queue left out', () => {
    const { definitions, patterns } = readForeignYaml(lamp, 'lamp.yml', 'kitchen');
    expect(patterns).to.deep.equal([]);
    expect(definitions).to.deep.equal([
      {
        id: 'kitchen',
        role: 'kitchen',
        component: 'Lamp',
        label: 'A lamp',
        icon: 'lightbulb-o',
        inports: [{ id: 'on', queue: 'lamps/kitchen/on', type: 'boolean', description: 'switch it' }],
        outports: [{ id: 'state', queue: 'lamps/kitchen/state' }],
      },
    ]);
  });

  it('reads many, with patterns for devices whose role comes from the topic', () => {
    const text = `participants:
  door: { component: Door, id: 'the-#ROLE', outports: { open: { queue: door/open } } }
  'thermometer #1':
    topic: devices/+/temperature
    component: Thermometer
    outports: { temperature: { queue: '#TOPIC' }, battery: { queue: 'devices/#1/battery' } }
  any:
    topic: others/+/#
    component: Other
    outports: { out: { queue: '#TOPIC' } }
`;
    const { definitions, patterns } = readForeignYaml(text, 'all.yml');
    expect(definitions.map(({ id, role }) => [id, role])).to.deep.equal([['the-door', 'door']]);
    const [thermometer, other] = patterns;
    expect(thermometer?.definitionOf('devices/attic/temperature')).to.deep.include({
      role: 'thermometer attic',
      outports: [
        { id: 'temperature', queue: 'devices/attic/temperature' },
        { id: 'battery', queue: 'devices/attic/battery' },
      ],
    });
    expect(other?.definitionOf('others/a/b/c').role).to.equal('any-a-b/c');
  });

  const wrong: readonly (readonly [string, string, string])[] = [
    ['a tab', 'component: Lamp\noutports:\n\tout: {}\n', 'x.yml:3: tab characters must not be used in indentation'],
    ['no map', 'just words', "x.yml: a foreign participant is a map with 'component'"],
    ['no component', 'outports: {}', "x.yml: participant 'r': 'component' is missing"],
    [
      'a port that is text',
      'component: A\noutports: { out: text }',
      "x.yml: participant 'r': outports.out: a port is a map",
    ],
    ['a port without id', 'component: A\noutports: [ { queue: q } ]', "outports[0]: 'id' is missing"],
    ['a queue that is no text', 'component: A\ninports: { in: { queue: 12 } }', "inports.in: 'queue' is text, not 12"],
    ['roles given twice', 'participants: {}', "x.yml: it names its roles under 'participants'"],
  ];
  for (const [what, text, words] of wrong) {
    it(`names file and place of ${what}, in one line`, () => {
      expect(() => readForeignYaml(text, 'x.yml', 'r'))
        .to.throw(ForeignYamlError, words)
        .with.property('message')
        .not.contain('\n');
    });
  }

  it('names a wrong topic pattern and a wrong port of a device when the file is read', () => {
    const device = (topic: string, port: string): string =>
      `participants: { d: { topic: '${topic}', component: D, outports: { out: ${port} } } }`;
    expect(() => readForeignYaml(device('a/b+', '{}'), 'x.yml')).to.throw("x.yml: participant 'd': 'a/b+' is no topic");
    expect(() => readForeignYaml(device('a/+', '1'), 'x.yml')).to.throw('a port is a map');
  });
});

describe('TopicPattern', () => {
  const rows: readonly (readonly [string, string, readonly string[] | undefined])[] = [
    ['a/+/c', 'a/b/c', ['b']],
    ['a/+/c', 'a//c', ['']],
    ['a/+/c', 'a/b/d', undefined],
    ['a/+', 'a/b/c', undefined],
    ['a/#', 'a/b/c', ['b/c']],
    ['a/#', 'a', ['']],
    ['#', 'a/b', ['a/b']],
    ['#', '$SYS/x', undefined],
    ['$SYS/#', '$SYS/x', ['x']],
    ['a', 'a', []],
  ];
  for (const [pattern, topic, found] of rows) {
    it(`${pattern} ${found ? `finds ${JSON.stringify(found)} in` : 'does not match'} ${topic}`, () => {
      expect(new TopicPattern(pattern).match(topic)).to.deep.equal(found);
    });
  }
});

describe('foreign participants', () => {
  let network: Network;
  beforeEach(async () => {
    network = await Network.open();
  });
  afterEach(() => network.close());

  it('are announced at once, at an interval, and when the roll is called', async () => {
    const { definitions } = readForeignYaml(lamp, 'lamp.yml', 'kitchen');
    const sent: string[] = [];
    const registrar = new ForeignRegistrar({
      client: network.hand,
      definitions,
      intervalMs: 60_000,
      onSent: ({ id }) => sent.push(id),
    });
    network.own(async () => registrar.stop());
    await registrar.start();
    expect(sent).to.deep.equal(['kitchen']);
    await network.notify(ROLL_CALL_NOTICE, '');
    await until(() => network.announced.length === 2);
    registrar.stop();
    const often = new ForeignRegistrar({ client: network.hand, definitions, intervalMs: 3 });
    network.own(async () => often.stop());
    await often.start();
    await until(() => network.announced.length > 5);
    expect(network.last('kitchen')).to.deep.equal(definitions[0]);
  });

  it('behind a topic pattern are announced when first heard, and not more than the limit', async () => {
    const text = `participants: { 'sensor-#1': { topic: s/+, component: S, outports: { out: { queue: '#TOPIC' } } } }`;
    const { patterns } = readForeignYaml(text, 'x.yml');
    const handlers: ((topic: string) => void)[] = [];
    const listener: TopicListener = {
      async hear(_pattern, handler) {
        handlers.push(handler);
        return { cancel: async () => void handlers.splice(0) };
      },
    };
    const log = keepingLogger();
    const registrar = new ForeignRegistrar({ client: network.hand, definitions: [], intervalMs: 60_000, log });
    network.own(async () => registrar.stop());
    await registrar.start();
    const watch = new DeviceWatch({ listener, patterns, registrar, log, maxDevices: 2 });
    await watch.start();
    for (const topic of ['s/a', 's/a', 's/b', 'other', 's/c', 's/d']) handlers[0]?.(topic);
    await until(() => network.announced.length === 2);
    expect(network.announced.map(({ role }) => role)).to.deep.equal(['sensor-a', 'sensor-b']);
    expect(log.lines).to.deep.equal(["more than 2 devices: 's/c' and all others are not announced"]);
    await watch.stop();
    expect(handlers).to.deep.equal([]);
  });
});
