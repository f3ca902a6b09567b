import { expect } from 'chai';
import { asQueueName } from '../../src/names.js';
import { withClient } from './outside.js';
import { BROKERS, Scene, uniqueRole } from './scene.js';

describe('network:stop and network:start', function () {
  this.timeout(60_000);
  let scene: Scene | undefined;
  afterEach(async () => scene?.end());

  for (const [name, broker] of Object.entries(BROKERS)) {
    it(`on ${name}: processes end, queues and bindings stay, what waits is taken up, none is lost`, async () => {
      const tag = uniqueRole('');
      const graph = `${tag}src(Source) OUT -> IN ${tag}mid(Repeat) OUT -> IN ${tag}sink(Sink)`;
      const url = await broker();
      const running = await Scene.make(graph, { broker: url });
      scene = running;
      await running.flows();
      const [editor, other] = [await running.editor(), await running.editor()];
      const stopped = await editor.ask('network:stop');
      expect(stopped).to.include({ started: false });
      await other.hears('network:stopped', { graph: other.graph });
      const participants = (): number => running.network.children('msgflo-participant').length;
      await running.until(() => participants() === 0);
      expect(await editor.ask('network:getstatus')).to.include({ started: false, running: false });

      const sent = Array.from({ length: 30 }, (_, n) => `from-outside-${n}`);
      await withClient(running, url, async (client) => {
        for (const data of sent) await client.send('outqueue', asQueueName(`${tag}src.OUT`), { data });
      });
      expect(participants(), 'it is still stopped').to.equal(0);

      expect(await editor.ask('network:start')).to.include({ started: true });
      await other.hears('network:started', { graph: other.graph });
      await running.until(() => sent.every((id) => running.seen.includes(id)));
      await running.flows();
      await running.settles();
      expect(participants()).to.equal(3);
      expect(await other.ask('network:getstatus')).to.include({ started: true });
    });
  }
});
