import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import { processes, ROOT } from '../../network/running.js';
import { programs } from './support.js';

const PAGE = readFileSync(join(ROOT, 'docs/pipeproc.md'), 'utf8');

/** The text of a block of the page. */
function block(opening: string): string {
  return PAGE.split(`\`\`\`${opening}\n`)[1]?.split('```')[0] ?? '';
}

describe('docs/pipeproc.md', function () {
  this.timeout(60_000);
  const { spawned } = programs();
  let folder: string;
  let running: App | undefined;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'msgflo-app-'));
    await mkdir(join(folder, 'node_modules/msgflo'), { recursive: true });
    for (const part of ['package.json', 'dist'])
      await symlink(join(ROOT, part), join(folder, 'node_modules/msgflo', part));
    await writeFile(join(folder, 'package.json'), '{ "type": "module" }\n');
    for (const file of ['app.js', 'window.js', 'processors/count.js']) {
      await mkdir(dirname(join(folder, file)), { recursive: true });
      await writeFile(join(folder, file), block(`js ${file}`));
    }
  });
  afterEach(async () => {
    await running?.kill();
    await rm(folder, { recursive: true, force: true });
  });

  const start = (notes: readonly string[]): App => {
    running = new App(folder, notes);
    return running;
  };
  /** Of the node, as its file says. */
  const nodePid = async (): Promise<number> => JSON.parse(await readFile(join(folder, 'data/broker.json'), 'utf8')).pid;

  it('shows an application that runs, and shows the same when it is started again', async () => {
    const notes = [...block('sh run').matchAll(/"([^"]*)"/g)].map(([, note = '']) => note);
    expect(notes).to.have.length(2);
    expect(await start(notes).ended()).to.equal(block('text'));
    expect(await start([]).ended()).to.equal(block('text'));
  });

  it('shows one that loses nothing, and does nothing twice, whatever is killed', async () => {
    const notes = Array.from({ length: 300 }, (_, n) => `note ${n}`);
    const first = start(notes);
    await first.shows('note 20\n');
    process.kill(await nodePid(), 'SIGKILL');
    await first.shows('note 60\n');
    first.killWorkers(await nodePid());
    await first.shows('note 100\n');
    await first.kill();
    const second = start([]);
    await second.ended();
    const shown = new Set(second.output.match(/note \d+/g));
    const node = await spawned({ location: join(folder, 'data') });
    const [kept, counted] = [await node.range('notes'), await node.range('counted')];
    const textsOf = (logs: typeof kept) => logs.map(({ body }) => ('text' in body ? body.text : undefined));
    expect(textsOf(counted)).to.deep.equal(textsOf(kept));
    expect([...shown]).to.deep.equal([...new Set(textsOf(kept))]);
    expect(shown.size).to.be.above(100);
  });
});

/** The application, and all it prints. */
class App {
  output = '';
  readonly #child: ChildProcess;
  #errors = '';

  constructor(folder: string, notes: readonly string[]) {
    // Sockets of namespaces lie there, and others may run the page too.
    const env = { ...process.env, TMPDIR: folder };
    this.#child = spawn(process.execPath, ['app.js', ...notes], {
      cwd: folder,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.output += text;
    });
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#errors += text;
    });
  }

  async shows(words: string): Promise<void> {
    while (!this.output.includes(words)) {
      if (this.#child.exitCode !== null) throw new Error(`it ended: ${this.output}${this.#errors}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  /** What it printed, when it ends by itself. */
  async ended(): Promise<string> {
    await once(this.#child, 'close');
    if (this.#child.exitCode !== 0) throw new Error(`it failed: ${this.output}${this.#errors}`);
    return this.output;
  }

  killWorkers(nodePid: number): void {
    this.#killBelow(nodePid, 'worker-main');
  }

  #killBelow(parent: number | undefined, words: string): void {
    for (const { pid, ppid, args } of processes())
      if (ppid === parent && args.includes(words)) process.kill(pid, 'SIGKILL');
  }

  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const closed = once(this.#child, 'close');
    this.#child.kill('SIGSTOP');
    this.#killBelow(this.#child.pid, 'window.js'); // alone, it would go on for 10 s
    this.#child.kill('SIGKILL');
    await closed;
  }
}
