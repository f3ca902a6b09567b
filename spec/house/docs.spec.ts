import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import { readGraph } from '../../src/graph/index.js';
import { project, ROOT, RunningNetwork } from '../network/running.js';

interface Block {
  readonly language: string;
  /** A file to write, or `run`. */
  readonly role: string;
  readonly text: string;
}

function blocksOf(document: string): readonly Block[] {
  const text = readFileSync(join(ROOT, document), 'utf8');
  return [...text.matchAll(/^```(\w+)[ ]?(.*)\n([\s\S]*?)^```$/gm)].map(([, language = '', role = '', body = '']) => {
    return { language, role, text: body };
  });
}

const documents = [
  'README.md',
  'CONTRIBUTING.md',
  ...readdirSync(join(ROOT, 'docs')).flatMap((name) => (name.endsWith('.md') ? [`docs/${name}`] : [])),
];

describe('the documents', function () {
  this.timeout(30_000);
  let network: RunningNetwork | undefined;
  afterEach(async () => network?.remove());

  it('README: what it tells to write runs and prints what it says', async () => {
    const blocks = blocksOf('README.md');
    const files = blocks.filter(({ role }) => /[./]/.test(role));
    const command = blocks.findIndex(({ role }) => role === 'run');
    expect(files, 'two participants and a graph').to.have.length(3);
    const folder = await project('');
    for (const { role, text } of files) await writeFile(join(folder, role), text);
    expect(blocks[command]?.text).to.equal('npx msgflo main.fbp\n');
    network = await RunningNetwork.start(folder);
    for (const line of (blocks[command + 1]?.text ?? '').trim().split('\n')) await network.says(line);
  });

  for (const document of documents) {
    it(`${document}: graphs parse, JSON is JSON, links lead somewhere`, () => {
      for (const { language, text, role } of blocksOf(document)) {
        if (language === 'fbp') readGraph(text, { path: role || `${document}.fbp` });
        if (language === 'json') JSON.parse(text);
      }
      const text = readFileSync(join(ROOT, document), 'utf8');
      const links = [...text.matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map(([, link = '']) => link);
      expect(links.filter((link) => !existsSync(join(ROOT, dirname(document), link)))).to.deep.equal([]);
    });
  }
});
