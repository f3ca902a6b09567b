import { expect } from 'chai';
import type { QueueName } from '../../../src/names.js';
import {
  type Broker,
  deadLetterQueue,
  decodePayload,
  HEADER,
  type KeptLetter,
  type LetterFate,
} from '../../../src/transport/index.js';
import { eventually, type Stage } from './stage.js';

type Headers = Readonly<Record<string, string>>;

/** Makes dead letters of an inqueue, one after another, no two in the same millisecond. */
export async function bury(
  stage: Stage,
  broker: Broker,
  inqueue: QueueName,
  letters: readonly { readonly data: unknown; readonly headers?: Headers; readonly reason?: string }[],
): Promise<void> {
  const inbox = await stage.hold(broker, inqueue);
  for (const { data, headers = {}, reason = 'no reason' } of letters) {
    const startMs = Date.now();
    await eventually(() => Date.now() > startMs, 'the next millisecond');
    await broker.send('inqueue', inqueue, { data, headers });
    (await inbox.next()).settle({ deadLetter: reason });
  }
  await inbox.consumer.cancel();
}

/** The data of what one round shows, each letter given the same fate, or one by its data. */
export async function round(
  broker: Broker,
  inqueue: QueueName,
  fate: (data: unknown) => LetterFate = () => 'keep',
): Promise<unknown[]> {
  const seen: unknown[] = [];
  const count = await broker.visitDeadLetters(inqueue, async ({ body }) => {
    const data = decodePayload(body);
    seen.push(data);
    return fate(data);
  });
  expect(count, 'the number of those visited').to.equal(seen.length);
  return seen;
}

