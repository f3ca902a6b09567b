import { participant } from 'msgflo';
import { feed } from '../support/feed.js';
import { planFromEnv } from '../support/plan.js';

// biome-ignore lint/style/noDefaultExport: what runs a component takes the default export
export default participant({
  component: 'BenchSource',
  label: 'Sends the messages of a bench plan',
  icon: 'play',
  outports: { out: { type: 'object' } },
  async produce({ send, signal }) {
    await feed(planFromEnv(), (message, confirmed) => void send('out', message).then(confirmed), signal);
  },
});
