import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { isAlive, until } from './processes.js';

const fixture = fileURLToPath(new URL('./fixtures/keeper.ts', import.meta.url));

describe('guard', () => {
  let keeper: ChildProcess | undefined;
  let pids: readonly number[] = [];
  afterEach(() => {
    keeper?.kill('SIGKILL');
    for (const pid of pids.filter(isAlive)) process.kill(pid, 'SIGKILL');
  });

  /** A keeper from a process of its own, and the ids of its guard and of everything it started. */
  async function startKeeper(...args: string[]): Promise<readonly number[]> {
    keeper = spawn(process.execPath, [...process.execArgv, fixture, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
    if (!keeper.stdout) throw new Error('the keeper has no stdout');
    const [line] = await once(createInterface({ input: keeper.stdout }), 'line');
    return JSON.parse(line);
  }

  for (const [what, args] of [
    ['a keeper', []],
    ['a keeper whose guard was killed before', ['killGuard']],
  ] as const) {
    it(`leaves nothing 2 s after kill -9 of ${what}: no grandchild, no deserter, no guard`, async () => {
      pids = await startKeeper(...args);
      expect(pids).to.have.length(6);
      expect(pids.filter((pid) => !isAlive(pid))).to.deep.equal([]);
      keeper?.kill('SIGKILL');
      const killedAtMs = performance.now();
      await until(() => !pids.some(isAlive));
      expect(performance.now() - killedAtMs).to.be.below(2000);
    });
  }
});
