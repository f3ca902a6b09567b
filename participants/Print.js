import { participant } from 'msgflo';

export default participant({
  component: 'Print',
  label: 'Prints what it gets, a line each',
  icon: 'terminal',
  inports: { in: {} },
  process({ in: data }) {
    process.stdout.write(`${typeof data === 'string' ? data : JSON.stringify(data)}\n`);
  },
});
