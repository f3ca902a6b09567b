import { participant } from 'msgflo';
import { planFromEnv } from '../support/plan.js';
import { Tally } from '../support/tally.js';

const tally = new Tally(planFromEnv());

// biome-ignore lint/style/noDefaultExport: what runs a component takes the default export
export default participant({
  component: 'BenchSink',
  label: 'Counts the messages of a bench plan and says how long they took',
  icon: 'stop',
  inports: { in: { type: 'object' } },
  prefetch: 200,
  process({ in: message }) {
    tally.take(message);
  },
});
