import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { Command } from 'commander';
import { type AccessFlags, accessOf, accessOptions, takeSecret } from '../../src/cli/access-options.js';
import { UsageError } from '../../src/errors.js';
import { type AccessRules, OFFERED, READ_ONLY } from '../../src/protocol/index.js';
import { CannotListenError } from '../../src/server/index.js';
import { keepingLogger } from '../participant/network.js';

interface Found {
  readonly rules: AccessRules;
  readonly warnings: readonly string[];
}

/** Who may what with these arguments, and what is said of it. */
async function access(
  args: readonly string[],
  around: { host?: string; isTls?: boolean; secret?: string } = {},
): Promise<Found> {
  const parser = new Command().exitOverride().configureOutput({ writeErr: () => {} });
  for (const option of accessOptions()) parser.addOption(option);
  const log = keepingLogger();
  const flags = parser.parse(args, { from: 'user' }).opts<AccessFlags>();
  const { host = 'localhost', isTls = false, secret } = around;
  return { rules: await accessOf(flags, { host, isTls, secret, log }), warnings: log.lines };
}

const ALL_BUT_PROGRAMS = OFFERED.filter((capability) => capability !== 'component:setsource');
const mine = { secret: 'mine', capabilities: OFFERED };

describe('who may do what', () => {
  for (const host of ['localhost', '127.0.0.1', '::1']) {
    it(`is all for everybody on ${host}, in silence`, async () => {
      expect(await access([], { host })).to.deep.equal({ rules: { anonymous: OFFERED, secrets: [] }, warnings: [] });
    });
  }

  for (const host of ['0.0.0.0', '::', '192.0.2.1']) {
    it(`is all but running programs for everybody who reaches ${host}, with a warning that says how to close it`, async () => {
      const { rules, warnings } = await access([], { host });
      expect(rules).to.deep.equal({ anonymous: ALL_BUT_PROGRAMS, secrets: [] });
      expect(warnings).to.have.length(1);
      for (const word of [host, 'MSGFLO_SECRET', '--access-file', '--access read-only']) {
        expect(warnings[0]).to.include(word);
      }
    });
  }

  for (const host of ['localhost', '0.0.0.0']) {
    it(`is all for who gives the secret and nothing for others, on ${host}`, async () => {
      const { rules } = await access([], { host, secret: 'mine' });
      expect(rules).to.deep.equal({ anonymous: [], secrets: [mine] });
    });
  }

  for (const [word, anonymous] of [
    ['none', []],
    ['read-only', READ_ONLY],
    ['all', OFFERED],
  ] as const) {
    it(`is ${word} for those without a secret by --access ${word}, wherever it listens`, async () => {
      for (const host of ['localhost', '0.0.0.0']) {
        const { rules } = await access(['--access', word], { host, secret: 'mine' });
        expect(rules).to.deep.equal({ anonymous, secrets: [mine] });
        expect((await access(['--access', word], { host })).rules).to.deep.equal({ anonymous, secrets: [] });
      }
    });
  }

  it('warns of programs that strangers can run by --access all', async () => {
    expect((await access(['--access', 'all'], { host: '0.0.0.0' })).warnings.join()).to.include('run programs');
    expect((await access(['--access', 'all'])).warnings).to.deep.equal([]);
    expect((await access(['--access', 'read-only'], { host: '0.0.0.0' })).warnings).to.deep.equal([]);
  });

  it('warns of secrets that go unencrypted, and not with TLS', async () => {
    const around = { host: '0.0.0.0', secret: 'mine' };
    expect((await access([], around)).warnings.join()).to.include('--tls-cert');
    expect((await access([], { ...around, isTls: true })).warnings).to.deep.equal([]);
  });

  it('takes --secret before the variable, and warns of its being seen', async () => {
    const { rules, warnings } = await access(['--secret', 'mine'], { secret: 'other' });
    expect(rules.secrets).to.deep.equal([mine]);
    expect(warnings).to.have.length(1);
    expect(warnings[0]).to.include('MSGFLO_SECRET').and.not.to.include('mine');
  });

  it('takes the secret out of the environment', () => {
    const env = { MSGFLO_SECRET: 'mine', OTHER: 'stays' };
    expect(takeSecret(env)).to.equal('mine');
    expect(env).to.deep.equal({ OTHER: 'stays' });
    expect(takeSecret(env)).to.equal(undefined);
  });

  it('warns of pages from everywhere', async () => {
    expect((await access(['--allow-origin', '*'])).warnings.join()).to.include('--allow-origin *');
  });

  it('takes origins as browsers spell them', () => {
    const parser = new Command();
    for (const option of accessOptions()) parser.addOption(option);
    const args = ['--allow-origin', 'https://Editor.example.org:443/', '--allow-origin=http://localhost:8080'];
    expect(parser.parse(args, { from: 'user' }).opts<AccessFlags>().allowOrigin).to.deep.equal([
      'https://editor.example.org',
      'http://localhost:8080',
    ]);
  });

  for (const origin of [
    '',
    'editor.example.org',
    'https://editor.example.org/app',
    'ftp://x',
    'null',
    '**',
    'https://*.x.org',
  ]) {
    it(`refuses '${origin}' as an origin`, async () => {
      const error = await access(['--allow-origin', origin]).catch((reason: unknown) => reason);
      expect(error).to.be.instanceOf(UsageError);
      expect(error).to.have.property('message').that.includes('--allow-origin');
    });
  }

  it('refuses an empty secret instead of taking it for none', async () => {
    for (const [args, around, name] of [
      [['--secret', ''], {}, '--secret'],
      [[], { secret: '' }, 'MSGFLO_SECRET'],
    ] as const) {
      const error = await access(args, around).catch((reason: unknown) => reason);
      expect(error).to.be.instanceOf(UsageError);
      expect(error).to.have.property('message').that.includes(`${name} is empty`);
    }
  });

  it('says that there is no such host', async () => {
    const error = await access([], { host: 'no.such.host.invalid' }).catch((reason: unknown) => reason);
    expect(error).to.be.instanceOf(CannotListenError);
  });

  describe('with a file', () => {
    let folder: string;
    let file: string;
    const write = (text: string): Promise<void> => writeFile(file, text, { mode: 0o600 });
    beforeEach(async () => {
      folder = await mkdtemp(join(tmpdir(), 'msgflo-access-'));
      file = join(folder, 'access.json');
    });
    afterEach(() => rm(folder, { recursive: true, force: true }));

    it('is what it says, beside the one secret, and nothing for others', async () => {
      await write('{"guest": "read-only"}');
      const guest = { secret: 'guest', capabilities: READ_ONLY };
      expect((await access(['--access-file', file])).rules).to.deep.equal({ anonymous: [], secrets: [guest] });
      expect((await access(['--access-file', file], { secret: 'mine' })).rules.secrets).to.deep.equal([mine, guest]);
    });

    it('refuses a secret that is in it and given besides', async () => {
      await write('{"guest": "read-only"}');
      const error = await access(['--access-file', file], { secret: 'guest' }).catch((reason: unknown) => reason);
      expect(error).to.be.instanceOf(UsageError);
      expect(error).to.have.property('message').that.includes('MSGFLO_SECRET').and.not.includes('guest');
    });

    it('refuses more than a process can be told', async () => {
      await write(JSON.stringify(Object.fromEntries(Array.from({ length: 2000 }, (_, i) => [`secret ${i}`, 'all']))));
      const error = await access(['--access-file', file]).catch((reason: unknown) => reason);
      expect(error).to.be.instanceOf(UsageError);
      expect(error).to.have.property('message').that.includes('too many secrets');
    });
  });
});
