import { expect } from 'chai';
import { Outbox } from '../../../src/transport/mqtt/outbox.js';
import type { Confirmee, Publication } from '../../../src/transport/mqtt/session.js';

/** What went out, to be confirmed by hand. */
class Wire {
  readonly receiveMaximum: number;
  readonly sent: string[] = [];
  hurries = 0;
  #confirmees: Confirmee[] = [];

  constructor(receiveMaximum: number) {
    this.receiveMaximum = receiveMaximum;
  }

  check(): void {}

  publish({ topic }: Publication, confirmee: Confirmee): void {
    this.sent.push(topic);
    this.#confirmees.push(confirmee);
  }

  hurry(): void {
    this.hurries += 1;
  }

  confirm(count: number): void {
    for (const confirmee of this.#confirmees.splice(0, count)) confirmee.confirmed(0);
  }
}

describe('mqtt outbox', () => {
  const numbers = (count: number, from = 0): string[] => Array.from({ length: count }, (_, n) => String(from + n));

  function outbox(receiveMaximum: number) {
    const wire = new Wire(receiveMaximum);
    const box = new Outbox();
    box.attach(wire);
    const send = (count: number, from = 0): Promise<unknown> =>
      Promise.all(numbers(count, from).map((topic) => box.send({ topic, payload: Buffer.alloc(1) })));
    return { wire, box, send };
  }

  it('sends no more than the broker takes unconfirmed, and when that is used up the next when half of it is free', async () => {
    const { wire, send } = outbox(4);
    const done = send(10);
    expect(wire.sent).to.deep.equal(numbers(4));
    wire.confirm(1);
    expect(wire.sent).to.deep.equal(numbers(4));
    wire.confirm(1);
    expect(wire.sent).to.deep.equal(numbers(6));
    wire.confirm(3);
    expect(wire.sent).to.deep.equal(numbers(8));
    wire.confirm(10);
    wire.confirm(10);
    expect(wire.sent).to.deep.equal(numbers(10));
    await done;
  });

  it('sends at once what there is room for while nothing waits', async () => {
    const { wire, send } = outbox(4);
    const done = send(4);
    wire.confirm(1);
    const more = send(1, 4);
    expect(wire.sent).to.deep.equal(numbers(5));
    wire.confirm(4);
    await Promise.all([done, more]);
  });

  it('takes one at a time where the broker does', async () => {
    const { wire, send } = outbox(1);
    const done = send(3);
    for (let n = 1; n <= 3; n += 1) {
      expect(wire.sent).to.deep.equal(numbers(n));
      wire.confirm(1);
    }
    await done;
  });

  it('repeats on the next session what is unconfirmed, in order, though the last one was full', async () => {
    const { wire, box, send } = outbox(4);
    const done = send(8);
    wire.confirm(1);
    box.detach();
    const next = new Wire(20);
    box.attach(next);
    expect(next.sent).to.deep.equal(numbers(7, 1));
    next.confirm(7);
    await done;
  });

  it('is at ease with many on their way and none that waits; for one that waits it hurries', async () => {
    const { wire, box, send } = outbox(10);
    const done = [send(7)];
    expect(box.isAtEase).to.equal(false);
    done.push(send(3));
    expect(box.isAtEase).to.equal(true);
    expect(wire.hurries).to.equal(0);
    done.push(send(1));
    expect(box.isAtEase).to.equal(false);
    expect(wire.hurries).to.equal(1);
    wire.confirm(11);
    wire.confirm(1);
    await Promise.all(done);
  });
});
