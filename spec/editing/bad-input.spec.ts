import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { expect } from 'chai';
import { WebSocket } from 'ws';
import { type Editor, RefusedError } from './editor.js';
import { COMPONENTS, Scene } from './scene.js';

const MIB = 1024 * 1024;
const ATTEMPTS = 10_000;

/** Sends copies of a large text as fast as they are taken, `count` of them once it is told to. */
const FLOOD = `
import { participant } from 'msgflo';
export default participant({
  component: 'Flood', inports: { go: {} }, outports: { out: {} },
  async process({ go: { count, bytes } }, { send }) {
    for (let n = 0; n < count; n += 1) await send('out', { n, text: 'x'.repeat(bytes) });
  },
});
`;

const MEASURE = `
import { appendFileSync } from 'node:fs';
import { participant } from 'msgflo';
export default participant({
  component: 'Measure', inports: { in: {} },
  process({ in: { n, text } }) { appendFileSync('measured', n + ' ' + text.length + '\\n'); },
});
`;

const GRAPH = `
INPORT=flood.GO:GO
src(Source) OUT -> IN sink(Sink)
flood(Flood) OUT -> IN measure(Measure)
`;
const FLOODED = { src: { node: 'flood', port: 'out' }, tgt: { node: 'measure', port: 'in' } };

/** Each is answered on the sub-protocol that stands before it. */
const WRONG: readonly (readonly [protocol: string, text: string])[] = [
  ['runtime', 'this is not JSON'],
  ['runtime', '{"protocol":"graph","command":'],
  ['runtime', '[]'],
  ['runtime', 'null'],
  ['runtime', '42'],
  ['runtime', '{"protocol":7,"command":"addnode","payload":{}}'],
  ['graph', '{"protocol":"graph","command":["addnode"],"payload":{}}'],
  ['graph', '{"protocol":"graph","command":"addnode"}'],
  ['graph', '{"protocol":"graph","command":"addnode","payload":null}'],
  ['graph', '{"protocol":"graph","command":"addnode","payload":[]}'],
  ['graph', '{"protocol":"graph","command":"addnode","payload":{"graph":"main","id":7,"component":"Repeat"}}'],
  [
    'graph',
    '{"protocol":"graph","command":"addnode","payload":{"graph":"main","id":"a\\u0000b","component":"Repeat"}}',
  ],
  ['graph', '{"protocol":"graph","command":"addedge","payload":{"graph":"main","src":null,"tgt":null}}'],
  ['graph', '{"protocol":"graph","command":"addedge","payload":{"graph":"main","src":"a","tgt":{"node":"b"}}}'],
  ['graph', '{"protocol":"graph","command":"changenode","payload":{"graph":"main","id":"sink","metadata":"x"}}'],
  ['graph', '{"protocol":"graph","command":"nonsense","payload":{}}'],
  ['graph', '{"protocol":"graph","command":"__proto__","payload":{}}'],
  ['network', '{"protocol":"network","command":"edges","payload":{"graph":"main","edges":"all"}}'],
  ['network', '{"protocol":"network","command":"start","payload":{"graph":"another"}}'],
  ['component', '{"protocol":"component","command":"getsource","payload":{"name":{}}}'],
  ['component', '{"protocol":"component","command":"getsource","payload":{"name":"__proto__"}}'],
  [
    'runtime',
    '{"protocol":"runtime","command":"packet","payload":{"graph":"main","port":"nowhere","event":"data","payload":1}}',
  ],
  ['trace', '{"protocol":"trace","command":"nonsense","payload":{}}'],
];

