import { expect } from 'chai';
import { fakeNetwork } from './fake-network.js';
import { openSession } from './session.js';

describe('protocol network', () => {
  it('tells whether the network is started and running, and for how many seconds', async () => {
    const [answer] = await openSession().ask('network:getstatus', { graph: 'main' });
    expect(answer).to.deep.equal({
      protocol: 'network',
      command: 'status',
      payload: { graph: 'main', started: true, running: false, uptime: 12 },
    });
  });

  it('leaves the uptime out before the first second is full and when the network is not started', async () => {
    for (const status of [
      { started: true, running: true, uptimeSeconds: 0.9 },
      { started: false, running: false, uptimeSeconds: 50 },
    ]) {
      const [answer] = await openSession(fakeNetwork({ status: () => status })).ask('network:getstatus', {
        graph: 'main',
      });
      expect(answer?.payload).not.to.have.property('uptime');
    }
  });

  it('takes the graph by its name with and without namespace and answers with the name asked for', async () => {
    const client = openSession(fakeNetwork({ namespace: 'files' }));
    for (const graph of ['main', 'files/main']) {
      const [answer] = await client.ask('network:getstatus', { graph });
      expect(answer?.payload['graph']).to.equal(graph);
    }
  });

  for (const [what, payload, message] of [
    ['no graph', {}, 'No graph specified'],
    ['null as graph', { graph: null }, 'No graph specified'],
    ['a graph there is not', { graph: 'other' }, 'Requested graph not found'],
    ['a number as graph', { graph: 3 }, 'Requested graph not found'],
  ] as const) {
    it(`answers "${message}" to ${what}`, async () => {
      const [answer] = await openSession().ask('network:getstatus', payload);
      expect(answer).to.deep.equal({ protocol: 'network', command: 'error', payload: { message } });
    });
  }
});
