import { expect } from 'chai';
import type { Editor } from './editor.js';
import { BROKERS, Scene, uniqueRole } from './scene.js';

describe('what editors are told of troubles', function () {
  this.timeout(60_000);
  let scene: Scene;
  afterEach(() => scene.end());

  for (const [name, broker] of Object.entries(BROKERS)) {
    it(`on ${name}: a crash with its exit code, and a dead letter with its reason, are errors of the node`, async () => {
      const tag = uniqueRole('');
      const graph = `INPORT=${tag}moody.IN:ORDER\n${tag}moody(Moody) OUT -> IN ${tag}sink(Sink)`;
      scene = await Scene.make(graph, { broker: await broker() });
      const [editor, other] = [await scene.editor(), await scene.editor()];
      const order = (payload: string): Promise<object> =>
        editor.ask('runtime:packet', { port: 'order', event: 'data', payload, graph: editor.graph });
      await order('hello');
      await scene.until(() => scene.seen.includes('hello'));
      await order('refuse');
      await order('crash');
      for (const client of [editor, other]) {
        await client.is(isErrorOf(`${tag}moody`, /not with me/));
        await client.is(isErrorOf(`${tag}moody`, /7/));
      }
      await scene.until(() => scene.seen.includes('crash'));
    });
  }

  it('a participant that says nothing for too long is lost, and back when it is heard again', async () => {
    scene = await Scene.make('src(Source) OUT -> IN mid(Repeat) OUT -> IN sink(Sink)', {
      args: ['--lapse', '3'],
      env: { MSGFLO_DISCOVERY_PERIOD: '1' },
    });
    await scene.flows();
    const editor = await scene.editor();
    editor.tell('network:watch', { enable: true });
    await editor.is(nodeIs('mid', 'live'));
    scene.kill('--name mid', 'SIGSTOP');
    const lost = await editor.is(nodeIs('mid', 'lost'));
    scene.kill('--name mid', 'SIGCONT');
    await editor.is(nodeIs('mid', 'live'), editor.told.indexOf(lost));
    await scene.flows();
    await scene.settles();
    expect(editor.all('network:processerror')).to.deep.equal([]);
  });
});

type Match = Parameters<Editor['is']>[0];

function isErrorOf(id: string, error: RegExp): Match {
  return ({ command, payload }) =>
    command === 'processerror' && payload.id === id && error.test(String(payload['error']));
}

function nodeIs(id: string, state: string): Match {
  return ({ command, payload }) => {
    const nodes: unknown = payload['nodes'];
    if (command !== 'nodes' || !Array.isArray(nodes)) return false;
    return nodes.some(
      (node: { readonly id: string; readonly state: string }) => node.id === id && node.state === state,
    );
  };
}
