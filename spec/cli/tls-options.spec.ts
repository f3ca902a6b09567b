import { chmod, copyFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { readTls, renewTls, tlsFilesOf } from '../../src/cli/tls-options.js';
import { UsageError } from '../../src/errors.js';
import type { TlsPem } from '../../src/server/index.js';
import { keepingLogger } from '../participant/network.js';
import { until } from '../server/client.js';
import { type Certificate, certificatesForSpecs } from '../server/tls-files.js';

describe('a certificate on the command line', () => {
  const certificates = certificatesForSpecs();
  let one: Certificate;
  let two: Certificate;
  before(async () => {
    one = await certificates.make('one');
    two = await certificates.make('two');
  });

  it('is handed on as paths', async () => {
    expect(await tlsFilesOf({ tlsCert: one.certFile, tlsKey: one.keyFile })).to.deep.equal({
      certFile: one.certFile,
      keyFile: one.keyFile,
    });
    expect(await tlsFilesOf({})).to.equal(undefined);
  });

  const wrong: readonly (readonly [string, () => object, RegExp])[] = [
    [
      'without its key',
      () => ({ tlsCert: one.certFile }),
      /^--tls-cert and --tls-key go together: --tls-key is missing$/,
    ],
    ['that is only a key', () => ({ tlsKey: one.keyFile }), /go together: --tls-cert is missing$/],
    [
      'that is not there',
      () => ({ tlsCert: 'absent.crt', tlsKey: one.keyFile }),
      /^--tls-cert absent\.crt: there is no such file$/,
    ],
    [
      'whose key is not there',
      () => ({ tlsCert: one.certFile, tlsKey: 'absent.key' }),
      /^--tls-key absent\.key: there is no such file$/,
    ],
    ['that is a folder', () => ({ tlsCert: certificates.dir(), tlsKey: one.keyFile }), /it is a folder$/],
    ['that is none', () => ({ tlsCert: one.keyFile, tlsKey: one.keyFile }), /the certificate cannot be used: /],
    ['whose key is none', () => ({ tlsCert: one.certFile, tlsKey: one.certFile }), /the private key cannot be used: /],
    [
      'with the key of another',
      () => ({ tlsCert: one.certFile, tlsKey: two.keyFile }),
      /not the one of the certificate/,
    ],
  ];
  for (const [what, flags, words] of wrong) {
    it(`${what} is refused in one line`, async () => {
      const error = await tlsFilesOf(flags()).catch((reason: unknown) => reason);
      expect(error).to.be.instanceOf(UsageError);
      expect(error).to.have.property('message').that.matches(words).and.not.includes('\n').and.not.includes('BEGIN');
    });
  }

  it('that cannot be read is refused', async function () {
    if (process.getuid?.() === 0) return this.skip();
    const path = join(certificates.dir(), 'hidden.key');
    await copyFile(one.keyFile, path);
    await chmod(path, 0);
    const error = await tlsFilesOf({ tlsCert: one.certFile, tlsKey: path }).catch((reason: unknown) => reason);
    expect(error).to.be.instanceOf(UsageError);
  });

  it('is read again when it was renewed, and stays while what lies there does not serve', async () => {
    const files = { certFile: join(certificates.dir(), 'now.crt'), keyFile: join(certificates.dir(), 'now.key') };
    await copyFile(one.certFile, files.certFile);
    await copyFile(one.keyFile, files.keyFile);
    const log = keepingLogger();
    const renewed: TlsPem[] = [];
    const end = renewTls(files, await readTls(files), { renew: (tls) => renewed.push(tls), log, everyMs: 5 });
    try {
      await copyFile(two.certFile, files.certFile);
      await until(() => log.lines.some((line) => line.includes('not the one of the certificate')));
      expect(renewed).to.deep.equal([]);
      await copyFile(two.keyFile, files.keyFile);
      await until(() => renewed.length > 0);
      expect(renewed).to.deep.equal([{ cert: two.cert, key: two.key }]);
      await writeFile(files.keyFile, 'gone bad');
      await until(() => log.lines.some((line) => line.includes('private key cannot be used')));
      expect(renewed).to.have.length(1);
    } finally {
      end();
    }
  });
});
