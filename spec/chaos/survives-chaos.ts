import { expect } from 'chai';
import { runChaos } from './run-chaos.js';
import type { BrokerName } from './servers.js';

/** Enough for each kind of fault: the deck has about as many cards. */
const SECONDS = 12;

/** The small size of `npm run chaos`. The seed differs from run to run; a failure names it. */
export function survivesChaos(broker: BrokerName, title: string): void {
  describe(`a flow under load, a fault every second: ${title}`, () => {
    it('loses nothing that was confirmed, and all is empty, flat and tidy afterwards', async function () {
      this.timeout(120_000);
      const seed = Date.now() % 1_000_000;
      const report = await runChaos({ broker, seed, seconds: SECONDS, rate: 100 });
      const trail = `seed ${seed}, ${JSON.stringify(report)}`;
      expect(report.faulty, trail).to.deep.equal([]);
      expect(report.lost, trail).to.deep.equal([]);
      expect(report.sent, trail).to.be.above(100);
      const struck = report.recoveries.map(({ kind }) => kind);
      expect(struck, trail).to.include.members([
        'participant',
        'cut participant',
        'broker',
        'coordinator',
        'cut keeper',
      ]);
    });
  });
}
