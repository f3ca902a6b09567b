import { readFileSync } from 'node:fs';
import { symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import { ROOT } from '../network/running.js';
import { run } from './program.js';
import { BROKERS, Scene } from './scene.js';

const require = createRequire(import.meta.url);

/** The text of a block of docs/clients.md. */
function block(opening: string): string {
  const text = readFileSync(join(ROOT, 'docs/clients.md'), 'utf8');
  return text.split(`\`\`\`${opening}\n`)[1]?.split('```')[0] ?? '';
}

describe('a client made with fbp-protocol-client', function () {
  this.timeout(60_000);
  let scene: Scene | undefined;
  afterEach(async () => scene?.end());

  for (const [name, broker] of Object.entries(BROKERS)) {
    it(`builds, feeds, watches and takes down a graph on ${name}, as docs/clients.md shows`, async () => {
      scene = await Scene.make('', { broker: await broker(), file: null });
      await symlink(
        dirname(require.resolve('fbp-protocol-client/package.json')),
        join(scene.folder, 'node_modules/fbp-protocol-client'),
      );
      await writeFile(join(scene.folder, 'client.js'), block('js client.js'));
      const { code, said } = await run('client.js', [scene.address], { cwd: scene.folder });
      expect(said, scene.network.output).to.equal(block('text'));
      expect(code).to.equal(0);
      expect(scene.network.output).to.include('Hello, world!').and.to.include('Hello, everybody!');
      await scene.until(() => scene?.network.children('msgflo-participant').length === 0);
    });
  }
});
