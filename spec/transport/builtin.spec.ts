import { spawnSync } from 'node:child_process';
import { expect } from 'chai';
import { silentLogger } from '../../src/support/index.js';
import { builtinTransports } from '../../src/transport/builtin/index.js';

describe('the built-in transports', () => {
  it('open a client, not yet connected, for every scheme they name', async () => {
    const transports = builtinTransports();
    expect(transports.schemes).to.have.members([
      'amqp',
      'amqps',
      'mqtt',
      'mqtts',
      'ws',
      'wss',
      'log',
      'logs',
      'direct',
    ]);
    for (const scheme of transports.schemes.filter((one) => one !== 'logs')) {
      const address = scheme === 'log' ? 'log:///nowhere?start=false' : `${scheme}://localhost`;
      const broker = await transports.open(address, { id: 'spec' }, silentLogger);
      expect(broker.status, scheme).to.equal('idle');
      await broker.close();
      expect(broker.status, scheme).to.equal('closed');
    }
  });

  it('share an engine under one direct:// name within a registry, and none with another registry', async () => {
    const [mine, other] = [builtinTransports(), builtinTransports()];
    const open = async (transports: typeof mine) => {
      const broker = await transports.open('direct://one', { id: 'spec' }, silentLogger);
      await broker.connect();
      return broker;
    };
    const [a, b, c] = [await open(mine), await open(mine), await open(other)];
    const heard: string[] = [];
    await b.watch('name', (body) => heard.push(`b ${body}`));
    await c.watch('name', (body) => heard.push(`c ${body}`));
    await a.notify({ name: 'name', body: Buffer.from('x') });
    await a.notify({ name: 'name', body: Buffer.from('y') });
    await Promise.all([a.close(), b.close(), c.close()]);
    expect(heard).to.deep.equal(['b x', 'b y']);
  });

  it('load no client library before an address needs it', () => {
    const script = `
      import { builtinTransports } from './src/transport/builtin/index.ts';
      import { createRequire } from 'node:module';
      await builtinTransports().open('direct://one', { id: 'x' }, {});
      const loaded = Object.keys(createRequire(import.meta.url).cache ?? {});
      console.log(JSON.stringify(loaded.filter((path) => /node_modules.(amqplib|mqtt)/.test(path))));`;
    const args = ['--import', 'tsx', '--input-type=module', '--eval', script];
    const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    expect(stderr).to.equal('');
    expect(JSON.parse(stdout)).to.deep.equal([]);
  });
});
