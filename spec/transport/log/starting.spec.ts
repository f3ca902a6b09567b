import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { PipeProc } from '../../../src/log/index.js';
import { asQueueName } from '../../../src/names.js';
import { type Logger, silentLogger } from '../../../src/support/index.js';
import { findNode, LogBroker } from '../../../src/transport/log/index.js';
import { BrokerProcess, freshDir } from '../../embedded/broker-process.js';
import { keepingLogger } from '../../participant/network.js';
import { eventually, rejection } from '../conformance/stage.js';

const work = asQueueName('work');

describe('log:///folder', function () {
  this.timeout(15_000);
  let dir: string;
  let remove: () => Promise<void>;
  const clients: LogBroker[] = [];

  beforeEach(async () => {
    ({ dir, remove } = await freshDir());
  });
  afterEach(async () => {
    for (const one of clients.splice(0)) await one.close();
    const running = await findNode(dir);
    if (running) process.kill(running.pid);
    await eventually(async () => !(await findNode(dir)), 'the node to end');
    if (running) await eventually(() => !existsSync(join(dir, 'broker.sock')), 'its socket to go');
    await eventually(() => running === undefined || !isAlive(running.pid), 'its process to be gone');
    await remove();
  });

  function client(address: string, log: Logger = silentLogger): LogBroker {
    const one = new LogBroker(new URL(address), { id: randomUUID() }, log);
    clients.push(one);
    return one;
  }

  it('starts the node where none runs, one for all who come at once, and another when it was killed', async () => {
    const both = [client(`log://${dir}`), client(`log://${dir}`)];
    await Promise.all(both.map((one) => one.connect()));
    const [one, two] = both as [LogBroker, LogBroker];
    await one.declare('inqueue', work);
    expect(await two.depths([work])).to.have.length(1);
    expect(one.capabilities).to.include({ persistent: true, replay: true });
    await one.send('inqueue', work, { data: 'kept' });
    const first = await findNode(dir);
    process.kill(first?.pid ?? 0, 'SIGKILL');
    await eventually(async () => ((await findNode(dir))?.pid ?? first?.pid) !== first?.pid, 'another node', 8000);
    expect(await two.depths([work])).to.deep.include({ queue: work, ready: 1, unacked: 0, consumers: 0 });
  });

  it('is refused in a folder that nobody has made: MSGFLO_REFUSED', async () => {
    const { message } = await rejection(client(`log://${dir}/none/such`).connect(), 'MSGFLO_REFUSED');
    expect(message).to.include(join(dir, 'none'));
    expect(existsSync(join(dir, 'none'))).to.equal(false);
  });

  it('is not started with start=false; who comes waits for it: MSGFLO_BROKER_UNREACHABLE, and then it is there', async () => {
    const { message } = await rejection(
      client(`log://${dir}?start=false`).connect({ signal: AbortSignal.timeout(300) }),
      'MSGFLO_BROKER_UNREACHABLE',
    );
    expect(message).to.match(new RegExp(`^the broker log://${dir} cannot be reached: no node runs for ${dir}:`));
    const waiting = client(`log://${dir}?start=false`).connect();
    await BrokerProcess.start(dir);
    await waiting;
  });

  it('says once that its node is away, and once that it is there again', async () => {
    const log = keepingLogger();
    const waiting = client(`log://${dir}?start=false`, log);
    const connecting = waiting.connect();
    await eventually(() => log.lines.length > 0, 'a word of it');
    const node = await BrokerProcess.start(dir);
    await connecting;
    await node.kill('SIGKILL');
    await eventually(() => log.lines.length > 2, 'a word of it');
    await BrokerProcess.start(dir);
    await eventually(() => waiting.status === 'open', 'the next node');
    const away = `cannot reach the broker log://${dir}: `;
    expect(log.lines.map((line) => (line.startsWith(away) ? 'away' : line))).to.deep.equal([
      'away',
      'connected to the broker',
      'away',
      'connected to the broker again',
    ]);
  });

  it('is the right one where the folder around it is named: MSGFLO_USAGE', async () => {
    const inner = join(dir, '.msgflo');
    mkdirSync(join(inner, 'log'), { recursive: true });
    for (const address of [`log://${dir}`, `log://${dir}?start=false`]) {
      const { message } = await rejection(client(address).connect(), 'MSGFLO_USAGE');
      expect(message).to.include(`log://${inner}`);
    }
    expect(readdirSync(dir)).to.deep.equal(['.msgflo']);
  });

  it('is refused where it cannot be written: MSGFLO_REFUSED', async () => {
    await writeFile(join(dir, 'file'), '');
    const { message } = await rejection(client(`log://${dir}/file`).connect(), 'MSGFLO_REFUSED');
    expect(message).to.match(new RegExp(`^the folder ${dir}/file cannot be written: `));
  });

  it('says who has the log where a node serves it from another folder: MSGFLO_REFUSED', async () => {
    await client(`log://${dir}`).connect();
    const { message } = await rejection(client(`log://${dir}/log`).connect(), 'MSGFLO_REFUSED');
    expect(message).to.include(`is open in process ${(await findNode(dir))?.pid}`);
  });

  it('says which file of a damaged log cannot be read, and where: MSGFLO_REFUSED', async () => {
    const first = client(`log://${dir}`);
    await first.connect();
    await first.declare('inqueue', work);
    for (let n = 0; n < 20; n += 1) await first.send('inqueue', work, { data: 'x'.repeat(100) });
    await first.close();
    const running = await findNode(dir);
    process.kill(running?.pid ?? 0, 'SIGKILL');
    await eventually(() => !isAlive(running?.pid ?? 0), 'the node to be gone');
    for (const name of await readdir(join(dir, 'log'))) {
      if (!name.endsWith('.seg')) continue;
      const bytes = await readFile(join(dir, 'log', name));
      bytes.writeUInt8(bytes.readUInt8(300) ^ 0xff, 300);
      await writeFile(join(dir, 'log', name), bytes);
    }
    const { message } = await rejection(client(`log://${dir}`).connect(), 'MSGFLO_REFUSED');
    expect(message).to.match(/\.seg is damaged at byte \d+: .*msgflo-log verify/);
    expect(message).to.not.include('\n');
  });

  it('is the node that a program has spawned on a log in it', async () => {
    const location = join(dir, 'mine');
    mkdirSync(location);
    const owner = PipeProc();
    await owner.spawn({ namespace: randomUUID().slice(0, 8), location, workers: 0 });
    try {
      const queues = client(`log://${location}?start=false`);
      await queues.connect();
      await queues.declare('inqueue', work);
      await queues.send('inqueue', work, { data: { n: 1 } });
      expect(await owner.range('work')).to.have.nested.property('[0].body.n', 1);
    } finally {
      await owner.shutdown();
    }
  });

  it('ends by itself when it has had no client for the time that was asked for', async () => {
    const node = await BrokerProcess.start(dir, '--idle-exit', '0.3');
    const one = client(node.address);
    await one.connect();
    await new Promise((resolve) => setTimeout(resolve, 600));
    expect(node.child.exitCode).to.equal(null);
    await one.close();
    expect((await node.exited)[0]).to.equal(0);
  });
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
