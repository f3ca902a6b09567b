import { participant } from 'msgflo';

export default participant({
  component: 'Recover',
  label: 'Takes dead letters, and says what they died of',
  icon: 'medkit',
  inports: { in: { description: 'what died, as it was; the reason is in the headers' } },
  outports: { out: { type: 'string' } },
  async process({ in: data }, { headers, send }) {
    const { 'msgflo-dead-role': role, 'msgflo-dead-port': port, 'msgflo-dead-reason': reason } = headers;
    await send('out', `${role}.${port} could not take ${JSON.stringify(data)}: ${reason}`);
  },
});
