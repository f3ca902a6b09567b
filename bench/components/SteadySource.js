import { setTimeout as delay } from 'node:timers/promises';
import { participant } from 'msgflo';

// biome-ignore lint/style/noDefaultExport: what runs a component takes the default export
export default participant({
  component: 'SteadySource',
  label: 'Sends numbers, some 400 a second',
  icon: 'play',
  outports: { out: { type: 'number' } },
  async produce({ send, signal }) {
    for (let n = 1; !signal.aborted; n += 1) {
      await send('out', n);
      await delay(2);
    }
  },
});
