import { expect } from 'chai';
import { LossWatch } from '../../src/coordinator/loss-watch.js';
import { openMemoryEngine } from '../../src/engine/index.js';
import { silentLogger } from '../../src/support/index.js';
import { DirectBroker } from '../../src/transport/direct/index.js';
import type { Broker, Subscription } from '../../src/transport/index.js';
import { keepingLogger, until } from '../participant/network.js';
import { graphOf, Scene } from './scene.js';

type Losses = (text: string, messages?: number) => void;

/** A broker that drops messages when it is told to. */
async function dropping(): Promise<{ readonly broker: Broker; readonly drop: Losses }> {
  let handler: Losses = () => undefined;
  const losses = async (given: Losses): Promise<Subscription> => {
    handler = given;
    return { cancel: async () => undefined };
  };
  const broker = Object.assign(new DirectBroker(await openMemoryEngine(), { id: 'c' }, silentLogger), { losses });
  return { broker, drop: (text, messages) => handler(text, messages) };
}

describe('LossWatch', () => {
  it('says the first loss at once, what follows together, and counts all', async () => {
    const { broker, drop } = await dropping();
    const log = keepingLogger();
    const told: string[] = [];
    const watch = new LossWatch({ broker, log, tell: (text) => told.push(text), periodMs: 50 });
    await watch.start();
    drop('the broker dropped 3 messages', 3);
    drop('the broker dropped 4 messages', 4);
    drop('the broker dropped something');
    expect(log.lines).to.deep.equal(['the broker dropped 3 messages']);
    await until(() => log.lines.length === 2);
    expect(log.lines[1]).to.equal('the broker dropped 5 more messages (told 2 times); 8 so far');
    expect(told).to.deep.equal(log.lines);
    expect(watch.messages).to.equal(8);
    await watch.stop();
  });

  it('is told by the coordinator as a failure, and counted', async () => {
    const scene = await Scene.open();
    const { broker, drop } = await dropping();
    await broker.connect();
    const log = keepingLogger();
    const { coordinator, events } = await scene.coordinate('', { graph: graphOf('a(A) OUT -> IN b(B)'), broker, log });
    drop('the broker dropped 7 messages', 7);
    expect(events).to.deep.include({ kind: 'failure', message: 'the broker dropped 7 messages' });
    expect(log.lines).to.include('the broker dropped 7 messages');
    expect(coordinator.instruments.lostMessages).to.equal(7);
    await coordinator.stop();
    await scene.close();
    await broker.close();
  });
});
