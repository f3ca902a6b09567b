import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { project, RunningNetwork } from './running.js';

const source = `
import { participant } from 'msgflo';
export default participant({
  component: 'Source',
  outports: { out: { type: 'int' } },
  async produce({ send, signal }) {
    for (let n = 1; !signal.aborted; n += 1) {
      await send('out', n);
      await new Promise((after) => setTimeout(after, 5));
    }
  },
});
`;

const sink = (word: string): string => `
import { participant } from 'msgflo';
export default participant({
  component: 'Sink',
  inports: { in: { type: 'int' } },
  setup() { console.log('cache in ' + process.env.NODE_COMPILE_CACHE); },
  process({ in: n }) { console.log('${word} ' + process.pid + ' ' + n); },
});
`;

const GRAPH = 'source(Source) OUT -> IN repeat(Repeat) OUT -> IN sink(Sink)\n';

describe('msgflo --together', function () {
  this.timeout(45_000);
  let network: RunningNetwork | undefined;
  afterEach(async () => network?.remove());

  async function start(graph: string, args: readonly string[]): Promise<RunningNetwork> {
    const folder = await project(graph, { 'Source.js': source, 'Sink.js': sink('got') });
    network = await RunningNetwork.start(folder, undefined, args);
    await network.says(/got \d+ 20\n/);
    return network;
  }

  it('runs all components of ours in one process, which comes back when it is killed', async () => {
    const running = await start(GRAPH, ['--together']);
    const [only, second] = running.children('msgflo-participant');
    expect(second).to.equal(undefined);
    process.kill(only?.pid ?? 0, 'SIGKILL');
    await running.until(() => new RegExp(`got (?!${only?.pid} )\\d+ 20\\n`).test(running.output));
    expect(running.children('msgflo-participant')).to.have.length(1);
    expect(await running.stop()).to.equal(0);
  });

  it('shares a process only among the nodes that name the same, where the graph says so', async () => {
    const graph = 'source(Source:process=small) OUT -> IN repeat(Repeat) OUT -> IN sink(Sink:process=small)\n';
    const running = await start(graph, []);
    expect(running.children('msgflo-participant')).to.have.length(2);
    expect(running.output).to.include(`cache in ${join(running.folder, '.msgflo/compile-cache')}`);
  });

  it('loads a file anew that has changed, and lets the others run on', async () => {
    const running = await start(GRAPH, ['--together']);
    const [only] = running.children('msgflo-participant');
    await writeFile(join(running.folder, 'participants/Sink.js'), 'no JavaScript at all');
    // Its instance is renamed: a new one is started under another name.
    await writeFile(join(running.folder, 'main.fbp'), GRAPH.replace('sink(', 'drain('));
    await running.says('cannot be loaded');
    await writeFile(join(running.folder, 'participants/Sink.js'), sink('changed'));
    await running.says(/changed \d+ \d+\n/);
    expect(running.output).to.match(new RegExp(`changed ${only?.pid} `));
  });

  it('refuses a number of processes that makes no sense', async () => {
    const folder = await project(GRAPH);
    network = await RunningNetwork.start(folder, undefined, ['--together=0']);
    await network.until(() => network?.output.includes('--together') ?? false).catch(() => undefined);
    expect(network.output).to.match(/--together is a number of processes from 1 to 100, not '0'/);
  });
});
