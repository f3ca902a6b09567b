import { expect } from 'chai';
import { type Traffic, WaitingEstimate } from '../../src/coordinator/waiting-estimate.js';

describe('WaitingEstimate', () => {
  const traffic = (sent: number, settled: number, more: Partial<Traffic> = {}): Traffic => ({
    ...{ feeds: 'a', sent, settled, inHand: 0, takers: 1 },
    ...more,
  });
  const estimate = (): WaitingEstimate => new WaitingEstimate(traffic(1000, 400, { inHand: 5 }), 0);

  it('is what was sent and not taken since it was first looked at', () => {
    const one = estimate();
    expect(one.waiting).to.equal(0);
    one.take(traffic(1050, 410, { inHand: 10 }), 100);
    expect(one.waiting).to.equal(35);
  });

  it('is never below zero', () => {
    const one = estimate();
    one.take(traffic(1000, 420, { inHand: 5 }), 100);
    expect(one.waiting).to.equal(0);
  });

  it('grows while nobody takes, or who takes is stuck, as long as messages come', () => {
    const one = estimate();
    const stuck = (sent: number): Traffic => traffic(sent, 400, { inHand: 5 });
    for (let second = 1; second <= 20; second += 1) one.take(stuck(1000 + second), second * 1000);
    expect(one.waiting).to.equal(20);
    one.take({ ...stuck(1020), takers: 0 }, 60_000);
    expect(one.waiting).to.equal(20);
  });

  it('begins anew when those who take have taken everything, or nothing moves though somebody is there', () => {
    const one = estimate();
    // Ten were settled by one that was killed before it told.
    one.take(traffic(1100, 490, { inHand: 1 }), 100);
    expect(one.waiting).to.equal(14);
    one.take(traffic(1100, 495), 200);
    expect(one.waiting).to.equal(0);
    const quiet = estimate();
    quiet.take(traffic(1000, 405), 500);
    quiet.take(traffic(1010, 405), 1000);
    quiet.take(traffic(1010, 405), 5000);
    expect(quiet.waiting).to.equal(10);
    quiet.take(traffic(1010, 405), 6000);
    expect(quiet.waiting).to.equal(0);
  });

  it('leaves out what a source had sent before it was connected', () => {
    const one = estimate();
    one.take(traffic(1020, 400, { inHand: 5 }), 100);
    one.take(traffic(90_020, 400, { inHand: 5, feeds: 'a and b' }), 200);
    expect(one.waiting).to.equal(20);
    one.take(traffic(90_021, 400, { inHand: 5, feeds: 'a and b' }), 300);
    expect(one.waiting).to.equal(21);
  });
});
