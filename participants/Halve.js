import { participant } from 'msgflo';

export default participant({
  component: 'Halve',
  label: 'Halves even numbers; all else becomes a dead letter',
  icon: 'cut',
  inports: { in: {} },
  outports: { out: { type: 'number' } },
  async process({ in: number }, { send }) {
    if (Number(number) % 2 !== 0) throw new RangeError(`${number} is not even`);
    await send('out', Number(number) / 2);
  },
});
