import { readFile } from 'node:fs/promises';
import { participant } from 'msgflo';

export default participant({
  component: 'ReadManifest',
  label: 'Reads a package.json; one that cannot be read or parsed is a dead letter',
  icon: 'file-text-o',
  inports: { in: { type: 'string', description: 'path of the file' } },
  outports: { out: { type: 'object' } },
  prefetch: 8,
  async process({ in: path = '' }, { send }) {
    const { name, version, license, licenses } = JSON.parse(await readFile(path, 'utf8'));
    await send('out', { path, name, version, license: license ?? licenses, isPackage: Boolean(name && version) });
  },
});
