import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { mock } from 'node:test';
import { expect } from 'chai';
import {
  Coordinator,
  type CoordinatorEvent,
  type CoordinatorOptions,
  type Launcher,
} from '../../src/coordinator/index.js';
import { DISCOVERY_NOTICE, readWiring, type Wiring, wiringNotice } from '../../src/discovery/index.js';
import { asQueueName, asRole } from '../../src/names.js';
import type { ProcessState } from '../../src/process/index.js';
import { silentLogger } from '../../src/support/index.js';
import type { Network } from '../participant/network.js';
import { graphOf, Scene } from './scene.js';

/** Long enough for all that goes on in process without any timer. */
const TURNS = 40;

describe('Coordinator, at rest', () => {
  let scene: Scene;
  let network: Network;
  let nowMs: number;
  /** What `a` was told, the latest last. */
  let told: Wiring[];

  beforeEach(async () => {
    scene = await Scene.open();
    network = scene.network;
    nowMs = 1000;
    told = [];
    await network.hand.watch(wiringNotice(asRole('a')), (body) => {
      const read = readWiring(body);
      if (read.kind === 'wiring') told.push(read.wiring);
    });
    mock.timers.enable({ apis: ['setTimeout', 'setInterval'] });
  });
  afterEach(async () => {
    mock.timers.reset();
    await scene.close();
  });

  const turns = async (): Promise<void> => {
    for (let turn = 0; turn < TURNS; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  };

  const pass = async (ms: number): Promise<void> => {
    for (let passed = 0; passed < ms; passed += 50) {
      nowMs += 50;
      mock.timers.tick(50);
      if (passed % 500 === 0) await turns();
    }
    await turns();
  };

  /** Without a file, whose writing would take real time. */
  const coordinate = async (text: string, options: Partial<CoordinatorOptions> = {}) => {
    const broker = await network.registry.open(network.address, { id: 'c' }, silentLogger);
    await broker.connect();
    const surroundings = { broker, run: 'r1', log: silentLogger, nowMs: () => nowMs };
    const coordinator = new Coordinator({ graph: graphOf(text), ...surroundings, ...options });
    const events: CoordinatorEvent[] = [];
    coordinator.subscribe((event) => events.push(event));
    network.own(async () => {
      await coordinator.stop();
      await broker.close();
    });
    await coordinator.start();
    return { coordinator, events };
  };

  /** A participant of ours that is played by the spec. */
  const announce = async (
    role: string,
    { wired, isDeclared = true }: { wired?: string; isDeclared?: boolean } = {},
  ) => {
    if (isDeclared) await network.hand.declare('inqueue', asQueueName(`${role}.IN`));
    await network.hand.declare('outqueue', asQueueName(`${role}.OUT`));
    const ports = { inports: [{ id: 'in', queue: `${role}.IN` }], outports: [{ id: 'out', queue: `${role}.OUT` }] };
    const payload = { id: `${role}-1`, role, component: 'Ours', wiring: 1, ...ports, ...(wired && { wired }) };
    await network.notify(DISCOVERY_NOTICE, JSON.stringify({ protocol: 'discovery', command: 'participant', payload }));
    await turns();
  };

  const passes = ({ events }: { readonly events: readonly CoordinatorEvent[] }): number =>
    events.filter(({ kind }) => kind === 'report').length;

  const bound = async (): Promise<string[]> =>
    (await network.hand.bindings()).map(({ source, target }) => `${source} -> ${target}`).sort();

  it('makes no pass when nothing is due, and one at once when somebody is heard', async () => {
    const one = await coordinate('a(Ours) OUT -> IN b(Ours)');
    await announce('a');
    await announce('b');
    await pass(20_000);
    expect(await bound()).to.deep.equal(['a.OUT -> b.IN']);
    const before = passes(one);
    await pass(35_000);
    expect(passes(one)).to.equal(before);
    await announce('b');
    await pass(100);
    expect(passes(one)).to.be.above(before);
  });

  it('has sources wait no longer for a participant whose process has said nothing for 30 s', async () => {
    const silent: ProcessState = { key: 'silent', role: 'silent', status: 'running', restarts: 0 };
    const spec = { key: 'silent', role: asRole('silent'), argv: ['true'] };
    const launcher: Launcher = {
      list: async () => [silent],
      start: async () => undefined,
      stop: async () => undefined,
      onChange: () => undefined,
      onOutput: () => undefined,
    };
    const launches = () => new Map([[spec.role, { specs: [spec], takesIips: false }]]);
    await coordinate('a(Ours) OUT -> IN b(Ours)\na OUT -> IN silent(Ours)', { launcher, launches });
    await announce('a');
    await announce('b');
    await pass(28_500);
    expect(told.at(-1)?.outports).to.deep.equal({ out: 'waiting' });
    await pass(3000);
    expect(told.at(-1)?.outports).to.deep.equal({ out: 'ready' });
  });

  it('has sources wait no longer for a binding that could not be made for 10 s', async () => {
    await coordinate('a(Ours) OUT -> IN b(Ours)\na OUT -> IN c(Ours)');
    await announce('a');
    await announce('b');
    await announce('c', { isDeclared: false });
    await pass(9500);
    expect(told.at(-1)?.outports).to.deep.equal({ out: 'waiting' });
    await pass(2000);
    expect(told.at(-1)?.outports).to.deep.equal({ out: 'ready' });
  });

  it('takes away the old way of a source that has not answered its wiring for 5 s', async () => {
    const { coordinator } = await coordinate('a(Ours) OUT -> IN b(Ours)');
    await announce('a');
    await announce('b');
    await pass(15_000);
    await announce('a', { wired: told.at(-1)?.hash ?? '' });
    coordinator.setGraph(graphOf('a(Ours)\nb(Ours)'));
    await pass(4500);
    expect(told.at(-1)?.outports).to.deep.equal({ out: 'unconnected' });
    expect(await bound()).to.deep.equal(['a.OUT -> b.IN']);
    await pass(2500);
    expect(await bound()).to.deep.equal([]);
  });

  it('writes its records within seconds after they can be written', async () => {
    const way = join(scene.folder, 'folder');
    const recordsPath = join(way, 'records.json');
    await writeFile(way, 'in the way');
    await coordinate('a(Ours) OUT -> IN b(Ours)', { recordsPath });
    await announce('a');
    await announce('b');
    await pass(20_000);
    await rm(way);
    await pass(6000);
    while (!(await readFile(recordsPath, 'utf8').catch(() => ''))) await turns();
    expect(JSON.parse(await readFile(recordsPath, 'utf8')).bindings).to.have.length(1);
  });
});