export function visitSpecs(stage: () => Stage): void {
  it('keeps a dead letter that is sent as one, of what came through no inqueue', async () => {
    const broker = await stage().connect();
    const inqueue = await stage().inqueue(broker);
    const queue = deadLetterQueue(inqueue);
    await broker.declare('outqueue', queue);
    const headers = { [HEADER.deadQueue]: inqueue, [HEADER.deadReason]: 'no such port' };
    await broker.send('outqueue', queue, { data: 'initial', headers });
    expect(await round(broker, inqueue, () => 'remove')).to.deep.equal(broker.capabilities.headers ? ['initial'] : []);
  });

  async function buried(...data: readonly unknown[]) {
    const broker = await stage().connect();
    const inqueue = await stage().inqueue(broker);
    await bury(
      stage(),
      broker,
      inqueue,
      data.map((one) => ({ data: one })),
    );
    return { broker, inqueue };
  }

  it('show the original bytes and headers, and why, where and when it died', async () => {
    const broker = await stage().connect();
    const inqueue = await stage().inqueue(broker);
    const bytes = Buffer.from('{ "spaced" :  1 ');
    const beforeMs = Date.now();
    await bury(stage(), broker, inqueue, [
      { data: bytes, headers: { colour: 'blå', [HEADER.messageId]: 'm1' }, reason: 'no such file' },
    ]);
    const letters: KeptLetter[] = [];
    const count = await broker.visitDeadLetters(inqueue, async (letter) => {
      letters.push(letter);
      return 'keep';
    });
    expect(count).to.equal(1);
    const [letter] = letters;
    expect(letter?.key).to.be.a('string').and.not.equal('');
    expect(letter && bytes.equals(letter.body), 'the bytes').to.equal(true);
    if (!broker.capabilities.headers) return;
    expect(letter?.headers).to.include({
      colour: 'blå',
      [HEADER.messageId]: 'm1',
      [HEADER.deadReason]: 'no such file',
      [HEADER.deadQueue]: inqueue,
    });
    expect(letter?.headers[HEADER.createdAt]).to.match(/^\d+$/);
    expect(Number(letter?.headers[HEADER.deadAt])).to.be.within(beforeMs, Date.now());
  });

  it('show all, oldest first; keep, remove and stop do what they say, and the order stays', async () => {
    const { broker, inqueue } = await buried(1, 2, 3, 4);
    const fates: readonly LetterFate[] = ['keep', 'keep', 'remove', 'stop'];
    expect(await round(broker, inqueue, (n) => fates[Number(n)] ?? 'keep')).to.deep.equal([1, 2, 3]);
    expect(await round(broker, inqueue)).to.deep.equal([1, 3, 4]);
    expect(await round(broker, inqueue, () => 'remove')).to.deep.equal([1, 3, 4]);
    expect(await round(broker, inqueue)).to.deep.equal([]);
  });

  it('show each of many once in a round, under a key of its own that stays', async () => {
    const broker = await stage().connect();
    const inqueue = await stage().inqueue(broker);
    await broker.consume(inqueue, async () => ({ verdict: { deadLetter: 'many' }, outputs: [] }), { prefetch: 20 });
    const numbers = Array.from({ length: 60 }, (_, n) => n);
    await Promise.all(numbers.map((data) => broker.send('inqueue', inqueue, { data })));
    const keys = async (): Promise<string[]> => {
      const seen: string[] = [];
      await broker.visitDeadLetters(inqueue, async ({ key }) => {
        seen.push(key);
        return 'keep';
      });
      return seen;
    };
    const first = await eventually(async () => {
      const found = await keys();
      return found.length >= numbers.length && found;
    }, 'all letters');
    expect(new Set(first).size).to.equal(numbers.length);
    expect(await keys()).to.deep.equal(first);
  });

  it('show what is easily overlooked: no payload, odd ids and the same id twice', async () => {
    const broker = await stage().connect();
    const inqueue = await stage().inqueue(broker);
    const hasHeaders = broker.capabilities.headers;
    const ids = ['same', 'same', 'a/b', '/', 'a+b', '#', '%2B', 'ö☃', '$SYS', 'i'.repeat(hasHeaders ? 60_000 : 1)];
    const letters = ids.map((id, data) => ({ data, headers: { [HEADER.messageId]: id } }));
    await bury(stage(), broker, inqueue, [
      ...letters,
      ...(hasHeaders ? [{ data: Buffer.alloc(0), headers: { [HEADER.messageId]: 'empty' } }] : []),
    ]);
    const seen: KeptLetter[] = [];
    await broker.visitDeadLetters(inqueue, async (letter) => {
      seen.push(letter);
      return 'remove';
    });
    const [last] = hasHeaders ? seen.splice(-1) : [];
    expect(seen.map(({ body }) => decodePayload(body))).to.have.members(letters.map(({ data }) => data));
    expect(new Set(seen.map(({ key }) => key)).size).to.equal(ids.length);
    if (hasHeaders) expect([last?.body.length, last?.headers[HEADER.messageId]]).to.deep.equal([0, 'empty']);
    expect(await round(broker, inqueue)).to.deep.equal([]);
  });

  it('find nothing where nothing died', async () => {
    const { broker, inqueue } = await buried();
    expect(await round(broker, inqueue)).to.deep.equal([]);
  });

  it('keep the letter that a visit throws on, and end with that error', async () => {
    const { broker, inqueue } = await buried(1, 2, 3);
    const failure = new Error('no hands left');
    const visiting = broker.visitDeadLetters(inqueue, async ({ body }) => {
      if (decodePayload(body) === 2) throw failure;
      return 'remove';
    });
    const outcome = await visiting.catch((error: unknown) => error);
    expect(outcome).to.equal(failure);
    expect(await round(broker, inqueue)).to.deep.equal([2, 3]);
  });

  it('send a letter back to its inqueue and then take it away: it is delivered once more', async () => {
    const { broker, inqueue } = await buried('second chance');
    const inbox = await stage().collect(broker, inqueue);
    const count = await broker.visitDeadLetters(inqueue, async ({ body, headers }) => {
      await broker.send('inqueue', inqueue, { data: body, headers }, { mandatory: true });
      return 'remove';
    });
    expect(count).to.equal(1);
    expect((await inbox.next()).delivery.data).to.equal('second chance');
    expect(await round(broker, inqueue)).to.deep.equal([]);
  });

  for (const clients of ['one client', 'two clients'] as const) {
    it(`never show a letter to two rounds of ${clients} at once, or refuse the second for now`, async function () {
      const { broker, inqueue } = await buried(1, 2, 3);
      // A broker that keeps letters as notices cannot know of another client's round.
      if (clients === 'two clients' && !broker.capabilities.binds) return this.skip();
      const other = clients === 'two clients' ? await stage().connect() : broker;
      const showing = new Set<string>();
      let doubled = 0;
      const look = (by: Broker): Promise<number> =>
        by.visitDeadLetters(inqueue, async ({ key, body }) => {
          const name = `${decodePayload(body)}`;
          expect(key).not.to.equal('');
          if (showing.has(name)) doubled += 1;
          showing.add(name);
          await stage().pass(by);
          showing.delete(name);
          return 'remove';
        });
      const outcomes = await Promise.allSettled([look(broker), look(other)]);
      expect(doubled, 'shown to both at once').to.equal(0);
      const visited = outcomes.map((outcome) => (outcome.status === 'fulfilled' ? outcome.value : 0));
      expect(visited.reduce((sum, count) => sum + count, 0)).to.equal(3);
      for (const outcome of outcomes)
        if (outcome.status === 'rejected') expect(outcome.reason).to.include({ retryable: true });
      expect(await round(broker, inqueue)).to.deep.equal([]);
    });
  }

  it('leave all there that was not removed when the client dies in the middle', async () => {
    const { broker, inqueue } = await buried(1, 2, 3);
    const mortal = await stage().connect();
    const seen: unknown[] = [];
    let goOn = (): void => undefined;
    const visiting = mortal.visitDeadLetters(inqueue, async ({ body }) => {
      seen.push(decodePayload(body));
      if (seen.length < 2) return 'keep';
      await new Promise<void>((resolve) => {
        goOn = resolve;
      });
      return 'remove';
    });
    const ended = visiting.then(
      () => 'done',
      (error: unknown) => error,
    );
    await eventually(() => seen.length === 2, 'the second visit');
    await stage().kill(mortal);
    goOn();
    expect(await ended, 'a round that was cut off').to.be.instanceOf(Error);
    const rest = await eventually(async () => {
      const found = await round(broker, inqueue);
      return found.length >= 3 && found;
    }, 'all letters');
    expect(rest).to.deep.equal([1, 2, 3]);
  });

  it('neither lose nor miss anything when a client dies while it makes dead letters', async () => {
    const sender = await stage().connect();
    const inqueue = await stage().inqueue(sender);
    const numbers = Array.from({ length: 12 }, (_, n) => n);
    let mortal = await stage().connect({ slot: 'burying.0' });
    await mortal.declare('inqueue', inqueue);
    let inbox = await stage().hold(mortal, inqueue, { prefetch: 20 });
    await Promise.all(numbers.map((data) => sender.send('inqueue', inqueue, { data })));
    await eventually(() => inbox.all.length >= numbers.length, 'all deliveries');
    // Each time the connection is cut a little later: before, between and after confirm and ack.
    for (let turns = 0; turns < 6; turns += 1) {
      for (const held of inbox.all.slice(0, 4)) held.settle({ deadLetter: 'cut off' });
      for (let turn = 0; turn < turns * 2; turn += 1) await new Promise((resolve) => setImmediate(resolve));
      await stage().kill(mortal);
      mortal = await stage().connect({ slot: 'burying.0' });
      await mortal.declare('inqueue', inqueue);
      inbox = await stage().hold(mortal, inqueue, { prefetch: 20 });
    }
    await eventually(async () => {
      const found = new Set([...(await round(sender, inqueue)), ...inbox.data]);
      return numbers.every((n) => found.has(n));
    }, 'every message, dead or delivered again');
  });
}
