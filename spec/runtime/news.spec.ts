import { expect } from 'chai';
import { asRole } from '../../src/names.js';
import { participant } from '../../src/participant/index.js';
import { until } from '../participant/network.js';
import { repeat, Scene } from './scene.js';

const iconed = (icon: string) =>
  participant({ component: 'Lamp', icon, inports: { in: {} }, process: () => undefined });

describe('what a runtime tells of participants and processes', () => {
  let scene: Scene;
  afterEach(() => scene.close());

  it('tells components when they are new or have other ports, and not again otherwise', async () => {
    scene = await Scene.open('a(Repeat) OUT -> IN b(Repeat)');
    await scene.complete();
    const ports = {
      inPorts: [{ id: 'in', type: 'any', description: 'anything' }],
      outPorts: [
        { id: 'out', type: 'any' },
        { id: 'dead_in', description: 'Dead letters, their reason in the headers', isImplied: true },
      ],
    };
    const component = { name: 'Repeat', icon: 'forward', ...ports };
    expect(scene.ofKind('component')).to.deep.equal([{ kind: 'component', component }]);
    expect(scene.runtime.components()).to.deep.include(component);
    await scene.network.start(
      participant({ component: 'Repeat', inports: { other: {} }, process: () => undefined }),
      'other',
    );
    await until(() => scene.ofKind('component').length > 1);
    expect(scene.ofKind('component')[1]?.component).to.deep.equal({
      name: 'Repeat',
      inPorts: [{ id: 'other', type: 'any' }],
      outPorts: [{ id: 'dead_other', description: 'Dead letters, their reason in the headers', isImplied: true }],
    });
  });

  it('lets the exported ports be known anew when what is behind them is announced', async () => {
    scene = await Scene.open('INPORT=lamp.IN:GO\nlamp(Lamp) OUT -> IN a(Repeat)');
    await scene.network.start(iconed('moon'), 'elsewhere');
    await until(() => scene.ofKind('component').some(({ component }) => component.name === 'Lamp'));
    expect(scene.ofKind('ports')).to.deep.equal([]);
    await scene.network.start(iconed('sun'), 'lamp');
    await until(() => scene.ofKind('ports').length > 0);
  });

  it('tells an icon when it is another than before', async () => {
    scene = await Scene.open('lamp(Lamp) OUT -> IN a(Repeat)');
    const lamp = await scene.network.start(iconed('moon'), 'lamp');
    await until(() => scene.runtime.nodes()[0]?.state === 'live');
    await lamp.stop();
    await scene.network.start(iconed('sun'), 'lamp');
    await until(() => scene.ofKind('icon').length > 0);
    expect(scene.ofKind('icon')).to.deep.equal([{ kind: 'icon', role: 'lamp', icon: 'sun' }]);
  });

  it('tells a crash with what the process said last, and output line by line', async () => {
    scene = await Scene.open('a(Repeat) OUT -> IN b(Repeat)');
    await scene.complete();
    await scene.launcher.crash('a', ['Error: no such device', '    at somewhere']);
    scene.launcher.print({ key: 'b', role: 'b', stream: 'stderr', line: 'hello' });
    expect(scene.ofKind('process-error')).to.deep.equal([
      { kind: 'process-error', role: 'a', message: 'the process exited with code 3: Error: no such device' },
    ]);
    expect(scene.ofKind('output')).to.deep.equal([{ kind: 'output', role: 'b', stream: 'stderr', line: 'hello' }]);
  });

  it('tells the failure of a process that is no node without a node', async () => {
    scene = await Scene.open('a(Repeat) OUT -> IN b(Repeat)');
    scene.launcher.tell({ key: 'msgflo-router', role: 'msgflo-router' }, 'failed', { stderrTail: ['no way'] });
    const message = 'msgflo-router: the process cannot be started: no way; it is not started again';
    expect(scene.ofKind('error')).to.deep.equal([{ kind: 'error', message }]);
  });

  it('tells that a role is lost when it stays away, and not when its process is stopped on purpose', async () => {
    scene = await Scene.open('a(Repeat) OUT -> IN device(Lamp)');
    const device = await scene.network.start(repeat, 'device');
    await until(() => scene.runtime.nodes().every(({ state }) => state === 'live'));
    scene.runtime.setStarted(false);
    await device.stop();
    await until(() => scene.ofKind('process-error').length > 0);
    expect(scene.ofKind('process-error')).to.deep.equal([
      { kind: 'process-error', role: 'device', message: 'lost: its last participant is gone' },
    ]);
  });

  it('says no more once it is closed', async () => {
    scene = await Scene.open('a(Repeat) OUT -> IN b(Repeat)');
    await scene.complete();
    scene.runtime.close();
    scene.runtime.close();
    scene.told.length = 0;
    scene.launcher.print({ key: 'b', role: 'b', stream: 'stderr', line: 'hello' });
    scene.runtime.edit({ do: 'remove-node', role: asRole('a') });
    expect(scene.told).to.deep.equal([]);
  });

  it('hands messages for participants that speak the protocol themselves to the relay', async () => {
    const asked: string[] = [];
    const message = { protocol: 'trace', command: 'dump', payload: {} };
    scene = await Scene.open('a(Repeat) OUT -> IN b(Repeat)', {
      relay: {
        async ask(definition, one) {
          asked.push(definition.role);
          return one;
        },
      },
    });
    await scene.complete();
    const sub = {
      id: 'sub-1',
      role: 'sub',
      component: 'Sub',
      label: '',
      icon: '',
      inports: [],
      outports: [],
      type: 'noflo',
    };
    await scene.network.notify('fbp', JSON.stringify({ protocol: 'discovery', command: 'participant', payload: sub }));
    await until(() => scene.coordinator.definitions().some(({ role }) => role === 'sub'));
    expect(scene.runtime.relay('a', message)).to.equal(undefined);
    expect(await scene.runtime.relay('sub', message)).to.equal(message);
    expect(await scene.runtime.relay('sub-1', message)).to.equal(message);
    expect(asked).to.deep.equal(['sub', 'sub']);
  });
});
