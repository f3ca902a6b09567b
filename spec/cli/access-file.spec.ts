import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { readAccess, readAccessFile } from '../../src/cli/access-file.js';
import { UsageError } from '../../src/errors.js';
import { OFFERED, READ_ONLY } from '../../src/protocol/index.js';
import { keepingLogger } from '../participant/network.js';

describe('a file of secrets', () => {
  const rules = [
    { secret: 'for me', capabilities: OFFERED },
    { secret: 'for guests', capabilities: READ_ONLY },
    { secret: '0123', capabilities: ['protocol:graph', 'network:status'] },
    { secret: 'later', capabilities: [] },
  ];

  it('is read as JSON', () => {
    const text = `{
      "for me": "all",
      "for guests": "read-only",
      "0123": ["protocol:graph", "network:status"],
      "later": []
    }`;
    expect(readAccess(text, 'access.json')).to.deep.equal(rules);
  });

  it('is read as YAML, where digits are text too', () => {
    const text = `# who may what
for me: all
for guests: read-only
0123:
  - protocol:graph
  - network:status
later: []
`;
    expect(readAccess(text, 'access.yml')).to.deep.equal(rules);
  });

  for (const [what, text, line, words] of [
    [
      'a capability that there is not',
      '{"s3cret": "all",\n"s3cret2": ["protocol:graph",\n"s3cret:x"]}',
      3,
      /no capability; there are protocol:runtime, /,
    ],
    ['another word', '\ns3cret: s3cret', 2, /'all', 'read-only' or a list/],
    ['a map', 's3cret: {s3cret: all}', 1, /'all', 'read-only' or a list/],
    ['nothing', 'a: all\ns3cret:\n', 2, /'all', 'read-only' or a list/],
    ['a secret that stands twice', 's3cret: all\nb: all\ns3cret: read-only\n', 3, /a secret stands twice/],
    ['an empty secret', '{"a": "all",\n"": "all"}', 2, /a secret is text, and not empty/],
    ['a list for a secret', '? [s3cret]\n: all', 1, /a secret is text/],
    ['a reference to elsewhere', 'a: &x all\ns3cret: *x', 2, /'all', 'read-only' or a list/],
    ['what is neither JSON nor YAML', '{"a": "all",\n"s3cret: all}', 2, /neither JSON nor YAML/],
  ] as const) {
    it(`that holds ${what} is refused by its line, and nothing of it is repeated`, () => {
      const error = errorOf(() => readAccess(text, 'access.json'));
      expect(error).to.be.instanceOf(UsageError);
      expect(error.message)
        .to.match(new RegExp(`^--access-file access.json:${line}: `))
        .and.match(words);
      expect(`${error.message} ${error.stack}`).not.to.include('s3cret');
    });
  }

  for (const text of ['', '[]', 'all', '- s3cret']) {
    it(`that is no map is refused: '${text}'`, () => {
      const error = errorOf(() => readAccess(text, 'access.json'));
      expect(error.message).to.match(/^--access-file access.json: it is a map/);
    });
  }

  describe('on disk', () => {
    let folder: string;
    let path: string;
    beforeEach(async () => {
      folder = await mkdtemp(join(tmpdir(), 'msgflo-access-'));
      path = join(folder, 'access.yml');
      await writeFile(path, 'a: all\n', { mode: 0o600 });
    });
    afterEach(() => rm(folder, { recursive: true, force: true }));

    it('is read in silence when nobody else can read it', async () => {
      const log = keepingLogger();
      expect(await readAccessFile(path, log)).to.deep.equal([{ secret: 'a', capabilities: OFFERED }]);
      expect(log.lines).to.deep.equal([]);
    });

    it('that others can read is warned of', async () => {
      await chmod(path, 0o644);
      const log = keepingLogger();
      await readAccessFile(path, log);
      expect(log.lines.join('\n')).to.include(`chmod 600 ${path}`);
    });

    for (const mode of [0o620, 0o602]) {
      it(`that others can write is refused (${mode.toString(8)})`, async () => {
        await chmod(path, mode);
        const error = await readAccessFile(path, keepingLogger()).catch((reason: unknown) => reason);
        expect(error).to.be.instanceOf(UsageError);
        expect(error).to.have.property('message').that.includes(`chmod 600 ${path}`);
      });
    }

    it('that is not there, is a folder or too long is one line', async () => {
      await writeFile(path, 'x'.repeat(100_000));
      for (const [where, words] of [
        [join(folder, 'absent'), /absent: there is no such file$/],
        [folder, /: it is a folder$/],
        [path, /100000 bytes/],
      ] as const) {
        const error = await readAccessFile(where, keepingLogger()).catch((reason: unknown) => reason);
        expect(error).to.be.instanceOf(UsageError);
        expect(error).to.have.property('message').that.matches(words);
      }
    });
  });
});

function errorOf(work: () => unknown): Error {
  try {
    work();
  } catch (error) {
    if (error instanceof Error) return error;
  }
  throw new Error('nothing was thrown');
}
