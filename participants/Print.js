import { participant } from 'msgflo';

export default participant({
  component: 'Print',
  label: 'Prints what it gets, a line each',
  icon: 'terminal',
  inports: { in: {} },
  process({ in: data }) {
    const text = typeof data === 'string' || Buffer.isBuffer(data) ? data.toString() : JSON.stringify(data);
    process.stdout.write(`${text}\n`);
  },
});
