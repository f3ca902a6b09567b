import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { COMPONENTS, Scene } from './scene.js';

const BEFORE = `
import { participant } from 'msgflo';
export default participant({
  component: 'Change', inports: { in: {} }, outports: { out: {} },
  async process({ in: data }, { send }) { await send('out', data); },
});
`;

/** The same, with another port besides, over which it says how it was written. */
const AFTER = `
import { participant } from 'msgflo';
let said = false;
export default participant({
  component: 'Change', inports: { in: {} }, outports: { out: {}, news: { type: 'string' } },
  async process({ in: data }, { send }) {
    if (!said) await send('news', 'rewritten');
    said = true;
    await send('out', data);
  },
});
`;

const GRAPH = `
src(Source) OUT -> IN one(Change) OUT -> IN sink(Sink)
src OUT -> IN two(Change)
one NEWS -> IN news(Print)
two NEWS -> IN news(Print)
`;

describe('component:source', function () {
  this.timeout(60_000);
  let scene: Scene;
  afterEach(() => scene.end());

  it('rewrites a component under load: its instances run the new code, all are told its ports, none is lost', async () => {
    scene = await Scene.make(GRAPH, { components: { ...COMPONENTS, 'Change.js': BEFORE } });
    await scene.flows();
    const [editor, other] = [await scene.editor(), await scene.editor()];
    await other.ask('component:list');
    const told = await editor.ask('component:source', { name: 'Change', language: 'javascript', code: AFTER });
    expect(told).to.include({ name: 'Change' });
    for (const client of [editor, other]) {
      await client.is(({ command, payload }) => command === 'component' && outPorts(payload).includes('news'));
    }
    await scene.says('news | rewritten', 2);
    await scene.flows();
    await scene.settles();
    expect((await other.ask('component:getsource', { name: 'Change' })).code).to.equal(AFTER);
    expect(readFileSync(join(scene.folder, 'participants/Change.js'), 'utf8')).to.equal(AFTER);
  });

  it('makes a new component, which a node then runs', async () => {
    scene = await Scene.make('src(Source) OUT -> IN sink(Sink)');
    const editor = await scene.editor();
    const other = await scene.editor();
    const code =
      "import { participant } from 'msgflo';\nconsole.log('I am new');\nexport default participant({\n  component: 'Fresh', inports: { in: {} }, process() {},\n});\n";
    await editor.ask('graph:addnode', { id: 'fresh', component: 'Fresh', metadata: {} });
    const answer = await editor.ask('component:source', { name: 'Fresh', language: 'javascript', code });
    expect(answer).to.include({ name: 'Fresh' });
    await scene.says('fresh | I am new');
    await other.is(({ command, payload }) => command === 'component' && payload['name'] === 'Fresh');
    expect(readFileSync(join(scene.folder, 'participants/Fresh.js'), 'utf8')).to.equal(code);
  });

  it('writes nowhere else: a path in the name is refused, whatever it looks like', async () => {
    scene = await Scene.make('src(Source) OUT -> IN sink(Sink)');
    const editor = await scene.editor();
    const files = (): string[] => readdirSync(scene.folder, { recursive: true, encoding: 'utf8' }).sort();
    const before = files().filter((name) => !name.startsWith('.msgflo') && !/confirmed|seen/.test(name));
    const names = ['../../x', '../x', '/tmp/msgflo-x', 'a/../../b', 'nul\0byte', '..', '.', '', 'a\\..\\b', '.hidden'];
    const refused: string[] = [];
    for (const name of names) {
      for (const library of [undefined, '../..', '/tmp']) {
        const payload = { name, language: 'javascript', code: 'boom', ...(library === undefined ? {} : { library }) };
        await editor.ask('component:source', payload).catch(() => refused.push(name));
      }
    }
    const after = files().filter((name) => !name.startsWith('.msgflo') && !/confirmed|seen/.test(name));
    expect(after.filter((name) => !before.includes(name))).to.deep.equal([]);
    expect(refused).to.deep.equal(names.flatMap((name) => [name, name, name]));
    expect(existsSync('/tmp/msgflo-x.js')).to.equal(false);
    for (const name of names) await editor.ask('component:getsource', { name }).then(unexpected, () => {});
    await scene.flows();
  });
});

function outPorts(payload: Readonly<Record<string, unknown>>): readonly string[] {
  const ports: unknown = payload['outPorts'];
  return Array.isArray(ports) ? ports.map((port: { readonly id: string }) => port.id) : [];
}

function unexpected(answer: object): void {
  throw new Error(`was answered: ${JSON.stringify(answer)}`);
}
