import { expect } from 'chai';
import connect from 'fbp-client';
import { RefusedError } from './editor.js';
import { Scene } from './scene.js';

describe('fbp-client, which checks whatever it is sent', function () {
  this.timeout(60_000);
  let scene: Scene;
  afterEach(() => scene.end());

  it('sees no protocol error while it edits and while another does', async () => {
    scene = await Scene.make('src(Source) OUT -> IN mid(Repeat) OUT -> IN sink(Sink)\nOUTPORT=mid.OUT:LOOK');
    await scene.flows();
    const client = await connect({ address: scene.address }, { skipValidation: false, commandTimeout: 10_000 });
    const errors: string[] = [];
    const signals = new Set<string>();
    client.on('protocolError', ({ message }) => errors.push(message));
    client.on('signal', ({ protocol, command }) => signals.add(`${protocol}:${command}`));
    await client.connect();
    const { graph } = client.definition;
    const { component, graph: edit, network } = client.protocol;
    const edge = { src: { node: 'src', port: 'out' }, tgt: { node: 'mid', port: 'in' } };
    await component['list']?.();
    await component['getsource']?.({ name: graph });
    await network['getstatus']?.({ graph });
    await network['edges']?.({ graph, edges: [edge] });
    await edit['addnode']?.({ graph, id: 'own', component: 'Repeat', metadata: {} });
    await edit['addedge']?.({ graph, src: edge.src, tgt: { node: 'own', port: 'in' }, metadata: {} });
    await edit['addinport']?.({ graph, public: 'in', node: 'own', port: 'in' });

    const editor = await scene.editor();
    const requests: readonly (readonly [string, object])[] = [
      ['graph:addnode', { id: 'other', component: 'Moody', metadata: { x: 1 } }],
      ['graph:addedge', { src: { node: 'own', port: 'out' }, tgt: { node: 'other', port: 'in' }, metadata: {} }],
      [
        'graph:changeedge',
        { src: { node: 'own', port: 'out' }, tgt: { node: 'other', port: 'in' }, metadata: { route: 1 } },
      ],
      ['graph:addinitial', { src: { data: 'crash' }, tgt: { node: 'other', port: 'in' }, metadata: {} }],
      ['graph:addinitial', { src: { data: 'refuse' }, tgt: { node: 'other', port: 'in' }, metadata: {} }],
      ['graph:addoutport', { public: 'out', node: 'other', port: 'out' }],
      ['graph:renameoutport', { from: 'out', to: 'end' }],
      ['graph:addgroup', { name: 'all', nodes: ['own', 'other'], metadata: {} }],
      ['graph:renamegroup', { from: 'all', to: 'both' }],
      ['graph:changegroup', { name: 'both', metadata: { description: 'of them' } }],
      ['graph:renamenode', { from: 'own', to: 'owned' }],
      ['graph:changenode', { id: 'owned', metadata: { x: 3 } }],
      ['network:debug', { enable: true }],
      ['network:persist', {}],
      ['trace:start', { buffersize: 100 }],
      ['trace:dump', { type: 'flowtrace.json' }],
      ['trace:stop', {}],
      ['graph:removeinitial', { src: { data: 'refuse' }, tgt: { node: 'other', port: 'in' } }],
      ['graph:removeoutport', { public: 'end' }],
      ['graph:removegroup', { name: 'both' }],
    ];
    for (const [name, payload] of requests) {
      await editor.ask(name, payload).catch((error: unknown) => {
        if (error instanceof RefusedError) throw new Error(`${name}: ${error.message}`);
        throw error;
      });
    }
    await scene.until(() => signals.has('network:data') && signals.has('network:processerror'));
    await editor.ask('graph:removenode', { id: 'other' });
    await editor.ask('network:stop');
    await editor.ask('network:start');
    await edit['removenode']?.({ graph, id: 'owned' });
    await network['stop']?.({ graph });
    await network['start']?.({ graph });
    await scene.flows();
    await client.disconnect();
    expect(errors).to.deep.equal([]);
    expect([...signals]).to.include.members([
      'graph:addnode',
      'graph:addedge',
      'graph:changeedge',
      'graph:addinitial',
      'graph:renamenode',
      'graph:changenode',
      'graph:removenode',
      'graph:addgroup',
      'graph:addoutport',
      'network:data',
      'network:output',
      'network:processerror',
      'network:stopped',
      'network:started',
      'component:component',
    ]);
  });
});
