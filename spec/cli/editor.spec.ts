import { once } from 'node:events';
import { expect } from 'chai';
import { WebSocket } from 'ws';
import { Project, SPEC_LIMIT_MS } from './run-executable.js';

interface Answer {
  readonly protocol: string;
  readonly command: string;
  readonly payload: Record<string, unknown>;
}

describe('an editor that asks a running msgflo', function () {
  this.timeout(SPEC_LIMIT_MS);
  let project: Project;
  let socket: WebSocket;
  const answers: Answer[] = [];

  before(async () => {
    const files = { 'hello.fbp': "'world' -> NAME greet(Greet) OUT -> IN print(Print)\n" };
    project = await Project.make(files);
    const running = project.start('msgflo', ['--graph', 'hello.fbp', '--port', '0', '--runtime-id', 'my-runtime']);
    await running.line(/^print \| Hello, world!$/);
    const address = (await running.line(/^msgflo started on /)).replace('msgflo started on ', '');
    socket = new WebSocket(address, 'noflo');
    socket.on('message', (text) => answers.push(JSON.parse(String(text))));
    await once(socket, 'open');
  });
  after(async () => {
    socket.terminate();
    await project.clean();
  });

  const ask = async (protocol: string, command: string, payload: object, last: string): Promise<Answer[]> => {
    answers.length = 0;
    socket.send(JSON.stringify({ protocol, command, payload }));
    while (!answers.some((answer) => answer.command === last || answer.command === 'error'))
      await once(socket, 'message');
    return answers.filter((answer) => answer.protocol === protocol);
  };

  it('is told what runtime it is, and of which graph', async () => {
    const [runtime] = await ask('runtime', 'getruntime', {}, 'runtime');
    expect(runtime?.payload).to.include({ id: 'my-runtime', type: 'msgflo', graph: 'hello' });
  });

  it('gets the components, with the ports of those that run', async () => {
    const list = await ask('component', 'list', {}, 'componentsready');
    const byName = new Map(list.map(({ payload }) => [payload['name'], payload]));
    expect([...byName.keys()]).to.include.members(['Greet', 'Print', 'Repeat']);
    expect(byName.get('Greet')?.['inPorts']).to.have.nested.property('[0].id', 'name');
  });

  it('gets the graph as the source of the main component', async () => {
    const [source] = await ask('component', 'getsource', { name: 'hello' }, 'source');
    const graph: unknown = JSON.parse(String(source?.payload['code']));
    expect(graph).to.have.nested.property('processes.greet.component', 'Greet');
  });

  it('sees that the network was started, and has nothing to do just now', async () => {
    const [status] = await ask('network', 'getstatus', { graph: 'hello' }, 'status');
    expect(status?.payload).to.include({ graph: 'hello', started: true, running: false });
  });
});
