import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import { EmbeddedBroker } from '../../src/embedded/index.js';
import { type Engine, openMemoryEngine } from '../../src/engine/index.js';
import { asQueueName } from '../../src/names.js';
import { silentLogger } from '../../src/support/index.js';
import { LogBroker } from '../../src/transport/log/index.js';
import { eventually } from '../transport/conformance/stage.js';
import { freshDir } from './broker-process.js';
import { DoorStage } from './mqtt-door/stage.js';

const QUEUE = asQueueName('flood');
const COUNT = 300;
const BODY = Buffer.alloc(10_000, 'x');
/** What came in one chunk is taken before nothing more is read. */
const MOST_TAKEN = 20;

/** An engine that cannot follow from one call to the other. */
class CongestedEngine implements Engine {
  readonly #engine: Engine;
  #letGo: () => void = () => undefined;
  congestion: Promise<void> | undefined;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  hold(): void {
    this.congestion = new Promise<void>((done) => {
      this.#letGo = done;
    });
  }

  letGo(): void {
    this.congestion = undefined;
    this.#letGo();
  }

  open: Engine['open'] = (client) => this.#engine.open(client);
  bind: Engine['bind'] = (binding) => this.#engine.bind(binding);
  unbind: Engine['unbind'] = (binding) => this.#engine.unbind(binding);
  bindings: Engine['bindings'] = () => this.#engine.bindings();
  subscribe: Engine['subscribe'] = (inqueue, filters) => this.#engine.subscribe(inqueue, filters);
  depths: Engine['depths'] = (queues) => this.#engine.depths(queues);
  deadLetterInqueues: Engine['deadLetterInqueues'] = () => this.#engine.deadLetterInqueues();
  notify: Engine['notify'] = (notice) => this.#engine.notify(notice);

  get counters(): Engine['counters'] {
    return this.#engine.counters;
  }

  get taken(): number {
    return this.depths([QUEUE])[0]?.ready ?? 0;
  }

  /** How many were taken when no more are for a while. */
  async settled(): Promise<number> {
    await eventually(() => this.taken > 0, 'a message that is taken');
    for (let before = 0; before < this.taken; await delay(100)) before = this.taken;
    return this.taken;
  }
}

describe('a node whose log cannot follow', () => {
  let engine: CongestedEngine;
  beforeEach(async () => {
    engine = new CongestedEngine(await openMemoryEngine());
    await engine.open({ id: 'owner' }).declare('inqueue', QUEUE, { persistent: true });
  });

  it('reads no more from participants until it can', async () => {
    const { dir, remove } = await freshDir();
    const node = await EmbeddedBroker.listen({ dir, engine, log: silentLogger });
    const client = new LogBroker(new URL(node.address), { id: 'spec' }, silentLogger);
    try {
      await client.connect();
      engine.hold();
      const sent = Array.from({ length: COUNT }, () => client.send('inqueue', QUEUE, { data: BODY }));
      expect(await engine.settled()).to.be.within(1, MOST_TAKEN);
      engine.letGo();
      await Promise.all(sent);
      expect(engine.taken).to.equal(COUNT);
    } finally {
      await client.close({ graceMs: 0 });
      await node.stop();
      await remove();
    }
  });

  it('reads no more from clients of MQTT until it can', async () => {
    const stage = new DoorStage();
    await stage.start({}, engine);
    try {
      const { mqtt } = await stage.connect();
      engine.hold();
      const sent = Array.from({ length: COUNT }, () => mqtt.publishAsync(QUEUE, BODY, { qos: 1 }));
      expect(await engine.settled()).to.be.within(1, MOST_TAKEN);
      engine.letGo();
      await Promise.all(sent);
      expect(engine.taken).to.equal(COUNT);
    } finally {
      await stage.end();
    }
  });
});
