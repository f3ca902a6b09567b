import { EventEmitter } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import {
  type IpcChannel,
  KeeperClient,
  KeeperServer,
  KeptService,
  type ProcessState,
} from '../../src/process/index.js';
import { silentLogger } from '../../src/support/index.js';
import { type Bench, bench, until } from './processes.js';

const fixture = fileURLToPath(new URL('./fixtures/coordinator.ts', import.meta.url));

interface Report {
  readonly found: readonly ProcessState[];
  readonly now: readonly ProcessState[];
  readonly refused: string;
}

describe('keeper', () => {
  let keeper: Bench;
  beforeEach(() => {
    keeper = bench();
  });
  afterEach(() => keeper.close());

  it('keeps processes while their coordinator is killed and replaced, which then finds them', async () => {
    const server = new KeeperServer(keeper.supervisor, keeper.log);
    const reports: Report[] = [];
    const lines: string[] = [];
    const service = new KeptService(
      { role: 'coordinator', argv: [process.execPath, ...process.execArgv, fixture] },
      {
        guard: keeper.guard,
        log: silentLogger,
        restart: { minMs: 10 },
        onSpawn(child) {
          server.attach(child);
          child.on('message', (message: Partial<Report> & { output?: { line: string } }) => {
            if (message.output) lines.push(message.output.line);
            if (message.found && message.now && message.refused) reports.push({ ...message } as Report);
          });
        },
      },
    );
    try {
      await until(() => reports.length === 1 && lines.length === 1);
      if (service.state.pid !== undefined) process.kill(service.state.pid, 'SIGKILL');
      await until(() => reports.length === 2);
    } finally {
      await service.stop();
    }
    const [first, second] = reports;
    expect(first?.found).to.deep.equal([]);
    expect(first?.now.map(({ key, status }) => [key, status])).to.deep.equal([['worker', 'running']]);
    expect(second?.found).to.deep.equal(first?.now);
    expect(second?.now).to.deep.equal(first?.now);
    expect([first?.refused, lines]).to.deep.equal(['MSGFLO_USAGE', ['hello']]);
    expect(service.state).to.include({ status: 'stopped', restarts: 1 });
    const ignored = keeper.log.lines.filter((line) => line.includes('is no request'));
    expect(ignored, 'reports of the fixture are no requests, and do no harm').not.to.be.empty;
  });

  it('starts a service again for ever, but for its final exit codes', async () => {
    let starts = 0;
    const service = new KeptService(
      { role: 'broker', argv: [process.execPath, '-e', 'process.once("message", (code) => process.exit(code))'] },
      {
        guard: keeper.guard,
        log: silentLogger,
        restart: { minMs: 5, maxMs: 5, finalCodes: [2] },
        onSpawn(child) {
          starts += 1;
          child.send(starts < 8 ? starts % 2 : 2);
        },
      },
    );
    const state = await service.over();
    expect([state.status, state.lastExit?.code, starts]).to.deep.equal(['ended', 2, 8]);
  });

  describe('client', () => {
    it('rejects what is not answered once the channel is gone: MSGFLO_KEEPER_GONE', async () => {
      const channel = new LooseChannel();
      const client = new KeeperClient(channel, { log: silentLogger });
      const failing = client.list().catch((error: unknown) => error);
      channel.emit('disconnect');
      channel.connected = false;
      expect(await failing).to.have.property('code', 'MSGFLO_KEEPER_GONE');
      expect(await client.stop('k').catch((error: unknown) => error)).to.have.property('code', 'MSGFLO_KEEPER_GONE');
    });

    it('does not wait for ever: MSGFLO_TIMEOUT', async () => {
      const client = new KeeperClient(new LooseChannel(), { log: silentLogger, timeoutMs: 10 });
      expect(await client.list().catch((error: unknown) => error)).to.have.property('code', 'MSGFLO_TIMEOUT');
    });

    it('ignores messages that are no reports', async () => {
      const channel = new LooseChannel();
      const client = new KeeperClient(channel, { log: silentLogger });
      const listing = client.list();
      for (const odd of [null, 'x', { keeper: 1 }, { keeper: 1, re: 'one' }, { keeper: 1, re: 7 }])
        channel.emit('message', odd);
      channel.emit('message', { keeper: 1, re: 1, states: [] });
      expect(await listing).to.deep.equal([]);
      client.close();
      expect(channel.listenerCount('message')).to.equal(0);
    });
  });
});

/** A channel to nobody. */
class LooseChannel extends EventEmitter implements IpcChannel {
  connected = true;
  send(_message: object, callback: (error: Error | null) => void): boolean {
    callback(null);
    return true;
  }
}
