import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

export interface Certificate {
  readonly certFile: string;
  readonly keyFile: string;
  readonly cert: string;
  readonly key: string;
}

/** Certificates for `localhost` that vouch for themselves, in a folder that is removed after the suite that calls this. */
export function certificatesForSpecs(): { readonly dir: () => string; make(name: string): Promise<Certificate> } {
  let folder = '';
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'msgflo-tls-'));
  });
  after(() => rm(folder, { recursive: true, force: true }));
  return {
    dir: () => folder,
    async make(name) {
      const [certFile, keyFile] = [join(folder, `${name}.crt`), join(folder, `${name}.key`)];
      const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
      const names = ['-subj', `/CN=${name}`, '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
      const args = ['req', '-x509', ...kind, ...names, '-keyout', keyFile, '-out', certFile];
      await promisify(execFile)('openssl', args);
      return { certFile, keyFile, cert: await readFile(certFile, 'utf8'), key: await readFile(keyFile, 'utf8') };
    },
  };
}
