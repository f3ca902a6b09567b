import { expect } from 'chai';
import type { QueueName } from '../../../src/names.js';
import { type Broker, deadLetterQueue, HEADER, MAX_REASON_CHARS, RefusedError } from '../../../src/transport/index.js';
import type { Server } from './server.js';
import { eventually, type Inbox, type Stage } from './stage.js';

export function deadLetterSpecs(server: () => Server, stage: () => Stage): void {
  async function morgue(broker: Broker, inqueue: QueueName): Promise<Inbox> {
    const target = await stage().inqueue(broker);
    const inbox = await stage().collect(broker, target);
    await stage().connectEdge(broker, inbox.consumer, deadLetterQueue(inqueue), target);
    return inbox;
  }

  it('sends a dead letter on with its reason, its headers and the original bytes', async () => {
    const broker = await stage().connect();
    const inqueue = await stage().inqueue(broker);
    const inbox = await stage().hold(broker, inqueue);
    const dead = await morgue(broker, inqueue);
    const bytes = Buffer.from('{ "spaced" :  1 ');
    await broker.send('inqueue', inqueue, { data: bytes, headers: { colour: 'red', [HEADER.messageId]: 'm1' } });
    (await inbox.next()).settle({ deadLetter: 'no such file', headers: { [HEADER.deadRole]: 'reader' } });
    const { delivery } = await dead.next();
    expect(bytes.equals(Buffer.from(delivery.data as Buffer))).to.equal(true);
    if (!broker.capabilities.headers) return;
    expect(delivery.headers).to.include({
      colour: 'red',
      [HEADER.messageId]: 'm1',
      [HEADER.deadReason]: 'no such file',
      [HEADER.deadQueue]: inqueue,
      [HEADER.deadRole]: 'reader',
    });
  });

  it('makes a dead letter of what a handler throws on, its reason cut, and goes on', async () => {
    const broker = await stage().connect();
    const inqueue = await stage().inqueue(broker);
    const dead = await morgue(broker, inqueue);
    await broker.consume(inqueue, async ({ data }) => {
      if (data === 'bad') throw new TypeError('x'.repeat(3 * MAX_REASON_CHARS));
      if (data === 'worse') return { verdict: 'ack', outputs: [{ outqueue: stage().name(), data: 1n }] };
      return { verdict: 'ack', outputs: [] };
    });
    await broker.send('inqueue', inqueue, { data: 'bad' });
    await broker.send('inqueue', inqueue, { data: 'good' });
    await broker.send('inqueue', inqueue, { data: 'worse' });
    const { delivery } = await dead.next();
    expect(delivery.data).to.equal('bad');
    if (broker.capabilities.headers) {
      expect(delivery.headers[HEADER.deadReason]).to.have.length(MAX_REASON_CHARS);
      expect(delivery.headers[HEADER.deadError]).to.equal('TypeError');
    }
    expect((await dead.next()).delivery.data, 'an output that is no JSON').to.equal('worse');
  });

  it('goes on whatever characters a reason, a header or an output has', async () => {
    const broker = await stage().connect();
    const inqueue = await stage().inqueue(broker);
    const dead = await morgue(broker, inqueue);
    const outqueue = await stage().outqueue(broker);
    const odd = 'one\r\ntwo\0 \u001b[2J\u0085 \uffff \ud800';
    await broker.consume(inqueue, async ({ data }) => {
      if (data === 1) throw new Error(odd);
      if (data === 2) return { verdict: { deadLetter: odd, headers: { [HEADER.deadStack]: odd } }, outputs: [] };
      return { verdict: 'ack', outputs: [{ outqueue, data, headers: { note: odd } }] };
    });
    for (const data of [1, 2]) {
      await broker.send('inqueue', inqueue, { data });
      const { delivery } = await dead.next();
      expect(delivery.data).to.equal(data);
      if (broker.capabilities.headers) expect(delivery.headers[HEADER.deadReason]).to.match(/^one two +\[2J +/);
    }
    // Taken as it is, or refused; never held up, nor anything behind it.
    await broker.send('inqueue', inqueue, { data: 3 });
    await broker.send('inqueue', inqueue, { data: 4, headers: { note: odd } }).catch((error: unknown) => {
      expect(error).to.be.instanceOf(RefusedError);
    });
    await broker.send('inqueue', inqueue, { data: 1 });
    const last = await eventually(() => dead.all.filter(({ delivery }) => delivery.data === 1)[1], 'the last');
    expect(last.delivery.data).to.equal(1);
  });

  it('makes a dead letter of what a handler returns that is no settlement', async () => {
    const broker = await stage().connect();
    const inqueue = await stage().inqueue(broker);
    const dead = await morgue(broker, inqueue);
    const returned = [
      'null',
      '{"outputs":[]}',
      '{"verdict":"nack","outputs":[]}',
      '{"verdict":"ack","outputs":[{"data":1}]}',
      '{"verdict":"ack","outputs":[{"outqueue":"q","data":1,"headers":{"n":1}}]}',
    ];
    await broker.consume(inqueue, async ({ data }) => JSON.parse(String(data)));
    for (const data of returned) await broker.send('inqueue', inqueue, { data });
    for (const data of returned) expect((await dead.next()).delivery.data).to.equal(data);
  });

  it('keeps dead letters while nobody is bound to them', async function () {
    const broker = await stage().connect();
    const inqueue = await stage().inqueue(broker);
    const inbox = await stage().hold(broker, inqueue);
    await broker.send('inqueue', inqueue, { data: { n: 1 } });
    (await inbox.next()).settle({ deadLetter: 'kept' });
    if (broker.capabilities.binds) {
      const kept = await stage().collect(broker, deadLetterQueue(inqueue));
      expect((await kept.next()).delivery.data).to.deep.equal({ n: 1 });
      return;
    }
    const { keptDeadLetters } = server();
    if (!keptDeadLetters) return this.skip();
    const [letter] = await eventually(async () => {
      const letters = await keptDeadLetters(inqueue);
      return letters.length > 0 && letters;
    }, 'the kept dead letter');
    expect(letter?.data).to.deep.equal({ n: 1 });
  });
}
