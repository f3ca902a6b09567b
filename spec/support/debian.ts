import { spawn } from 'node:child_process';
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { delimiter, isAbsolute, join } from 'node:path';

/** Folders that hold servers although a user's PATH often lacks them. */
const SERVER_FOLDERS = ['/usr/sbin', '/sbin', '/usr/local/sbin'];

/**
 * The path of a server program that specs start, installed from Debian's packages when it is missing, we are root and
 * there is an `apt-get`.
 * @param binary a name looked for in PATH and the sbin folders, or an absolute path
 * @param envOverride the variable by which a user names a running server instead; only for the error's text
 * @throws {Error} saying what to install or which variable to set
 */
export async function ensureInstalled(binary: string, debianPackage: string, envOverride: string): Promise<string> {
  const there = await findProgram(binary);
  if (there) return there;
  const aptGet = await findProgram('apt-get');
  if (!aptGet || process.getuid?.() !== 0) throw new Error(missing(binary, debianPackage, envOverride));
  process.stderr.write(`specs: '${binary}' is missing, installing the Debian package ${debianPackage} ...\n`);
  try {
    await runApt(aptGet, ['update', '-q']);
    await runApt(aptGet, ['install', '-y', '-q', '--no-install-recommends', debianPackage]);
  } catch (cause) {
    throw new Error(missing(binary, debianPackage, envOverride), { cause });
  }
  const installed = await findProgram(binary);
  if (!installed) throw new Error(missing(binary, debianPackage, envOverride));
  process.stderr.write(`specs: ${debianPackage} is installed\n`);
  return installed;
}

async function findProgram(binary: string): Promise<string | undefined> {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter).filter(Boolean), ...SERVER_FOLDERS];
  const candidates = isAbsolute(binary) ? [binary] : folders.map((folder) => join(folder, binary));
  for (const path of candidates) {
    const runs = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (runs) return path;
  }
  return undefined;
}

/** Waits for another apt-get to end first; `RUNLEVEL=1` keeps the package from starting a server of its own. */
async function runApt(aptGet: string, args: readonly string[]): Promise<void> {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
  const child = spawn(aptGet, ['-o', 'DPkg::Lock::Timeout=180', ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  const keepEnd = (chunk: Buffer): void => {
    output = (output + chunk.toString()).slice(-2000);
  };
  child.stdout.on('data', keepEnd);
  child.stderr.on('data', keepEnd);
  await new Promise<void>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve();
      else reject(new Error(`apt-get ${args.join(' ')} ended with ${code}: ${output}`));
    });
  });
}

function missing(binary: string, debianPackage: string, envOverride: string): string {
  return (
    `the specs need '${binary}': install it (Debian: apt-get install --no-install-recommends ${debianPackage}), ` +
    `or set ${envOverride} to the address of a running server`
  );
}
