import { expect } from 'chai';
import { Executor, type ExecutorParts } from '../../src/coordinator/executor.js';
import type { Launcher } from '../../src/coordinator/index.js';
import { RecordsFile } from '../../src/coordinator/records-file.js';
import { bindingKey } from '../../src/coordinator/state.js';
import type { Step } from '../../src/coordinator/steps.js';
import { openMemoryEngine } from '../../src/engine/index.js';
import { asQueueName, asRole } from '../../src/names.js';
import { silentLogger } from '../../src/support/index.js';
import { DirectBroker } from '../../src/transport/direct/index.js';
import type { Binding } from '../../src/transport/index.js';
import { keepingLogger } from '../participant/network.js';

const binding: Binding = { kind: 'pubsub', source: asQueueName('a.OUT'), target: asQueueName('b.IN') };
const bind: Step = { do: 'bind', binding, edge: 'an edge' };

describe('Executor', () => {
  let nowMs: number;
  let broker: DirectBroker;
  let records: RecordsFile;

  beforeEach(async () => {
    nowMs = 1000;
    broker = new DirectBroker(await openMemoryEngine(), { id: 'c' }, silentLogger);
    await broker.connect();
    records = new RecordsFile({
      path: undefined,
      broker: '',
      run: undefined,
      participants: () => [],
      log: silentLogger,
    });
  });
  afterEach(() => broker.close());

  const parts = (): ExecutorParts => ({
    broker,
    records,
    log: keepingLogger(),
    nowMs: () => nowMs,
    tap: async () => undefined,
    untap: async () => undefined,
    move: () => undefined,
    ended: () => undefined,
    telling: () => undefined,
    failed: () => undefined,
  });
  const executor = (log = keepingLogger()) => new Executor({ ...parts(), log });
  const declare = async () => {
    await broker.declare('outqueue', binding.source);
    await broker.declare('inqueue', binding.target);
  };

  it('binds, and knows that it is bound', async () => {
    await declare();
    const one = executor();
    expect(await one.carryOut([bind])).to.equal(1);
    expect(one.nextTryAtMs).to.equal(Number.POSITIVE_INFINITY);
    expect([...one.bound]).to.deep.equal([bindingKey(binding)]);
    expect(await broker.bindings()).to.deep.include(binding);
  });

  it('records a binding before it makes it, so that a crash in between leaves none that nobody takes away', async () => {
    await executor().carryOut([bind]);
    expect(records.bindings.get(bindingKey(binding))).to.deep.equal({ binding, edge: 'an edge' });
  });

  it('leaves a failed step out until its back-off is over, and tries it at once when its queue is announced', async () => {
    const one = executor();
    expect(await one.carryOut([bind])).to.equal(0);
    expect(one.nextTryAtMs - nowMs).to.be.within(150, 250);
    await declare();
    expect(await one.carryOut([bind]), 'not due').to.equal(0);
    one.rebind(new Set([binding.target]));
    expect(await one.carryOut([bind]), 'announced').to.equal(1);
  });

  it('says once why a step fails again and again, and after 10 s nobody need wait for it', async () => {
    const log = keepingLogger();
    const one = executor(log);
    for (let tries = 0; tries < 8; tries += 1) {
      await one.carryOut([bind]);
      if (tries === 0) {
        expect(one.failing.size).to.equal(0);
        expect(one.nextFailingAtMs(nowMs)).to.equal(nowMs + 10_000);
      }
      nowMs += 13_000;
    }
    expect(log.lines).to.have.length(1);
    expect(log.lines[0]).to.match(/^could not bind a\.OUT -> b\.IN: there is no queue .*; it is tried again$/);
    expect([...one.failing]).to.deep.equal([bindingKey(binding)]);
    expect(one.nextFailingAtMs(nowMs)).to.equal(Number.POSITIVE_INFINITY);
  });

  it('is not held up by a step that fails', async () => {
    await declare();
    const broken: Step = { do: 'bind', binding: { ...binding, target: asQueueName('nowhere') }, edge: 'another' };
    expect(await executor().carryOut([broken, bind])).to.equal(1);
  });

  it('makes before it breaks', async () => {
    await declare();
    await broker.declare('inqueue', asQueueName('c.IN'));
    const one = executor();
    await one.carryOut([bind]);
    const order: string[] = [];
    const watched = new Proxy(broker, {
      get(target, key) {
        if (key === 'bind' || key === 'unbind') order.push(key);
        const value = Reflect.get(target, key, target);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
    const next = new Executor({ ...parts(), broker: watched });
    const moved: Step = { do: 'bind', binding: { ...binding, target: asQueueName('c.IN') }, edge: 'an edge' };
    await next.carryOut([{ do: 'unbind', binding, edge: 'an edge' }, moved]);
    expect(order).to.deep.equal(['bind', 'unbind']);
    expect([...records.bindings.keys()]).to.deep.equal([bindingKey(moved.binding)]);
  });

  it('restarts an outdated program in the end, though it could not be stopped at first', async () => {
    const did: string[] = [];
    const spec = { key: 'a', role: asRole('a'), argv: ['a'] };
    let refusals = 1;
    const launcher: Launcher = {
      list: async () => [],
      start: async ({ key }) => void did.push(`start ${key}`),
      stop: async (key) => {
        if (refusals-- > 0) throw new Error('not now');
        did.push(`stop ${key}`);
      },
      onChange: () => undefined,
      onOutput: () => undefined,
    };
    const one = new Executor({ ...parts(), launcher });
    await one.carryOut([{ do: 'start', spec }]);
    one.outdated.add('a');
    await one.carryOut([{ do: 'restart', spec }]);
    expect([...one.outdated], 'still to be done').to.deep.equal(['a']);
    nowMs += 1000;
    await one.carryOut([{ do: 'restart', spec }]);
    expect(did).to.deep.equal(['start a', 'stop a', 'start a']);
    expect([...one.outdated]).to.deep.equal([]);
  });
});
