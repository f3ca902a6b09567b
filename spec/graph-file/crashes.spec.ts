import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import { emptyGraph, readGraph, readJson, writeFbp, writeJson } from '../../src/graph/index.js';
import { countOf } from './fixtures/counting-graph.js';
import { Scene } from './scene.js';

const PROGRAM = join(import.meta.dirname, 'fixtures/editing.ts');
const COMMENT = '# Written by people.\n';

/** The last of each kind of word that the program said before it was killed, some time after it had opened the file. */
async function runAndKill({ path, statePath }: Scene): Promise<ReadonlyMap<string, number>> {
  const child = spawn(process.execPath, ['--import', 'tsx', PROGRAM, path, statePath], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const said = new Map<string, number>();
  const lines = createInterface({ input: child.stdout });
  const opened = once(lines, 'line');
  lines.on('line', (line) => {
    const [word = '', nth] = line.split(' ');
    said.set(word, Number(nth));
  });
  await opened;
  await delay(Math.random() * 120);
  child.kill('SIGKILL');
  await once(child, 'close');
  return said;
}

async function countInState({ statePath }: Scene): Promise<number> {
  if (!existsSync(statePath)) return 0; // killed before the first was written
  const { graph } = JSON.parse(await readFile(statePath, 'utf8'));
  return countOf(readJson(JSON.stringify(graph), { path: statePath }).graph);
}

describe('GraphFile killed at any moment', () => {
  for (const name of ['net.fbp', 'net.json']) {
    it(`leaves state and ${name} as they were put at one time, each no older than before`, async function () {
      this.timeout(120_000);
      const fresh = emptyGraph('net');
      const scene = await Scene.make(name, name === 'net.fbp' ? COMMENT + writeFbp(fresh) : writeJson(fresh));
      let before = { inFile: 0, inState: 0 };
      try {
        for (let kill = 1; kill <= 15; kill += 1) {
          const said = await runAndKill(scene);
          const text = await scene.text();
          const inFile = countOf(readGraph(text, { path: scene.path }).graph);
          const inState = await countInState(scene);
          const last = said.get('put') ?? said.get('open') ?? 0;
          const order = [said.get('settled') ?? 0, inFile, inState, last];
          expect(order, `kill ${kill}: settled, file, state, put`).to.deep.equal(order.toSorted((a, b) => a - b));
          expect(said.get('open'), `kill ${kill}: taken over`).to.equal(before.inState);
          expect(inFile).to.be.at.least(before.inFile);
          if (name === 'net.fbp') expect(text.startsWith(COMMENT)).to.equal(true);
          before = { inFile, inState };
        }
        expect(before.inFile).to.be.above(15);
      } finally {
        await scene.end();
      }
    });
  }
});
