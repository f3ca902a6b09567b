import { expect } from 'chai';
import { brokers, fixturePath, irregular, OLD_RUNNER, Stage } from './programs.js';

describe('programs that use msgflo-nodejs 0.11, and crashes', function () {
  this.timeout(40_000);
  let stage: Stage;
  afterEach(() => stage.end());

  for (const [name, address] of Object.entries(brokers)) {
    it(`on ${name}: one killed with -9 and started again gets its IIP, once, and the messages go on`, async () => {
      stage = new Stage(await address());
      const { p } = stage;
      const graph = `'go' -> START ${p}src(OldSource) OUT -> IN ${p}sink(OldSink)
                     ${p}tick(Tick) OUT -> IN ${p}rep(OldRepeat) OUT -> IN ${p}print(Print)`;
      const network = await stage.network(graph, ['src', 'sink', 'rep']);
      const start = () => Promise.all([stage.old('src', 'old-source.cjs'), stage.old('rep', 'old-repeat.cjs')]);
      const [sink, before] = await Promise.all([stage.old('sink', 'old-sink.cjs'), start()]);
      await network.says(/print \| 20\n/);
      await sink.says('got 20\n');
      await Promise.all(before.map((one) => one.kill()));
      const [src] = await start();
      await src.says('start "go"');
      await sink.until(() => (sink.output.match(/got 20\n/g) ?? []).length === 2);
      const printed = (): number =>
        Number(
          network.output
            .match(/print \| (\d+)/g)
            ?.at(-1)
            ?.split(' ')
            .at(-1),
        );
      const atRestart = printed();
      await network.until(() => printed() >= atRestart + 20);
      expect(src.output.match(/start "go"/g)).to.have.length(1);
      expect(sink.output.match(/got 1\n/g), 'the first of each life').to.have.length(2);
    });

    it(`on ${name}: a coordinator killed with -9 repeats no IIP and doubles no binding`, async () => {
      stage = new Stage(await address());
      const { p } = stage;
      const graph = `'go' -> START ${p}src(OldSource) OUT -> IN ${p}mid(Repeat) OUT -> IN ${p}sink(OldSink)`;
      const network = await stage.network(graph, ['src', 'sink']);
      const [src, sink] = await Promise.all([stage.old('src', 'old-source.cjs'), stage.old('sink', 'old-sink.cjs')]);
      await sink.says('got 20\n');
      const [coordinator] = network.children('msgflo-coordinator');
      process.kill(coordinator?.pid ?? 0, 'SIGKILL');
      await network.says('the coordinator is back on ws://localhost:');
      const atReturn = sink.lastGot;
      // Long enough for all to be announced again, three times, and bound again each time.
      await sink.until(() => sink.lastGot >= atReturn + 75);
      expect(irregular(sink.output, /got (\d+)/g)).to.deep.equal([]);
      expect(src.output.match(/start "go"/g)).to.have.length(1);
    });
  }

  it('one that msgflo started by the command of a library is started again, and loses nothing', async () => {
    stage = new Stage(await brokers.RabbitMQ());
    const { p } = stage;
    const graph = `${p}tick(Tick) OUT -> IN ${p}rep(OldRepeat) OUT -> IN ${p}print(Print)`;
    const OldRepeat = `${OLD_RUNNER} --name #ROLE ${fixturePath('old-repeat.cjs')}`;
    const network = await stage.network(graph, [], { OldRepeat });
    await network.says(/print \| 20\n/);
    const [rep] = network.children('old-repeat.cjs');
    process.kill(rep?.pid ?? 0, 'SIGKILL');
    const numbers = (): number[] => [...network.output.matchAll(/print \| (\d+)/g)].map(([, n]) => Number(n));
    const atKill = numbers().length;
    await network.until(() => numbers().length >= atKill + 20);
    const printed = new Set(numbers());
    const missing = Array.from({ length: Math.max(...printed) }, (_, n) => n + 1).filter((n) => !printed.has(n));
    expect(missing, 'it acks on the channel that it published on').to.deep.equal([]);
  });
});
