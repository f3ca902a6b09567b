import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { expect } from 'chai';
import { readBrokerFile } from '../../src/embedded/index.js';
import { readNodeFile, writeNodeFile } from '../../src/transport/log/index.js';
import { BrokerProcess, freshDir } from './broker-process.js';

describe('the embedded broker as a process', () => {
  let dir: string;
  let remove: () => Promise<void>;
  const started: BrokerProcess[] = [];
  const start = async (): Promise<BrokerProcess> => {
    const broker = await BrokerProcess.start(dir);
    started.push(broker);
    return broker;
  };

  beforeEach(async () => {
    ({ dir, remove } = await freshDir());
  });
  afterEach(async () => {
    for (const broker of started.splice(0)) if (broker.child.exitCode === null) await broker.kill('SIGKILL');
    await remove();
  });

  it('says where it is, in broker.json too, which others cannot read', async () => {
    const broker = await start();
    expect(broker.address).to.equal(`log://${dir}?start=false`);
    expect(await readBrokerFile(dir)).to.deep.equal({ address: broker.address, pid: broker.child.pid });
    const modes = await Promise.all(
      ['.', 'log', 'broker.sock', 'broker.json'].map(async (name) => (await stat(join(dir, name))).mode & 0o777),
    );
    expect(modes).to.deep.equal([0o700, 0o700, 0o600, 0o600]);
  });

  /** All but what the next one needs. */
  const expectGone = async (): Promise<void> => {
    expect(await readdir(dir)).to.have.members(['broker.json', 'log']);
    expect(await readNodeFile(dir)).to.have.all.keys('log', 'token');
    expect(await readBrokerFile(dir)).to.equal(undefined);
  };

  it('leaves its log behind on SIGTERM, and where clients found it', async () => {
    const broker = await start();
    expect(await broker.kill('SIGTERM')).to.equal(0);
    await expectGone();
  });

  it('ends when the pipe on its stdin is closed', async () => {
    const broker = await start();
    broker.child.stdin?.end();
    expect((await broker.exited)[0]).to.equal(0);
    await expectGone();
  });

  it('goes on when nobody reads any more what it says', async () => {
    const broker = await start();
    broker.child.stdout?.destroy();
    broker.child.stderr?.destroy();
    for (let times = 0; times < 3; times += 1) {
      const socket = connect(join(dir, 'broker.sock'));
      socket.on('error', () => undefined).write('GET / HTTP/1.1\r\n\r\n');
      await new Promise((closed) => socket.resume().once('close', closed)); // refused, with a line on stderr
    }
    expect(await broker.kill('SIGTERM'), 'its exit code').to.equal(0);
  });

  it('takes over from one that was killed', async () => {
    const killed = await start();
    await killed.kill('SIGKILL');
    expect(await readBrokerFile(dir), 'its process is gone').to.equal(undefined);
    const next = await start();
    expect(next.address).to.equal(killed.address);
    expect((await readBrokerFile(dir))?.pid).to.equal(next.child.pid);
  });

  it('does not disturb one that is running', async () => {
    const first = await start();
    const outcome = await start().then(
      () => 'started',
      (error: Error) => error.message,
    );
    expect(outcome).to.match(/ended with 3: broker: a broker is already running here: process \d+ in /);
    expect((await readBrokerFile(dir))?.pid).to.equal(first.child.pid);
  });

  for (const [what, ...path] of [
    ['its folder', 'file'],
    ['the folder of its log', 'log'],
    ['a folder around it', 'file', 'in'],
  ] as const)
    it(`gives up, with the name of the folder, where ${what} is a file`, async () => {
      await writeFile(join(dir, path[0]), '');
      const own = path[0] === 'log' ? dir : join(dir, ...path);
      const outcome = await BrokerProcess.start(own).then(
        () => 'started',
        (error: Error) => error.message,
      );
      expect(outcome).to.include(`ended with 4: broker: the folder ${join(dir, ...path)} cannot be written: `);
      expect(outcome.trim()).to.not.include('\n');
    });

  it('is not believed in when broker.json is stale, cut short or nonsense', async () => {
    await writeNodeFile(dir, { log: { kind: 'ipc', path: join(dir, 'broker.sock') }, token: 'x', pid: process.pid });
    expect(await readBrokerFile(dir), 'nobody answers').to.equal(undefined);
    const whole = await readFile(join(dir, 'broker.json'), 'utf8');
    for (const content of [
      '',
      whole.slice(0, 20),
      'null',
      '{"log":1,"token":"x","pid":2}',
      '{"log":"ipc://","token":"x","pid":1}',
    ]) {
      await writeFile(join(dir, 'broker.json'), content);
      expect(await readBrokerFile(dir), content).to.equal(undefined);
    }
  });
});
