import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { silentLogger } from '../../src/support/index.js';
import { LocalBroker } from '../../src/transport/local/index.js';
import { describeTransport } from './conformance.js';

/** The embedded broker as a process of its own; resolves with its address when it is ready. */
async function startBroker(dir: string): Promise<{ process: ChildProcess; address: string }> {
  const args = ['--import', 'tsx', 'src/embedded/main.ts', '--dir', dir];
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const [line] = await once(createInterface({ input: child.stdout }), 'line');
  const { address }: { address: string } = JSON.parse(String(line));
  return { process: child, address };
}

describeTransport('local', {
  async start() {
    const dir = await mkdtemp(join(tmpdir(), 'msgflo-local-'));
    let running = await startBroker(dir);
    return {
      async connect(options) {
        const broker = new LocalBroker(new URL(running.address), { id: randomUUID(), ...options }, silentLogger);
        await broker.connect();
        return broker;
      },
      async kill(client) {
        if (client instanceof LocalBroker) client.kill();
      },
      async killAndRestart() {
        const exited = once(running.process, 'exit');
        running.process.kill('SIGKILL');
        await exited;
        running = await startBroker(dir);
      },
      async unreachable() {
        const address = new URL('local://127.0.0.1:9?token=secret');
        return new LocalBroker(address, { id: randomUUID() }, silentLogger);
      },
      async stop() {
        const exited = once(running.process, 'exit');
        running.process.stdin?.end();
        await exited;
        await rm(dir, { recursive: true });
      },
    };
  },
});
