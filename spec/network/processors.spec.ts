import { join } from 'node:path';
import { expect } from 'chai';
import { PipeProc, type PipeProcClient } from '../../src/log/index.js';
import { project, RunningNetwork } from './running.js';

const SENSOR = `
  import { participant } from 'msgflo';
  export default participant({
    component: 'Sensor',
    outports: { out: {} },
    async produce({ send }) {
      for (let n = 0; n < 5; n += 1) await send('out', { n });
    },
  });`;
interface Numbered {
  readonly id: string;
  readonly body: { readonly n: number };
}
const GRAPH = `
  sensor(Sensor) OUT -> IN addone(log/addone)
  addone OUT -> IN printer(Print)`;

describe('a processor of the log in a graph', function () {
  this.timeout(60_000);
  let network: RunningNetwork | undefined;
  let client: PipeProcClient;
  beforeEach(() => {
    client = PipeProc();
  });
  afterEach(async () => {
    await client.shutdown().catch(() => undefined);
    await network?.remove();
  });

  const connect = async (folder: string): Promise<void> => {
    client = PipeProc();
    await client.connect({ folder: join(folder, '.msgflo'), timeout: 15_000 });
  };

  it('works between participants, and is there when all is started again', async () => {
    const folder = await project(GRAPH, { 'Sensor.js': SENSOR });
    network = await RunningNetwork.start(folder);
    await connect(folder);
    await client.systemProc({
      name: 'addone',
      offset: '>',
      from: 'addone_in',
      to: 'addone_out',
      processor: (log: Numbered, done) => done(null, { n: log.body.n + 1 }),
    });
    await network.says('2 of 2 edges bound');
    for (const n of [1, 2, 3, 4, 5]) await network.says(`{"n":${n}}`);
    await client.commit({ topic: 'addone_in', body: { n: 41 } });
    await network.says('{"n":42}');
    const [announced] = (await client.range('fbp')).filter(({ body }) => JSON.stringify(body).includes('log-addone'));
    expect(announced?.body).to.have.nested.property('payload.role', 'addone');
    await client.shutdown();
    await network.stop();

    network = await RunningNetwork.start(folder);
    await network.says('2 of 2 edges bound');
    await connect(folder);
    await client.commit({ topic: 'addone_in', body: { n: 98 } });
    await network.says('{"n":99}');
    await client.destroyProc('addone');
    await client.commit({ topic: 'addone_in', body: { n: 1000 } });
    await client.commit({ topic: 'addone_out', body: { n: 7 } });
    await network.says('{"n":7}');
    expect(network.output).not.to.include('{"n":1001}');
  });
});
