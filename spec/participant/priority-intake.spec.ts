import { expect } from 'chai';
import { asPortName, asQueueName } from '../../src/names.js';
import { Inport } from '../../src/participant/inport.js';
import { EqualPermits } from '../../src/participant/permits.js';
import { PriorityIntake, type PriorityOptions } from '../../src/participant/priority-intake.js';
import { until } from './network.js';

const inport = (name: string, spec: { order?: number; prefetch?: number } = {}): Inport =>
  new Inport(asPortName(name), asQueueName(`r.${name}`), { prefetch: 100, ...spec });

/** Ports a (first), b and c (alike, last), and who was admitted. */
class Scene {
  readonly a: Inport;
  readonly b = inport('b');
  readonly c = inport('c');
  readonly permits: PriorityIntake;
  readonly admitted: string[] = [];
  readonly givenBack: string[] = [];

  constructor(options: Partial<PriorityOptions> = {}, prefetch = 100) {
    this.a = inport('a', { order: 1, prefetch });
    this.permits = new PriorityIntake([this.b, this.a, this.c], { limit: 1, quietMs: 20, ...options });
  }

  /** A message comes. */
  arrive(port: Inport, options: { alone?: boolean; keep?: boolean } = {}): void {
    port.taken += 1;
    this.permits.changed();
    void this.permits.acquire(port, options).then((isAcquired) => {
      (isAcquired ? this.admitted : this.givenBack).push(port.name);
    });
  }

  /** Process() has ended with a message, and it is settled. */
  end(port: Inport, alone = false): void {
    this.permits.release(port, alone);
    port.settled += 1;
    this.permits.changed();
  }
}

describe('permits in order', () => {
  let scene: Scene;
  afterEach(() => scene.permits.stop());

  it('go to the earliest port that waits, among ports of one order to who came first', async () => {
    scene = new Scene();
    scene.arrive(scene.a);
    for (const port of [scene.c, scene.b, scene.a]) scene.arrive(port);
    await until(() => scene.admitted.length === 1);
    scene.end(scene.a);
    await until(() => scene.admitted.length === 2);
    scene.end(scene.a);
    await until(() => scene.admitted.length === 3);
    scene.end(scene.c);
    await until(() => scene.admitted.length === 4);
    expect(scene.admitted).to.deep.equal(['a', 'a', 'c', 'b']);
  });

  it('go to a later port only after a moment without anything on the earlier ones', async () => {
    scene = new Scene({ limit: 5, quietMs: 60 });
    scene.arrive(scene.a);
    scene.arrive(scene.b);
    await until(() => scene.admitted.length === 1);
    const endedMs = performance.now();
    scene.end(scene.a);
    await until(() => scene.admitted.length === 2);
    expect(performance.now() - endedMs).to.be.at.least(59);
  });

  it('are not kept from later ports by messages that wait for their next attempt', async () => {
    scene = new Scene();
    scene.arrive(scene.a);
    await until(() => scene.admitted.length === 1);
    scene.permits.release(scene.a, false);
    scene.a.pausing += 1;
    scene.permits.changed();
    scene.arrive(scene.b);
    await until(() => scene.admitted.length === 2);
    expect(scene.admitted).to.deep.equal(['a', 'b']);
  });

  it('of a port are no more than its prefetch, although it is sent one more to show that there is one', async () => {
    scene = new Scene({ limit: 5 }, 1);
    scene.arrive(scene.a);
    scene.arrive(scene.a);
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(scene.admitted).to.deep.equal(['a']);
    scene.end(scene.a);
    await until(() => scene.admitted.length === 2);
  });

  it('are waited for so long and no longer, but for ever by IIPs and by the earliest port', async () => {
    scene = new Scene({ patienceMs: 30 });
    scene.arrive(scene.a);
    scene.arrive(scene.a);
    scene.arrive(scene.b);
    scene.arrive(scene.c, { keep: true });
    await until(() => scene.givenBack.length > 0);
    await new Promise((resolve) => setTimeout(resolve, 40));
    expect(scene.givenBack).to.deep.equal(['b']);
  });

  it('are given back by all who wait when it stops, and by who comes later', async () => {
    scene = new Scene();
    for (const port of [scene.a, scene.a, scene.b]) scene.arrive(port);
    scene.permits.stop();
    scene.arrive(scene.c);
    await until(() => scene.givenBack.length === 3);
    expect(scene.admitted).to.deep.equal(['a']);
  });
});

describe('equal permits', () => {
  it('are all taken by who must be alone, before those who came later', async () => {
    const permits = new EqualPermits(2);
    const port = inport('a');
    const order: string[] = [];
    const acquire = (name: string, alone = false): void => {
      void permits.acquire(port, { alone }).then((isAcquired) => order.push(isAcquired ? name : `not ${name}`));
    };
    expect(permits.tryAcquire()).to.equal(true);
    acquire('alone', true);
    expect(permits.tryAcquire(), 'a permit is free, but somebody waits').to.equal(false);
    acquire('later');
    permits.release(port, false);
    await until(() => order.length === 1);
    expect(permits.tryAcquire()).to.equal(false);
    permits.release(port, true);
    await until(() => order.length === 2);
    acquire('last', true);
    permits.stop();
    await until(() => order.length === 3);
    expect(order).to.deep.equal(['alone', 'later', 'not last']);
  });
});
