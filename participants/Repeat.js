import { participant } from 'msgflo';

export default participant({
  component: 'Repeat',
  label: 'Sends on what it gets',
  icon: 'forward',
  inports: { in: {} },
  outports: { out: {} },
  prefetch: 100,
  async process({ in: data }, { send }) {
    await send('out', data);
  },
});
