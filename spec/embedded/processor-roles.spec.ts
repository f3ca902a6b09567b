import { expect } from 'chai';
import { type Announcement, readAnnouncement } from '../../src/discovery/index.js';
import { ProcessorRoles } from '../../src/embedded/processor-roles.js';
import { QueueEngine } from '../../src/engine/index.js';
import { type LogNode, MemoryStore, openLogNode, type ProcessorDefinition } from '../../src/log/index.js';
import { silentLogger } from '../../src/support/index.js';

describe('processors as participants', () => {
  let node: LogNode;
  let engine: QueueEngine;
  let heard: Announcement[];
  let roles: ProcessorRoles | undefined;

  beforeEach(async () => {
    node = openLogNode(new MemoryStore());
    engine = await QueueEngine.open(node);
    heard = [];
    engine.open({ id: 'listener' }).watch('fbp', (body) => heard.push(readAnnouncement(body)));
  });
  afterEach(async () => {
    roles?.close();
    roles = undefined;
    await engine.close();
    await node.close();
  });

  const shown = (intervalMs?: number): void => {
    roles = new ProcessorRoles({ node, engine, log: silentLogger, ...(intervalMs && { intervalMs }) });
  };
  const define = (name: string, more: Partial<ProcessorDefinition> = {}): Promise<unknown> =>
    node.systemProc({ name, from: ['a'], to: ['b'], processor: 'x.js', options: { offset: '>' }, ...more });
  const told = async (count: number): Promise<void> => {
    while (heard.length < count) await new Promise((resolve) => setTimeout(resolve, 2));
  };
  const last = () => {
    const announcement = heard.at(-1);
    if (announcement?.kind !== 'participant') throw new Error(`heard ${announcement?.kind}`);
    return announcement.definition;
  };

  it('are announced when they are there, and when they are defined', async () => {
    await define('addone');
    shown();
    await told(1);
    expect(last()).to.deep.include({ id: 'log-addone', role: 'addone', component: 'log/addone' });
    expect(last().inports).to.deep.equal([{ id: 'in', queue: 'a', type: 'object' }]);
    expect(last().outports).to.deep.equal([{ id: 'out', queue: 'b', type: 'object' }]);
    expect(last()).not.to.have.property('wiring');
    await define('addtwo', { to: [] });
    await told(2);
    expect(last()).to.include({ role: 'addtwo' });
    expect(last().outports).to.deep.equal([]);
  });

  it('have a port for each of several topics, with names that graphs can write', async () => {
    shown();
    const topics = ['left-hand', 'left_hand', '2nd', 'A', 'a'];
    await define('many', { from: topics, to: topics });
    await told(1);
    const ports = ['left_hand', 'left_hand_2', '_2nd', 'A', 'a_2'];
    for (const side of [last().inports, last().outports]) {
      expect(side.map(({ id }) => id)).to.deep.equal(ports);
      expect(side.map(({ queue }) => queue)).to.deep.equal(topics);
    }
  });

  it('answer the roll, and are announced from time to time', async () => {
    await define('addone');
    shown();
    await told(1);
    await engine.notify({ name: 'fbp.rollcall', body: Buffer.from('{}'), retain: false });
    await told(2);
    roles?.close();
    shown(5);
    await told(5);
  });

  it('are gone when they are removed, but not when their node ends', async () => {
    await define('addone');
    shown();
    await told(1);
    await node.removeProcessor('addone');
    await told(2);
    expect(heard.at(-1)).to.deep.equal({ kind: 'gone', id: 'log-addone', role: 'addone' });
    await define('addone');
    await told(3);
    roles?.close();
    await define('addtwo');
    await engine.notify({ name: 'fbp.rollcall', body: Buffer.from('{}'), retain: false });
    await engine.notify({ name: 'fbp', body: Buffer.from('{}'), retain: false });
    await told(4);
    expect(heard.at(-1)).to.deep.equal({ kind: 'other' });
  });
});
