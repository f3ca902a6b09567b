import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import { type Outcome, run } from './program.js';
import { BROKERS, FBP_SUITE, Scene } from './scene.js';

const require = createRequire(import.meta.url);
const PROGRAM = join(dirname(require.resolve('fbp-spec/package.json')), 'bin/fbp-spec');

describe('fbp-spec, which tests components by the protocol', function () {
  this.timeout(60_000);

  for (const [name, broker] of Object.entries(BROKERS)) {
    describe(`against msgflo on ${name}`, () => {
      let scene: Scene;
      before(async () => {
        scene = await Scene.make('', {
          broker: await broker(),
          overlay: FBP_SUITE,
          file: null,
          args: ['--library', 'suite.json'],
        });
      });
      after(() => scene.end());

      const runs = (suite: string): Promise<Outcome> => {
        const file = join(FBP_SUITE, 'suites', suite);
        return run(PROGRAM, ['--address', scene.address, file], { cwd: scene.folder });
      };

      it('runs fixtures with exported ports, several cases, and a sequence', async () => {
        const { code, said } = await runs('passing.yaml');
        const passed = said.match(/: ✓$/gm)?.length;
        expect({ code, passed }, `${said}\n${scene.network.output}`).to.deep.equal({ code: 0, passed: 7 });
      });

      it('sees what does not come out as expected', async () => {
        const { code, said } = await runs('failing.yaml');
        expect(code, said).to.equal(2);
        expect(said)
          .to.match(/is the same: ✓/)
          .and.to.match(/is another: ✗ Error: expected 1 to deeply equal 2/);
      });
    });
  }
});
