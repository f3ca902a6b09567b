import { expect } from 'chai';
import mqtt from 'mqtt';
import { until } from '../process/processes.js';
import { sharedMosquitto } from '../support/mosquitto.js';
import { linesOf, Project, SPEC_LIMIT_MS, unique } from './run-executable.js';

describe('devices that are registered', function () {
  this.timeout(SPEC_LIMIT_MS);
  let project: Project;
  let env: Record<string, string>;
  beforeEach(async () => {
    env = { MSGFLO_BROKER: (await sharedMosquitto()).url };
    project = await Project.make({
      'list.yml': 'component: Lamp\nicon: lightbulb-o\ninports:\n  - id: on\n    queue: lamps/#ROLE/on\n',
      'map.yml': 'component: Sensor\noutports:\n  value:\n    queue: sensors/#ROLE\n    type: number\n',
    });
  });
  afterEach(() => project.clean());

  it('take part in a graph: msgflo-setup --forever forwards between them, as it did', async () => {
    const [lamp, sensor] = [unique('lamp'), unique('sensor')];
    await project.write({ 'g.fbp': `${sensor}(Sensor) VALUE -> ON ${lamp}(Lamp)\n` });
    const args = ['--role', `${lamp}:list.yml`, '--role', `${sensor}:map.yml`, '--interval', '0.5'];
    const announcing = project.start('msgflo-register', args, { env });
    expect(await announcing.line(/sensor/)).to.equal(`Sent discovery message for ${sensor}`);
    const forwarding = project.start('msgflo-setup', ['g.fbp', '--forever'], { env });
    await forwarding.line(new RegExp(`^PUBSUB: sensors/${sensor} -> lamps/${lamp}/on$`));
    const device = await mqtt.connectAsync(env['MSGFLO_BROKER'] ?? '', { protocolVersion: 4 });
    const got: string[] = [];
    device.on('message', (_topic, payload) => got.push(String(payload)));
    await device.subscribeAsync(`lamps/${lamp}/on`);
    await until(async () => {
      await device.publishAsync(`sensors/${sensor}`, '21.5');
      return got.length > 0;
    });
    await device.endAsync();
    expect(got[0]).to.equal('21.5');
    for (const one of [forwarding, announcing]) {
      const { code, stderr } = await one.stop();
      expect(code, stderr).to.equal(0);
      // The router says that the device is gone.
      expect(linesOf(stderr).filter((line) => !line.startsWith('msgflo-router | '))).to.deep.equal([]);
    }
    expect(await project.leftovers()).to.deep.equal([]);
  });

  for (const forever of [['--forever', 'false'], ['--forever=false'], []]) {
    it(`are announced once by msgflo-register-foreign ${forever.join(' ')}`, async () => {
      const args = forever.length === 1 ? [...forever, 'map.yml'] : ['map.yml', ...forever];
      const ended = await project.run('msgflo-register-foreign', [...args, '--role', 'here'], { env });
      expect(ended).to.include({ code: 0, stdout: 'Sent discovery message for here\n', stderr: '' });
    });
  }

  for (const forever of [['--forever', 'true'], ['--forever=true'], ['--forever']]) {
    it(`are announced until interrupted by msgflo-register-foreign ${forever.join(' ')}`, async () => {
      const args = [...forever, 'map.yml', '--interval', '0.1', '--role', 'here'];
      const running = project.start('msgflo-register-foreign', args, { env });
      await until(() => linesOf(running.stdout).length > 2);
      const { code, stdout, stderr } = await running.stop('SIGTERM');
      expect({ code, stderr }).to.deep.equal({ code: 0, stderr: '' });
      expect(new Set(linesOf(stdout))).to.deep.equal(new Set(['Sent discovery message for here']));
    });
  }
});
