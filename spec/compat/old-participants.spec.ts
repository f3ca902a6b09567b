import { expect } from 'chai';
import { brokers, irregular, type Program, Stage } from './programs.js';

/** What all of them have got, sorted. */
function numbersOf(sinks: readonly Program[]): readonly number[] {
  const numbers = sinks.flatMap(({ output }) => [...output.matchAll(/got (\d+)/g)].map(([, n]) => Number(n)));
  return numbers.sort((a, b) => a - b);
}

describe('programs that use msgflo-nodejs 0.11', function () {
  this.timeout(40_000);
  let stage: Stage;
  afterEach(() => stage.end());

  for (const [name, address] of Object.entries(brokers)) {
    for (const order of ['they first', 'we first']) {
      it(`on ${name}, ${order}: old to ours to old, ours to old to ours, an IIP to an old one, and one that our runner runs`, async () => {
        stage = new Stage(await address());
        const { p } = stage;
        const graph = `
          'go' -> START ${p}src(OldSource) OUT -> IN ${p}mid(Repeat) OUT -> IN ${p}sink(OldSink)
          ${p}tick(Tick) OUT -> IN ${p}rep(OldRepeat) OUT -> IN ${p}moved(OldRepeat) OUT -> IN ${p}print(Print)`;
        const run = () => stage.network(graph, ['src', 'sink', 'rep', 'moved']);
        const early = order === 'we first' ? await run() : undefined;
        await early?.says('msgflo started on');
        const [src, sink] = await Promise.all([
          stage.old('src', 'old-source.cjs'),
          stage.old('sink', 'old-sink.cjs'),
          stage.old('rep', 'old-repeat.cjs'),
          stage.ours('moved', 'old-repeat.cjs'),
        ]);
        const network = early ?? (await run());
        await sink.until(() => sink.lastGot >= 20);
        await network.says(/print \| 20\n/);
        expect(src.output.match(/start "go"/g)).to.have.length(1);
        expect(irregular(sink.output, /got (\d+)/g)).to.deep.equal([]);
        expect(irregular(network.output, /print \| (\d+)/g)).to.deep.equal([]);
      });
    }
  }

  it('two of them in one role share its messages on RabbitMQ; what they reject is a dead letter', async () => {
    stage = new Stage(await brokers.RabbitMQ());
    const { p } = stage;
    const network = await stage.network(
      `${p}tick(Tick) OUT -> IN ${p}rr(msgflo/RoundRobin) OUT -> IN ${p}sink(OldSink)
       'bad' -> IN ${p}rep(OldRepeat)
       ${p}rr2(msgflo/RoundRobin) OUT -> IN ${p}rep
       ${p}rr2 DEADLETTER -> IN ${p}dead(Print)
       ${p}rep DEAD_IN -> IN ${p}letters(Print)`,
      ['sink', 'rep'],
    );
    const sinks = await Promise.all([stage.old('sink', 'old-sink.cjs'), stage.old('sink', 'old-sink.cjs')]);
    await Promise.all(sinks.map((sink) => sink.until(() => sink.lastGot >= 20)));
    expect(numbersOf(sinks).slice(0, 20)).to.deep.equal(Array.from({ length: 20 }, (_, n) => n + 1));
    await network.says(/the network is complete|edges bound/);
    await stage.old('rep', 'old-repeat.cjs');
    await network.says('dead | bad');
    await network.says('letters | bad');
  });

  it('of two in one role each gets every message on Mosquitto, as it always was; run by ours they share', async () => {
    stage = new Stage(await brokers.Mosquitto());
    const { p } = stage;
    const [one, two, three, four] = await Promise.all([
      stage.old('sink', 'old-sink.cjs'),
      stage.old('sink', 'old-sink.cjs'),
      stage.ours('moved', 'old-sink.cjs'),
      stage.ours('moved', 'old-sink.cjs'),
    ]);
    await stage.network(`${p}tick(Tick) OUT -> IN ${p}sink(OldSink), ${p}tick OUT -> IN ${p}moved(OldSink)`, [
      'sink',
      'moved',
    ]);
    await Promise.all([one, two, three, four].map((sink) => sink.until(() => sink.lastGot >= 20)));
    for (const { output } of [one, two]) expect(irregular(output, /got (\d+)/g)).to.deep.equal([]);
    expect(numbersOf([three, four]).slice(0, 20)).to.deep.equal(Array.from({ length: 20 }, (_, n) => n + 1));
  });

  it('modules of theirs run by msgflo-participant on the embedded broker: source, repeat and sink', async () => {
    stage = new Stage('');
    const { p } = stage;
    const graph = `'go' -> START ${p}src(OldSource) OUT -> IN ${p}rep(OldRepeat) OUT -> IN ${p}mid(Repeat)
                   ${p}mid OUT -> IN ${p}sink(OldSink)`;
    const network = await stage.network(graph, ['src', 'rep', 'sink']);
    const cwd = network.folder;
    await network.says('msgflo started on');
    const [src, sink] = await Promise.all([
      stage.ours('src', 'old-source.cjs', { cwd }),
      stage.ours('sink', 'old-sink.cjs', { cwd }),
      stage.ours('rep', 'old-repeat.cjs', { cwd }),
    ]);
    await sink.until(() => sink.lastGot >= 20);
    expect(irregular(sink.output, /got (\d+)/g)).to.deep.equal([]);
    expect(src.output.match(/start "go"/g)).to.have.length(1);
  });
});