describe('bad input', function () {
  this.timeout(90_000);
  let scene: Scene;

  describe('to a msgflo that allows everything', () => {
    before(async () => {
      const components = { ...COMPONENTS, 'Flood.js': FLOOD, 'Measure.js': MEASURE };
      scene = await Scene.make(GRAPH, { components });
      await scene.flows();
    });
    after(() => scene.end());

    it('is answered with an error, each one, and the connection stays', async () => {
      const editor = await scene.editor();
      const before = await editor.source();
      const unanswered: string[] = [];
      for (const [protocol, text] of WRONG) {
        const from = editor.told.length;
        editor.ws.send(text);
        await editor.ask('runtime:getruntime');
        const answers = editor.told.slice(from).filter(({ command }) => command === 'error');
        if (answers[0]?.protocol !== protocol || answers.length !== 1) unanswered.push(text);
      }
      expect(unanswered).to.deep.equal([]);
      expect(await editor.source(), 'nothing has changed').to.equal(before);
    });

    it('of an unknown protocol is answered, with that name or as runtime', async () => {
      const socket = new WebSocket(scene.address, ['noflo']);
      await once(socket, 'open');
      socket.send('{"protocol":"nonsense","command":"x","payload":{},"requestId":"r"}');
      const [answer] = await once(socket, 'message');
      expect(JSON.parse(String(answer))).to.include({ command: 'error', responseTo: 'r' });
      socket.terminate();
    });

    it('of 50 MB ends that connection, and none other', async () => {
      const [editor, other] = [await scene.editor(), await scene.editor()];
      const closed = once(editor.ws, 'close');
      editor.ws.send(JSON.stringify({ protocol: 'graph', command: 'addnode', payload: { id: 'x'.repeat(50 * MIB) } }));
      const [code] = await closed;
      expect(code).to.be.oneOf([1006, 1009]);
      expect(await other.ask('network:getstatus')).to.include({ started: true });
      await scene.flows();
    });

    it(`${ATTEMPTS} attempts to connect are survived; the network and who is connected do not suffer`, async () => {
      const editor = await scene.editor();
      const { port, hostname } = new URL(scene.address);
      let refused = 0;
      const attempt = async (n: number): Promise<void> => {
        const socket = connect(Number(port), hostname === 'localhost' ? '127.0.0.1' : hostname);
        socket.on('error', () => {
          refused += 1;
        });
        // Some say hello, some say nonsense, some nothing.
        socket.on('connect', () => {
          if (n % 3 !== 0) return void socket.end(n % 3 === 1 ? 'nonsense\r\n\r\n' : upgrade(hostname));
          socket.destroy();
        });
        socket.resume();
        const late = setTimeout(() => socket.destroy(), 2000);
        await once(socket, 'close');
        clearTimeout(late);
      };
      for (let n = 0; n < ATTEMPTS; n += 250) {
        await Promise.all(Array.from({ length: 250 }, (_, k) => attempt(n + k)));
      }
      expect(await editor.ask('network:getstatus')).to.include({ started: true });
      await scene.flows();
      expect(await (await scene.editor()).ask('network:getstatus')).to.include({ started: true });
      expect(refused).to.be.below(ATTEMPTS / 10);
    });

    it('a slow reader loses copies and is told how many; the network does not wait, nor does memory grow', async () => {
      const [slow, other] = [await scene.editor(), await scene.editor()];
      await slow.ask('network:edges', { edges: [FLOODED] });
      slow.ws.pause();
      await flood(other, { count: 4000, bytes: 30_000 });
      await scene.until(() => scene.lines('measured').length >= 4000);
      expect(coordinatorMib(scene)).to.be.below(300);
      expect(await other.ask('network:getstatus')).to.include({ started: true });
      slow.ws.resume();
      await slow.is(({ command, payload }) => command === 'output' && /\d+ cop/.test(payload.message ?? ''));
      const copies = slow.all('network:data').length;
      expect(copies).to.be.above(0).and.below(4000);
      await slow.ask('network:edges', { edges: [] });
    });

    it('messages of 20 MB over an edge that somebody looks at arrive, and harm nobody', async () => {
      const [looking, other] = [await scene.editor(), await scene.editor()];
      await looking.ask('network:edges', { edges: [FLOODED] });
      const before = scene.lines('measured').length;
      await flood(other, { count: 4, bytes: 20 * MIB });
      await scene.until(() => scene.lines('measured').length >= before + 4);
      expect(scene.lines('measured').slice(before)).to.deep.equal([0, 1, 2, 3].map((n) => `${n} ${20 * MIB}`));
      expect(await other.ask('network:getstatus')).to.include({ started: true });
      await looking.is(
        ({ command, payload }) => command === 'data' || (command === 'output' && /\d+ cop/.test(payload.message ?? '')),
      );
      await scene.flows();
    });
  });

  describe('to a msgflo with a secret', () => {
    const SECRET = 'open-sesame-4711';
    before(async () => {
      scene = await Scene.make('src(Source) OUT -> IN sink(Sink)', { args: ['--secret', SECRET, '--access', 'none'] });
    });
    after(() => scene.end());

    it('without the secret, or with a wrong one, nothing is allowed; with it, everything', async () => {
      const ids: string[] = [];
      for (const secret of [undefined, '', 'wrong', `${SECRET}x`, SECRET.slice(0, -1), '\0']) {
        const editor = await scene.editor(secret === undefined ? {} : { secret });
        expect(editor.runtime.capabilities).to.deep.equal([]);
        for (const [name, payload] of [
          ['graph:addnode', { graph: 'main', id: 'x', component: 'Repeat', metadata: {} }],
          ['component:list', {}],
          ['component:getsource', { name: 'main' }],
          ['component:source', { name: 'Sink', language: 'javascript', code: 'boom' }],
          ['network:stop', { graph: 'main' }],
          ['network:edges', { graph: 'main', edges: [] }],
          ['trace:start', { graph: 'main' }],
          ['runtime:packet', { graph: 'main', port: 'x', event: 'data', payload: 1 }],
        ] as const) {
          await editor.ask(name, payload).then(
            () => ids.push(`${secret} ${name}`),
            (error: unknown) => expect(error).to.be.instanceOf(RefusedError),
          );
        }
      }
      expect(ids, 'allowed').to.deep.equal([]);
      const editor = await scene.editor({ secret: SECRET });
      expect(editor.runtime.capabilities).to.include.members(['protocol:graph', 'component:setsource']);
      await editor.ask('graph:changenode', { id: 'sink', metadata: { x: 1 } });
      await scene.flows();
    });

    it('who is not allowed to look is told of nothing, and the secret is told to nobody', async () => {
      const stranger = await scene.editor({ secret: 'wrong' });
      const editor = await scene.editor({ secret: SECRET });
      const friend = await scene.editor({ secret: SECRET });
      const before = stranger.told.length;
      await editor.ask('graph:addnode', { id: 'x', component: 'Unheard', metadata: { label: 'x' } });
      await friend.hears('graph:addnode');
      await stranger.ask('runtime:getruntime');
      expect(stranger.told.slice(before).map(({ protocol, command }) => `${protocol}:${command}`)).to.deep.equal([
        'runtime:runtime',
      ]);
      const all = JSON.stringify([stranger.told, editor.told, friend.told]);
      expect(all).not.to.include(SECRET);
      expect(scene.network.output).not.to.include(SECRET);
    });
  });
});

async function flood(editor: Editor, go: { readonly count: number; readonly bytes: number }): Promise<void> {
  await editor.ask('runtime:packet', { graph: editor.graph, port: 'go', event: 'data', payload: go });
}

function upgrade(host: string): string {
  return `GET / HTTP/1.1\r\nHost: ${host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`;
}

/** Resident memory of the coordinator. */
function coordinatorMib(scene: Scene): number {
  const pid = scene.network.children('msgflo-coordinator')[0]?.pid;
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
}
