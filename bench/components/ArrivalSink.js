import { appendFileSync } from 'node:fs';
import { participant } from 'msgflo';

const role = process.argv[process.argv.indexOf('--name') + 1] ?? 'sink';

// biome-ignore lint/style/noDefaultExport: what runs a component takes the default export
export default participant({
  component: 'ArrivalSink',
  label: 'Writes down each number and when it came',
  icon: 'stop',
  inports: { in: { type: 'number' } },
  prefetch: 20,
  process({ in: n }) {
    appendFileSync(`arrivals-${role}`, `${n} ${Date.now()}\n`);
  },
});
