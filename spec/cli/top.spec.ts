import { spawn } from 'node:child_process';
import { EventEmitter } from 'node:events';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect } from 'chai';
import { top, topOn } from '../../src/cli/top.js';
import type { TopReport } from '../../src/cli/top-report.js';
import { Coordinator } from '../../src/coordinator/index.js';
import { asQueueName } from '../../src/names.js';
import { type Component, participant } from '../../src/participant/index.js';
import { silentLogger } from '../../src/support/index.js';
import { complete, graphOf } from '../coordinator/scene.js';
import { Gate, until } from '../participant/network.js';
import { threeBrokers } from '../support/three-brokers.js';
import { startCommand } from './from-source.js';
import { linesOf, unique } from './run-executable.js';
import { type InProcess, startInProcess } from './run-in-process.js';

/** Throws at what is bad, and sends on the rest. */
const picky: Component = participant({
  component: 'Picky',
  inports: { in: {} },
  outports: { out: {} },
  process({ in: data }, { send }) {
    if (data === 'bad') throw new Error('this is bad');
    return send('out', data);
  },
});

/** Of util-linux: runs a program on a pseudo terminal. */
const SCRIPT = '/usr/bin/script';

/** A terminal on which nothing is drawn, 100 x 12. */
class FakeTerminal extends EventEmitter {
  readonly isTTY = true;
  columns = 100;
  rows = 12;
  written = '';
  isRaw = false;
  isReading = false;

  write(text: string): void {
    this.written += text;
  }
  setRawMode(isRaw: boolean): void {
    this.isRaw = isRaw;
  }
  resume(): void {
    this.isReading = true;
  }
  pause(): void {
    this.isReading = false;
  }
}

