import { expect } from 'chai';
import { eventually, type Stage } from './stage.js';

export function slowConsumerSpecs(stage: () => Stage): void {
  it('that never settle hold up no other consumer and no other inqueue, and give all back when they close', async () => {
    const [stuck, quick] = [await stage().connect(), await stage().connect()];
    const [shared, other] = [await stage().inqueue(quick), await stage().inqueue(stuck)];
    await stuck.declare('inqueue', shared);
    const held = await stage().hold(stuck, shared, { prefetch: 1 });
    const beside = await stage().collect(stuck, other);
    const inbox = await stage().collect(quick, shared, { prefetch: 5 });
    const numbers = Array.from({ length: 20 }, (_, n) => n);
    for (const data of numbers) await quick.send('inqueue', shared, { data });
    await eventually(() => held.all.length === 1, 'the delivery that is never settled');
    // Where the broker deals messages out beforehand, some lie with the one that is stuck until it closes.
    const share = quick.capabilities.binds ? numbers.length - 1 : 1;
    await eventually(() => inbox.all.length >= share, 'what the other one is to get');
    await quick.send('inqueue', other, { data: 'beside' });
    expect((await beside.next()).delivery.data).to.equal('beside');
    const beganMs = performance.now();
    await stuck.close({ graceMs: 100 });
    expect(performance.now() - beganMs).to.be.lessThan(3000);
    await eventually(() => numbers.every((n) => inbox.data.includes(n)), 'all messages');
    const back = inbox.all.find(({ delivery }) => delivery.data === held.data[0]);
    expect(back?.delivery.redelivered, 'what was in hand is marked').to.equal(true);
    expect(held.all).to.have.length(1);
  });
}
