import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { project, ROOT, RunningNetwork } from '../../network/running.js';
import { ensureInstalled } from '../../support/debian.js';

const page = readFileSync(join(ROOT, 'docs/mqtt-door.md'), 'utf8');
const [start = '', use = ''] = [...page.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, block = '']) => block);

describe('docs/mqtt-door.md: the example', function () {
  this.timeout(60_000);
  let network: RunningNetwork | undefined;
  afterEach(() => network?.remove());

  it('runs as it stands, but for the port', async () => {
    await ensureInstalled('mosquitto_pub', 'mosquitto-clients', 'PATH');
    const [, flags = ''] = /^npx msgflo --graph main\.fbp (.+)$/m.exec(start) ?? [];
    const free = flags.replace(':1883', ':0').split(' ');
    const folder = await project('print(Print)');
    network = await RunningNetwork.start(folder, undefined, free);
    await network.says('msgflo started on');
    const file: { mqtt: string } = JSON.parse(readFileSync(join(folder, '.msgflo/broker.json'), 'utf8'));
    const script = use.replaceAll('-p 1883', `-p ${new URL(file.mqtt).port}`);
    const { stdout } = await promisify(execFile)('sh', ['-c', script], { cwd: folder, timeout: 20_000 });
    expect(page).to.include('It prints `house/cellar/temperature 12.5` and `house/attic/temperature 31`.');
    expect(stdout).to.equal('house/cellar/temperature 12.5\nhouse/attic/temperature 31\n');
  });
});
