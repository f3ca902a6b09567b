import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect } from 'chai';
import { loadComponent } from '../../src/participant/index.js';
import { HEADER } from '../../src/transport/index.js';
import { dataOf, Network, until } from './network.js';

const ROOT = resolve(import.meta.dirname, '../..');

describe('docs/delivery.md', () => {
  let network: Network;
  let folder: string;
  beforeEach(async () => {
    network = await Network.open();
    folder = await mkdtemp(join(tmpdir(), 'msgflo-page-'));
  });
  afterEach(async () => {
    await network.close();
    await rm(folder, { recursive: true, force: true });
  });

  it('shows a component that runs', async () => {
    const page = readFileSync(join(ROOT, 'docs/delivery.md'), 'utf8');
    const [, text = ''] = /^```js participants\/Charge\.js\n([\s\S]*?)^```$/m.exec(page) ?? [];
    const library = pathToFileURL(join(ROOT, 'src/index.ts')).href;
    await writeFile(join(folder, 'Charge.mjs'), text.replace("'msgflo'", `'${library}'`));
    const loaded = await loadComponent(join(folder, 'Charge.mjs'));
    if (loaded.kind !== 'component') throw new Error('it is no component');
    const [out, dead] = [await network.collect('c.OUT'), await network.collect('dead-c.IN')];
    await network.start(loaded.component, 'c');
    await network.wire('c', { out: 'ready' });
    await network.send('c.CANCEL', 'it');
    await network.send('c.IN', { id: 1, card: 'x' });
    await network.send('c.IN', { id: 2 });
    await until(() => out.length === 2 && dead.length === 1);
    expect(dataOf(out)).to.deep.equal(['cancelled it', 'charged 1']);
    expect(dead[0]?.headers[HEADER.deadReason]).to.equal('order 2 has no card');
  });
});
