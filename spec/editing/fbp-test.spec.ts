import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import { run } from './program.js';
import { BROKERS, FBP_SUITE, Scene } from './scene.js';

const require = createRequire(import.meta.url);
const packageJson = require.resolve('fbp-protocol/package.json');
/** The version of mocha that the suite was written for. */
const mocha = createRequire(packageJson).resolve('mocha/bin/_mocha');

/** How many tests the suite has: one that runs fewer has passed nothing. */
const TESTS = 22;

/** Its own limit of 2 s a test is for a machine that does nothing else. */
const LIMIT_MS = process.env['MSGFLO_TEST_FBP_LIMIT'] ?? '10000';

describe('the test suite of the package fbp-protocol', function () {
  this.timeout(60_000);
  let scene: Scene | undefined;
  let folder = '';
  afterEach(async () => {
    await scene?.end();
    await rm(folder, { recursive: true, force: true });
  });

  for (const [name, broker] of Object.entries(BROKERS)) {
    it(`passes against msgflo on ${name}`, async () => {
      scene = await Scene.make('', {
        broker: await broker(),
        overlay: FBP_SUITE,
        file: null,
        args: ['--library', 'suite.json'],
      });
      const { port } = new URL(scene.address);
      folder = await mkdtemp(join(tmpdir(), 'msgflo-fbp-test-'));
      await mkdir(join(folder, 'node_modules/.bin'), { recursive: true });
      await symlink(mocha, join(folder, 'node_modules/.bin/_mocha'));
      const config = { name: 'msgflo', command: null, host: 'localhost', port: Number(port), collection: 'suite' };
      await writeFile(join(folder, 'fbp-config.json'), JSON.stringify({ ...config, version: '0.8' }));
      const fbpTest = join(dirname(packageJson), 'bin/fbp-test');
      const { code, said } = await run(fbpTest, ['--timeout', LIMIT_MS], { cwd: folder });
      const passing = Number(/(\d+) passing/.exec(said)?.[1]);
      expect({ code, passing }, `${said}\n${scene.network.output}`).to.deep.equal({ code: 0, passing: TESTS });
    });
  }
});
