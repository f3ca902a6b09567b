import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** The embedded broker as a process of its own. */
export class BrokerProcess {
  readonly child: ChildProcess;
  readonly exited: Promise<readonly unknown[]>;
  readonly address: string;

  private constructor(child: ChildProcess, address: string) {
    this.child = child;
    this.exited = once(child, 'exit');
    this.address = address;
  }

  /** Resolves when it is ready, rejects when it ends before. */
  static async start(dir: string, ...flags: readonly string[]): Promise<BrokerProcess> {
    const args = ['--import', 'tsx', 'src/embedded/main.ts', '--dir', dir, '--print-address', ...flags];
    const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    let complaint = '';
    child.stderr.on('data', (text) => {
      complaint += String(text);
    });
    const over = once(child, 'close').then(([code]) => {
      throw new Error(`the broker ended with ${code}: ${complaint}`);
    });
    const [line] = await Promise.race([once(createInterface({ input: child.stdout }), 'line'), over]);
    over.catch(() => undefined);
    const { address }: { address: string } = JSON.parse(String(line));
    return new BrokerProcess(child, address);
  }

  async kill(signal: NodeJS.Signals): Promise<number | null> {
    this.child.kill(signal);
    const [code] = await this.exited;
    return typeof code === 'number' ? code : null;
  }
}

/** A fresh folder, and how to take it away. */
export async function freshDir(): Promise<{ dir: string; remove(): Promise<void> }> {
  const dir = await mkdtemp(join(tmpdir(), 'msgflo-embedded-'));
  return { dir, remove: () => rm(dir, { recursive: true, force: true }) };
}
