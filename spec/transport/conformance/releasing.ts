import { expect } from 'chai';
import type { QueueName } from '../../../src/names.js';
import type { Broker, Output, Release } from '../../../src/transport/index.js';
import { eventually, type Stage } from './stage.js';

/** A release in the hand of a spec. */
class Hold implements Release {
  released = 0;
  #ending = new AbortController();

  get signal(): AbortSignal {
    return this.#ending.signal;
  }

  letGo(): void {
    this.released += 1;
  }

  end(): void {
    this.#ending.abort();
  }

  begin(): void {
    this.#ending = new AbortController();
  }
}

export function releasingSpecs(stage: () => Stage): void {
  /** An inqueue whose messages are numbers, settled with the outputs that `outputs` makes of them. */
  async function worker(outputs: (n: number) => readonly Output[]) {
    const broker = await stage().connect();
    const inqueue = await stage().inqueue(broker);
    const begun: number[] = [];
    const settled: [number, boolean][] = [];
    const handler = async ({ data }: { readonly data: unknown }) => {
      const n = Number(data);
      begun.push(n);
      return {
        verdict: n < 0 ? ({ deadLetter: 'below zero' } as const) : ('ack' as const),
        outputs: outputs(n),
        settled: (isCarriedOut: boolean) => void settled.push([n, isCarriedOut]),
      };
    };
    await broker.consume(inqueue, handler);
    const give = (n: number) => broker.send('inqueue', inqueue, { data: n });
    return { broker, begun, settled, give };
  }

  async function taken(broker: Broker, source: QueueName) {
    const target = await stage().inqueue(broker);
    const inbox = await stage().collect(broker, target);
    await stage().connectEdge(broker, inbox.consumer, source, target);
    return inbox;
  }

  it('tells once when a settlement is carried out, also with a dead letter', async () => {
    const out = stage().name();
    const { broker, settled, give } = await worker((n) => [{ outqueue: out, data: n }]);
    await broker.declare('outqueue', out);
    const inbox = await taken(broker, out);
    await give(1);
    await give(-2);
    expect((await inbox.next()).delivery.data).to.equal(1);
    await eventually(() => settled.length === 2, 'both to be settled');
    expect(settled).to.deep.equal([
      [1, true],
      [-2, true],
    ]);
  });

  it('tells that a settlement was not carried out which is none', async () => {
    const { settled, give } = await worker(() => [{ outqueue: '' as QueueName, data: 1 }]);
    await give(1);
    await eventually(() => settled.length > 0, 'the word');
    expect(settled).to.deep.equal([[1, false]]);
  });

  it('lets go of a held output when it is released, settles its input, and holds again when told to', async function () {
    const hold = new Hold();
    const out = stage().name();
    const output = (n: number) => ({ outqueue: out, data: n, mandatory: true, release: hold });
    const { broker, begun, settled, give } = await worker((n) => [output(n)]);
    if (!broker.capabilities.reportsUnrouted) return this.skip();
    await broker.declare('outqueue', out);
    for (const n of [1, 2, 3]) await give(n);
    await eventually(() => begun.length === 1, 'the first');
    hold.end();
    await eventually(() => settled.length === 3, 'all to be settled');
    expect(hold.released).to.equal(3);
    expect(settled.every(([, isCarriedOut]) => isCarriedOut)).to.equal(true);
    hold.begin();
    await give(4);
    await give(5);
    await eventually(() => begun.includes(4), 'the fourth');
    const inbox = await taken(broker, out);
    expect((await inbox.next()).delivery.data).to.equal(4);
    expect((await inbox.next()).delivery.data).to.equal(5);
    expect(hold.released).to.equal(3);
  });

  it('sends what is released where somebody takes it, and lets go of the rest of the same settlement', async function () {
    const hold = new Hold();
    const [bound, unbound] = [stage().name(), stage().name()];
    const output = (outqueue: QueueName, n: number) => ({ outqueue, data: n, mandatory: true, release: hold });
    const { broker, settled, give } = await worker((n) => [output(unbound, n), output(bound, n)]);
    if (!broker.capabilities.reportsUnrouted) return this.skip();
    for (const name of [bound, unbound]) await broker.declare('outqueue', name);
    const inbox = await taken(broker, bound);
    hold.end();
    await give(1);
    expect((await inbox.next()).delivery.data).to.equal(1);
    await eventually(() => settled.length === 1, 'the settlement');
    expect(hold.released).to.equal(1);
  });

  it('goes on holding an output that is not released beside one that is', async function () {
    const hold = new Hold();
    const [free, held] = [stage().name(), stage().name()];
    const { broker, begun, settled, give } = await worker((n) => [
      { outqueue: free, data: n, mandatory: true, release: hold },
      { outqueue: held, data: n, mandatory: true },
    ]);
    if (!broker.capabilities.reportsUnrouted) return this.skip();
    for (const name of [free, held]) await broker.declare('outqueue', name);
    await give(1);
    await eventually(() => begun.length === 1, 'the delivery');
    hold.end();
    await eventually(() => hold.released === 1, 'the release');
    expect(settled).to.deep.equal([]);
    const inbox = await taken(broker, held);
    expect((await inbox.next()).delivery.data).to.equal(1);
    await eventually(() => settled.length === 1, 'the settlement');
    expect(hold.released).to.equal(1);
  });
}
