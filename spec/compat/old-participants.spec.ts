import { expect } from 'chai';
import { project, RunningNetwork } from '../network/running.js';
import { brokers, irregular, newPrefix, Program } from './programs.js';

/** Sends 1, 2, 3 ... for as long as it lives. */
const TICK = `
import { setTimeout as delay } from 'node:timers/promises';
import { participant } from 'msgflo';
export default participant({
  component: 'Tick',
  outports: { out: {} },
  async produce({ send, signal }) {
    for (let n = 1; !signal.aborted; n += 1) { await send('out', n); await delay(20, undefined, { signal }).catch(() => {}); }
  },
});
`;

describe('programs that use msgflo-nodejs 0.11', function () {
  this.timeout(40_000);
  const programs: Program[] = [];
  let network: RunningNetwork | undefined;
  let p = '';

  beforeEach(() => {
    p = newPrefix();
  });
  afterEach(async () => {
    await network?.remove();
    await Promise.all(programs.splice(0).map((program) => program.kill()));
  });

  const old = (role: string, fixture: string, broker: string): Program => {
    const program = Program.old(`${p}${role}`, fixture, broker);
    programs.push(program);
    return program;
  };
  const start = async (graph: string, broker: string, ignored: readonly string[]): Promise<RunningNetwork> => {
    const ignore = ignored.flatMap((role) => ['--ignore', `${p}${role}`]);
    network = await RunningNetwork.start(await project(graph, { 'Tick.js': TICK }), broker, ignore);
    return network;
  };

  for (const [name, address] of Object.entries(brokers)) {
    for (const order of ['they first', 'we first']) {
      it(`on ${name}, ${order}: old to ours to old, ours to old to ours, an IIP to an old one`, async () => {
        const broker = await address();
        const graph = `
          'go' -> START ${p}src(OldSource) OUT -> IN ${p}mid(Repeat) OUT -> IN ${p}sink(OldSink)
          ${p}tick(Tick) OUT -> IN ${p}rep(OldRepeat) OUT -> IN ${p}print(Print)`;
        const ignored = ['src', 'sink', 'rep'];
        if (order === 'we first') await (await start(graph, broker, ignored)).says('msgflo started on');
        const src = old('src', 'old-source.cjs', broker);
        const sink = old('sink', 'old-sink.cjs', broker);
        const rep = old('rep', 'old-repeat.cjs', broker);
        await Promise.all([src, sink, rep].map((one) => one.says('connected to')));
        const running = order === 'we first' ? network : await start(graph, broker, ignored);
        await src.says(`start "go"`);
        await sink.until(() => sink.lastGot >= 20);
        await running?.says(/print \| 20\n/);
        expect(src.output.match(/start "go"/g)).to.have.length(1);
        expect(irregular(sink.output, /got (\d+)/g)).to.deep.equal([]);
        expect(irregular(running?.output ?? '', /print \| (\d+)/g)).to.deep.equal([]);
      });
    }
  }
});