describe('msgflo-top', function () {
  this.timeout(45_000);
  const { urls, dir, connect, begin } = threeBrokers();

  /** Has a graph bound, by a coordinator that is then gone. */
  async function bindAll(url: string, text: string): Promise<void> {
    const coordinator = new Coordinator({ graph: graphOf(text), broker: await connect(url), log: silentLogger });
    await coordinator.start();
    await complete(coordinator);
    await coordinator.stop();
  }

  const start = (args: readonly string[]): InProcess => startInProcess(top, args, { cwd: dir });

  async function once(url: string, ...args: readonly string[]): Promise<TopReport> {
    const one = start(['--broker', url, '--once', '--json', '--interval', '500ms', ...args]);
    expect(await one.ended, one.complaint()).to.equal(0);
    expect(one.printed).to.have.length(1);
    return JSON.parse(one.printed[0] ?? '') as TopReport;
  }

  for (const name of ['AMQP', 'MQTT', 'the embedded broker']) {
    it(`tells what was done and what waits on ${name}`, async () => {
      const url = urls[name] ?? '';
      const [a, b] = [unique('a'), unique('b')];
      const gate = new Gate();
      let done = 0;
      const slow = participant({
        component: 'Slow',
        inports: { in: {} },
        prefetch: 2,
        async process() {
          await gate.pass();
          done += 1;
        },
      });
      await begin(url, a, picky);
      await begin(url, b, slow);
      await bindAll(url, `${a}(Picky) OUT -> IN ${b}(Slow)`);
      const hand = await connect(url);
      const send = async (count: number, data: unknown): Promise<void> => {
        for (let n = 0; n < count; n += 1) await hand.send('inqueue', asQueueName(`${a}.IN`), { data });
      };
      await send(3, 'bad');
      await send(5, 'good');
      await until(() => done === 5);
      gate.close();
      const looking = once(url, '--role', a, '--role', b, '--sort', 'role', '--interval', '1500ms');
      // After the first reading, and long before the second.
      await new Promise((resolve) => setTimeout(resolve, 1400));
      await send(20, 'good');
      const { rows, lost, brokerLosses, notes } = await looking;
      expect(rows.map(({ role, port, queue, instances }) => [role, port, queue, instances])).to.deep.equal([
        [a, 'in', `${a}.IN`, 1],
        [b, 'in', `${b}.IN`, 1],
      ]);
      const [first, second] = rows;
      expect(first).to.include({ ready: 0, unacked: 0, consumers: 1, dead: 3, retried: 0 });
      expect(first?.outPerSecond).to.be.within(5, 20);
      expect(second).to.include({ ready: 18, unacked: 2, consumers: 1, dead: 0 });
      expect(second?.inPerSecond).to.be.within(5, 20);
      expect(second?.outPerSecond).to.equal(0);
      expect(first?.workMs?.p50).to.be.within(0, 1000);
      expect({ lost, brokerLosses }).to.deep.equal({ lost: [], brokerLosses: { messages: 0 } });
      expect(notes).to.have.length(name === 'MQTT' ? 1 : 0);
      gate.open();
    });
  }

  it('shows roles whose last participant is gone, and finds those that come while it looks on', async () => {
    const url = urls['the embedded broker'] ?? '';
    const [a, b] = [unique('a'), unique('b')];
    const one = start(['--broker', url, '--json', '--interval', '500ms', '--role', a, '--role', b]);
    const reports = (): TopReport[] => one.printed.map((line) => JSON.parse(line) as TopReport);
    await until(() => one.printed.length > 0);
    const first = await begin(url, a, picky);
    await begin(url, b, picky);
    await until(() => reports().at(-1)?.rows.length === 2);
    await first.stop({ graceMs: 0 });
    await until(() => reports().at(-1)?.lost.length === 1);
    expect(reports().at(-1)?.lost[0]).to.include({ role: a, component: 'Picky' });
    expect(
      reports()
        .at(-1)
        ?.rows.find(({ role }) => role === a)?.instances,
    ).to.equal(0);
    one.interrupt();
    expect(await one.ended, one.complaint()).to.equal(0);
  });

  it('prints one table after another where there is no terminal', async () => {
    const url = urls['the embedded broker'] ?? '';
    const a = unique('a');
    await begin(url, a, picky);
    const one = start(['--broker', url, '--interval', '500ms', '--role', a]);
    await until(() => one.printed.filter((line) => line.startsWith('ROLE ')).length === 2);
    one.interrupt();
    expect(await one.ended).to.equal(0);
    expect(one.printed.slice(0, 3).map((line) => line.split(' ')[0])).to.deep.equal(['ROLE', a, '']);
  });

  it('ends when nobody reads what it prints any more', async () => {
    const one = startCommand('top.ts#top', ['--broker', urls['the embedded broker'] ?? '', '--interval', '500ms']);
    await until(() => one.stdout() !== '');
    one.child.stdout?.destroy();
    expect(await one.ended).to.equal(0);
  });

  describe('on a terminal', () => {
    const ENTER = '\x1b[?1049h\x1b[?25l';
    const LEAVE = '\x1b[?25h\x1b[?1049l';

    function watch(terminal: FakeTerminal, ...args: readonly string[]): InProcess {
      const url = urls['the embedded broker'] ?? '';
      const factory = topOn({ output: terminal, input: terminal });
      return startInProcess(factory, ['--broker', url, '--interval', '500ms', ...args], { cwd: dir });
    }
    const drawings = (terminal: FakeTerminal): string[] => terminal.written.split('\x1b[H').slice(1);

    for (const key of ['q', '\x03']) {
      it(`draws anew in place, and leaves it as it was when ${JSON.stringify(key)} is pressed`, async () => {
        const a = unique('a');
        await begin(urls['the embedded broker'] ?? '', a, picky);
        const terminal = new FakeTerminal();
        const one = watch(terminal, '--role', a);
        await until(() => drawings(terminal).filter((text) => text.includes(a)).length === 2);
        expect(terminal.written.startsWith(ENTER)).to.equal(true);
        expect([terminal.isRaw, terminal.isReading]).to.deep.equal([true, true]);
        terminal.emit('data', Buffer.from(key));
        expect(await one.ended, one.complaint()).to.equal(0);
        expect(terminal.written.endsWith(LEAVE)).to.equal(true);
        expect([terminal.isRaw, terminal.isReading]).to.deep.equal([false, false]);
        expect(terminal.listenerCount('data') + terminal.listenerCount('resize')).to.equal(0);
        expect(one.printed).to.deep.equal([]);
      });
    }

    it('fits its width and height, also when they change, and leaves it at a signal', async () => {
      const url = urls['the embedded broker'] ?? '';
      const prefix = unique('many');
      const component = participant({
        component: 'Many',
        inports: Object.fromEntries(Array.from({ length: 20 }, (_, n) => [`p${n}`, {}])),
        process() {},
      });
      await begin(url, prefix, component);
      const terminal = new FakeTerminal();
      const one = watch(terminal, '--role', prefix);
      const latest = (): string[] =>
        (drawings(terminal).at(-1) ?? '')
          .split('\r\n')
          .map((line) => line.replaceAll('\x1b[K', '').replaceAll('\x1b[J', ''));
      await until(() => latest().length === 12);
      expect(latest().at(-1)).to.match(/^and \d+ more lines$/);
      terminal.columns = 40;
      terminal.rows = 8;
      terminal.emit('resize');
      expect(latest()).to.have.length(8);
      for (const line of latest()) expect(line.length).to.be.at.most(40);
      one.interrupt();
      expect(await one.ended).to.equal(0);
      expect(terminal.written.endsWith(LEAVE)).to.equal(true);
    });

    it('is a real one', async function () {
      if (!existsSync(SCRIPT)) return this.skip();
      const at = (path: string): string => JSON.stringify(new URL(`../../src/cli/${path}`, import.meta.url).href);
      await writeFile(
        join(dir, 'top.mjs'),
        `const { run } = await import(${at('command.ts')});
         const { top } = await import(${at('top.ts')});
         process.exitCode = await run(top, process.argv);`,
      );
      const loader = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
      const command = `${process.execPath} --import=${loader} ${join(dir, 'top.mjs')} --broker ${urls['the embedded broker']}`;
      const child = spawn(SCRIPT, ['-qefc', command, '/dev/null'], { stdio: ['pipe', 'pipe', 'inherit'] });
      let written = '';
      child.stdout.on('data', (chunk: Buffer) => {
        written += String(chunk);
      });
      const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
      await until(() => written.split('\x1b[H').length > 3);
      child.stdin.write('q');
      expect(await ended, written).to.equal(0);
      expect(written.startsWith(ENTER) && written.endsWith(LEAVE), JSON.stringify(written)).to.equal(true);
    });
  });

  it('answers misuse with one line and exit code 2, and explains itself', async () => {
    const cases: readonly (readonly [readonly string[], RegExp])[] = [
      [['--sort', 'size'], /'--sort <by>' argument 'size' is invalid\. Allowed choices are ready, in, out, role/],
      [['--interval', '10ms'], /--interval is at least 500ms, not '10ms'/],
      [['--interval', 'often'], /--interval is a duration such as .*, not 'often'/],
      [['--management', 'ftp://user:secret@host'], /--management is an http or https URL, auto or off/],
    ];
    for (const [args, words] of cases) {
      const one = start(['--broker', 'log:///nowhere?start=false', ...args]);
      expect({ code: await one.ended, printed: one.printed }, String(words)).to.deep.equal({ code: 2, printed: [] });
      expect(one.complaint()).to.match(words).and.not.include('secret');
      expect(linesOf(one.complaint())).to.have.length(1);
    }
    const away = start(['--once']);
    expect([await away.ended, linesOf(away.complaint()).length]).to.deep.equal([1, 1]);
  });
});
