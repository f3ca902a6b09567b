import { readdir, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { participant } from 'msgflo';

/**
 * Folders are read one at a time, so that a deep tree costs no memory; links are followed once each.
 * @param {string} folder
 * @param {Set<string>} seen
 * @returns {AsyncGenerator<string>} paths of package.json files
 */
async function* manifestsBelow(folder, seen = new Set()) {
  const real = await realpath(folder);
  if (seen.has(real)) return;
  seen.add(real);
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.name === 'package.json') yield path;
    else if (entry.isDirectory()) yield* manifestsBelow(path, seen);
  }
}

export default participant({
  component: 'ListManifests',
  label: 'Lists all package.json files below a folder, and says how many there are',
  icon: 'list',
  inports: {
    dir: { type: 'string', description: 'folder to look through' },
    extra: { type: 'string', description: 'one more file to list' },
  },
  outports: { out: { type: 'string' }, count: { type: 'object', description: 'how many each list had' } },
  async process({ dir, extra }, { send }) {
    let count = 0;
    const paths = dir === undefined ? [extra] : manifestsBelow(dir);
    for await (const path of paths) {
      await send('out', path);
      count += 1;
    }
    await send('count', { of: dir ?? extra, count });
  },
});
