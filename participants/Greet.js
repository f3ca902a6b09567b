import { participant } from 'msgflo';

export default participant({
  component: 'Greet',
  label: 'Says hello to whatever name it is given',
  icon: 'hand-spock-o',
  inports: { name: { type: 'string' } },
  outports: { out: { type: 'string' } },
  async process({ name }, { send }) {
    await send('out', `Hello, ${name}!`);
  },
});
