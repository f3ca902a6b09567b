import { readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';

/** The commit that the folder's repository is at; undefined where there is none, or it cannot be read cheaply. */
export async function gitCommit(folder: string): Promise<string | undefined> {
  for (let at = resolve(folder); ; at = dirname(at)) {
    const head = await headOf(join(at, '.git'));
    if (head !== undefined || dirname(at) === at) return head;
  }
}

async function headOf(git: string): Promise<string | undefined> {
  // In further working trees, and in submodules, `.git` is a file that says where the folder is.
  const link = /^gitdir: (.+)$/m.exec(await textOf(git))?.[1];
  const folder = link === undefined ? git : resolve(dirname(git), link);
  const head = (await textOf(join(folder, 'HEAD'))).trim();
  const ref = /^ref: (refs\/\S+)$/.exec(head)?.[1];
  if (ref === undefined) return asCommit(head);
  const common = resolve(folder, (await textOf(join(folder, 'commondir'))).trim() || '.');
  const loose =
    asCommit((await textOf(join(folder, ref))).trim()) ?? asCommit((await textOf(join(common, ref))).trim());
  if (loose !== undefined) return loose;
  const packed = await textOf(join(common, 'packed-refs'));
  return asCommit(
    packed
      .split('\n')
      .find((line) => line.endsWith(` ${ref}`))
      ?.split(' ')[0] ?? '',
  );
}

const asCommit = (text: string): string | undefined => (/^[0-9a-f]{40,64}$/.test(text) ? text : undefined);

const textOf = (path: string): Promise<string> => readFile(path, 'utf8').catch(() => '');
